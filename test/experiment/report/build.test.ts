// What a report may claim, and what it must not.

import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../../../src/experiment/recipes.ts';
import { buildReport } from '../../../src/experiment/report/build.ts';
import type { ReportRun } from '../../../src/experiment/report/data.ts';
import { figuresOf, rowColors } from '../../../src/experiment/report/figures.ts';
import { formatReport } from '../../../src/experiment/report/report.ts';
import { sweepTables } from '../../../src/experiment/report/sweep.ts';
import type { TitledTable } from '../../../src/experiment/report/table.ts';
import { tQuantile } from '../../../src/util/statistics.ts';
import { row, run } from './support/runs.ts';

describe('a row', () => {
  const finals = [8.4, 8.6, 8.2, 8.7, 8.5];
  const report = buildReport(
    finals.map((final, index) => run('resnet20', index + 1, final)),
    'cifar10',
  );
  const resnet20 = row(report, 'ResNet-20');

  test('has mean, sample deviation and n of the final and of the best errors', () => {
    expect(resnet20.final).toMatchObject({ n: 5 });
    expect(resnet20.final!.mean).toBeCloseTo(8.48, 10);
    expect(resnet20.final!.deviation).toBeCloseTo(0.19235, 4);
    expect(resnet20.bestOnTest!.mean).toBeCloseTo(8.23, 10);
    expect(resnet20.bestOnValidation).toBeUndefined();
  });

  test('differs from the paper by so much, with a t interval over the seeds', () => {
    const { difference, interval } = resnet20.paperDifference!;
    expect(difference).toBeCloseTo(8.48 - 8.75, 10);
    const reach = (tQuantile(0.975, 4) * resnet20.final!.deviation!) / Math.sqrt(5);
    expect(interval!.high - difference).toBeCloseTo(reach, 10);
  });

  test('stands in a table that has all six networks of the paper, the others as not run', () => {
    expect(report.rows.map(({ name }) => name)).toEqual([
      'ResNet-20',
      'ResNet-32',
      'ResNet-44',
      'ResNet-56',
      'ResNet-110',
      'ResNet-1202',
    ]);
    const text = formatReport(report, 'text');
    expect(text).toMatch(/ResNet-20 .*8\.75 .*7\.92 .*8\.27 .*8\.48 ± 0\.19 .*5 .*−0\.27 \[/);
    expect(text).toMatch(/ResNet-1202 .*7\.93 .*\? .*not run .*19,421,274/);
  });

  test('with two recipes it is still that table', () => {
    const config = resolveConfig({ arch: 'resnet20', recipe: 'fast' });
    const runs = [run('resnet20', 1, 8.4), run('resnet20', 1, 10, { recipe: 'fast', config })];
    expect(buildReport(runs, 'x').rows.map(({ arch }) => arch)).toEqual([
      'resnet20',
      'resnet20',
      ...['resnet32', 'resnet44', 'resnet56', 'resnet110', 'resnet1202'],
    ]);
  });

  test('counts finished runs alone, and shows the others', () => {
    const partial = buildReport(
      [
        run('resnet20', 1, 8.4),
        run('resnet20', 2, 50, { state: 'running', final: undefined }),
        run('resnet20', 3, 0, { state: 'failed', final: undefined, message: 'it was killed' }),
        run('resnet20', 4, 0, { state: 'missing', dataTitle: undefined, curves: undefined }),
      ],
      'cifar10',
    );
    expect(row(partial, 'ResNet-20').final).toMatchObject({ n: 1, mean: 8.4 });
    const text = formatReport(partial, 'text');
    expect(text).toContain('8.40');
    expect(text).toContain('1 of 4 (1 running, 1 failed, 1 missing)');
    expect(text).toContain('resnet20-notebook-seed3 failed: it was killed');
    for (const format of ['markdown', 'html'] as const) {
      expect(formatReport(partial, format)).toContain('it was killed');
    }
  });

  test('with one run has neither deviation nor interval', () => {
    const single = row(buildReport([run('resnet20', 1, 8.4)], 'cifar10'), 'ResNet-20');
    expect(single.final!.deviation).toBeUndefined();
    expect(single.paperDifference).toMatchObject({ interval: undefined });
  });

  test("of ResNet-110 is compared with the mean of the paper's five runs, not with its best", () => {
    const deep = buildReport([run('resnet110', 1, 6.7), run('resnet110', 2, 6.9)], 'cifar10');
    expect(row(deep, 'ResNet-110').paperDifference!.difference).toBeCloseTo(6.8 - 6.61, 10);
  });
});

describe('what is not comparable', () => {
  test('other data than the original CIFAR-10 get no difference from the paper, and are named', () => {
    const other = { dataTitle: 'CIFAR-10 (JPEG q75)', isOriginalCifar10: false, comparable: false };
    const report = buildReport([run('resnet20', 1, 12, other)], 'x');
    expect(row(report, 'ResNet-20').paperDifference).toBeUndefined();
    expect(report.title).toBe('Runs on CIFAR-10 (JPEG q75), not the original CIFAR-10');
    expect(report.rows).toHaveLength(1);
    const html = formatReport(report, 'html');
    const captions = [
      ...html.matchAll(/<(?:figcaption|p class="caption")>([^<]*)</g),
      ...html.matchAll(/<title>([^<]*iterations[^<]*)</g),
    ].map(([, text]) => text);
    expect(captions.length).toBeGreaterThan(4);
    for (const caption of captions) expect(caption).toContain('CIFAR-10 (JPEG q75)');
  });

  test('a trial on a few batches is called one', () => {
    const config = resolveConfig({ arch: 'resnet20', overrides: { limitBatches: 3 } });
    const report = buildReport([run('resnet20', 1, 60, { config, comparable: false })], 'x');
    expect(report.title).toBe('Table 6: CIFAR-10, a trial of 3 batches an epoch');
    expect(row(report, 'ResNet-20, only 3 batches an epoch').paperDifference).toBeUndefined();
  });

  test('a trial beside whole runs is marked, and each row has the images that it was tested on', () => {
    const limited = { limitBatches: 3, batchSize: 339 };
    const config = resolveConfig({ arch: 'resnet20', overrides: { ...limited, seed: 3 } });
    const report = buildReport(
      [
        run('resnet20', 1, 10, { testImages: 2000 }),
        run('resnet20', 3, 10, { config, testImages: 2000, evaluatedImages: 1017 }),
      ],
      'x',
    );
    const [whole, trial] = report.rows;
    expect(trial!.name).toContain('only 3 batches an epoch');
    expect(whole!.name).not.toContain('only');
    expect(whole!.countingError).toBeCloseTo(100 * Math.sqrt((0.1 * 0.9) / 2000), 6);
    expect(trial!.countingError).toBeCloseTo(100 * Math.sqrt((0.1 * 0.9) / 1017), 6);
    const notes = report.notes.join(' ');
    expect(notes).toContain('on 2,000 images');
    expect(notes).toContain('on 1,017 images');
    expect(report.title).toContain('partly trials');
    expect(formatReport(report, 'text')).toMatch(/only 3 batches an epoch.* 1,017\n/);
  });

  test('runs of different length, data or recipe are different rows', () => {
    const report = buildReport(
      [
        run('resnet20', 1, 8),
        run('resnet20', 2, 9, { epochs: 100 }),
        run('resnet20', 3, 20, { recipe: 'quick' }),
        run('resnet20', 4, 30, { dataTitle: 'synthetic', comparable: false }),
      ],
      'x',
    );
    const names = report.rows.filter(({ planned }) => planned > 0).map(({ name }) => name);
    expect(names).toHaveLength(4);
    expect(new Set(names).size).toBe(4);
    expect(names).toEqual(
      expect.arrayContaining([
        'ResNet-20, notebook, 100 epochs, CIFAR-10',
        'ResNet-20, quick, CIFAR-10',
        'ResNet-20, notebook, 200 epochs, synthetic',
      ]),
    );
  });

  test('threads, device and how often is saved make no other row', () => {
    const config = resolveConfig({
      arch: 'resnet20',
      overrides: { seed: 2, threads: 8, saveEvery: 5, device: 'cpu' },
    });
    const report = buildReport([run('resnet20', 1, 8), run('resnet20', 2, 9, { config })], 'x');
    expect(row(report, 'ResNet-20').final).toMatchObject({ n: 2 });
  });

  test('the same seed twice is one run, and the report says so', () => {
    const report = buildReport(
      [
        run('resnet20', 1, 8.4, { folder: 'c', state: 'interrupted', final: undefined }),
        run('resnet20', 1, 8.4, { folder: 'a', weightsSha256: 'f00' }),
        run('resnet20', 1, 8.4, { folder: 'b', weightsSha256: 'f00' }),
        // A copy, with another seed in its configuration.
        run('resnet20', 7, 8.4, { folder: 'd', weightsSha256: 'f00' }),
      ],
      'x',
    );
    expect(row(report, 'ResNet-20').final).toMatchObject({ n: 1 });
    const notes = report.notes.join('\n');
    for (const copy of ['b', 'd']) {
      expect(notes).toContain(`${copy} is the same run as a, to the bit of its weights`);
    }
    expect(notes).toContain('c has the settings and the seed of a: it is left out');
  });

  test('settings that changed no bit are told', () => {
    const config = resolveConfig({ arch: 'resnet20', overrides: { milestones: [100, 150, 300] } });
    const same = { weightsSha256: 'f00' };
    const runs = [
      run('resnet20', 1, 8.4, { ...same, folder: 'a' }),
      run('resnet20', 1, 8.4, { ...same, folder: 'b', config }),
    ];
    const report = buildReport(runs, 'x');
    expect(report.rows).toHaveLength(2);
    expect(report.notes.join('\n')).toContain('a and b have other settings and the same weights');
  });
});

describe('comparisons', () => {
  test('plain against residual, as independent groups', () => {
    const report = buildReport(
      [
        ...[9, 9.2].map((final, i) => run('resnet56', i + 1, final)),
        ...[13, 13.4].map((final, i) => run('plain56', i + 1, final, { trainError: 6 })),
        run('plain20', 1, 11),
      ],
      'x',
    );
    expect(report.comparisons).toHaveLength(1);
    expect(report.comparisons[0]).toMatchObject({
      kind: 'plain-residual',
      first: 'Plain-56',
      second: 'ResNet-56',
    });
    expect(report.comparisons[0]!.test.difference).toBeCloseTo(4.1, 10);
    expect(report.comparisons[0]!.train!.difference).toBeCloseTo(5.5, 10);
    expect(formatReport(report, 'text')).toMatch(/Plain-56 − ResNet-56 +– +13\.20 ± 0\.28/);
  });

  test('recipes, by pairs of the same seed', () => {
    const asRun = { recipe: 'notebook-as-run' } as const;
    const report = buildReport(
      [
        ...[6.5, 6.8, 6.6].map((final, i) => run('resnet110', i + 1, final)),
        ...[8.6, 8.9].map((final, i) => run('resnet110', i + 1, final, asRun)),
        run('resnet110', 9, 8, asRun),
      ],
      'x',
    );
    const [comparison] = report.comparisons;
    expect(comparison).toMatchObject({
      kind: 'settings',
      what: 'ResNet-110: notebook − notebook-as-run',
      first: 'ResNet-110, notebook',
      second: 'ResNet-110, notebook-as-run',
      pairs: 2,
    });
    expect(comparison!.test.difference).toBeCloseTo(-2.1, 10);
  });

  test('plain against residual only where nothing else differs', () => {
    const config = resolveConfig({ arch: 'plain20', overrides: { learningRate: 0.05 } });
    const runs = [run('resnet20', 1, 8), run('plain20', 1, 9, { config })];
    expect(buildReport(runs, 'x').comparisons).toEqual([]);
  });
});

describe('a sweep', () => {
  const sweep = (rates: readonly number[], decays: readonly number[] = [1e-4]) =>
    rates.flatMap((learningRate, i) =>
      decays.flatMap((weightDecay, j) =>
        [1, 2].map((seed) => {
          const overrides = { learningRate, weightDecay, seed };
          const config = resolveConfig({ arch: 'resnet20', overrides });
          const folder = `${learningRate}-${weightDecay}-${seed}`;
          return run('resnet20', seed, 10 + i + 3 * j + seed / 10, { config, folder });
        }),
      ),
    );
  const names = (report: ReturnType<typeof buildReport>) => report.rows.map(({ name }) => name);

  test('has rows named by what varies, from the smallest value to the largest', () => {
    const report = buildReport(sweep([0.2, 0.05, 0.1]), 'x');
    expect(names(report)).toEqual(['ResNet-20, lr 0.05', 'ResNet-20, lr 0.1', 'ResNet-20, lr 0.2']);
    expect(formatReport(report, 'text')).toMatch(/notebook, 200 epochs, lr 0\.05 /);
  });

  test('has runs that have not begun in the rows that they will belong to', () => {
    const [one, , other, missing] = sweep([0.05, 0.1]);
    const unbegun = { state: 'missing', final: undefined, dataTitle: undefined } as const;
    const report = buildReport([one!, other!, { ...missing!, ...unbegun }], 'x');
    expect(report.rows.map(({ name, planned }) => [name, planned])).toEqual([
      ['ResNet-20, lr 0.05', 1],
      ['ResNet-20, lr 0.1', 2],
    ]);
  });

  test('of which a value has not begun is named and drawn as it will be, as one sweep', () => {
    const unbegun = { state: 'missing', final: undefined, dataTitle: undefined, images: undefined };
    const runs = sweep([0.05, 0.1]).map((each) =>
      each.config!.learningRate === 0.1 ? { ...each, ...(unbegun as Partial<ReportRun>) } : each,
    );
    const report = buildReport(runs, 'x');
    expect(names(report)).toEqual(['ResNet-20, lr 0.05', 'ResNet-20, lr 0.1']);
    expect(sweepTables(report)).toMatchObject([
      {
        title: 'Final error by learning rate: ResNet-20, notebook',
        table: {
          rows: [
            ['0.05', '10.15 ± 0.07', expect.anything(), '2'],
            ['0.1', 'missing', '–', expect.anything()],
          ],
        },
      },
    ]);
  });

  test('tells its rows apart by everything in which they differ, trials included', () => {
    const settings = [
      { normalization: 'dataset' },
      { normalization: 'imagenet' },
      { normalization: 'imagenet', limitBatches: 3 },
    ] as const;
    const runs = settings.map((overrides, i) =>
      run('resnet20', 1, 10 + i, {
        config: resolveConfig({ arch: 'resnet20', overrides }),
        folder: String(i),
      }),
    );
    const [{ table }] = sweepTables(buildReport(runs, 'x')) as [TitledTable];
    const all = [table!.header, ...table!.rows].flat();
    expect(all).toContain('only 3 batches an epoch');
    expect(all).toContain('dataset');
    expect(new Set(table!.rows.map((row) => row.join())).size).toBe(table!.rows.length);
  });

  test('says of each comparison what is compared', () => {
    const { comparisons } = buildReport(sweep([0.05, 0.1]), 'x');
    expect(comparisons).toMatchObject([{ what: 'ResNet-20: lr 0.05 − lr 0.1', pairs: 2 }]);
    const two = buildReport(sweep([0.05, 0.1], [1e-4, 5e-4]), 'x');
    expect(two.comparisons.map(({ what }) => what)).toContain(
      'ResNet-20, lr 0.05: weight decay 0.0001 − weight decay 0.0005',
    );
    expect(two.notes.join('\n')).toContain('6 comparisons are made below');
  });

  test('of two settings is shown as a grid, and drawn', () => {
    const report = buildReport(sweep([0.05, 0.1, 0.2], [1e-4, 5e-4]), 'x');
    expect(formatReport(report, 'text')).toMatch(
      /Final error by learning rate and weight decay: ResNet-20, notebook\nlearning rate ↓.*0\.0001 +0\.0005\n0\.05 +10\.15 ± 0\.07 \(n 2\) +13\.15/,
    );
    const [figure] = figuresOf(report);
    expect(figure!.id).toBe('sweep-resnet-20-notebook');
    for (const label of ['0.05', '0.1', '0.2', 'weight decay 0.0005']) {
      expect(figure!.svg).toContain(`>${label}</text>`);
    }
    // One colour a row.
    expect(new Set(rowColors(report).values()).size).toBe(6);
  });

  test('two settings that moved together are both named', () => {
    const runs = [...sweep([0.05], [5e-4]), ...sweep([0.1], [1e-4])];
    expect(names(buildReport(runs, 'x'))).toEqual([
      'ResNet-20, lr 0.05, weight decay 0.0005',
      'ResNet-20, lr 0.1, weight decay 0.0001',
    ]);
  });

  test('a setting that nobody has words for is called by its name', () => {
    const changes = {
      momentum: 0.8,
      nesterov: true,
      augment: false,
      warmup: { kind: 'epochs', epochs: 2, factor: 0.1 },
    } as const;
    const config = resolveConfig({ arch: 'resnet20', overrides: changes });
    const report = buildReport([run('resnet20', 1, 8), run('resnet20', 1, 9, { config })], 'x');
    expect(names(report)).toEqual([
      'ResNet-20, momentum 0.8, nesterov, no augmentation, warm-up of 2 epochs',
      'ResNet-20, momentum 0.9, no nesterov, augmentation, no warm-up',
    ]);
  });

  test('between recipes says what neither brought with it', () => {
    const config = resolveConfig({
      arch: 'resnet20',
      recipe: 'quick',
      overrides: { learningRate: 0.05 },
    });
    const runs = [run('resnet20', 1, 8), run('resnet20', 1, 9, { recipe: 'quick', config })];
    const report = buildReport(runs, 'x');
    expect(names(report)).toEqual(['ResNet-20, notebook', 'ResNet-20, quick, lr 0.05']);
    expect(report.comparisons[0]!.what).toBe('ResNet-20: notebook, lr 0.1 − quick, lr 0.05');
  });
});
