// What a report may claim, and what it must not.

import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../../../src/experiment/recipes.ts';
import { buildReport } from '../../../src/experiment/report/build.ts';
import { formatReport } from '../../../src/experiment/report/report.ts';
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
    expect(text).toMatch(/ResNet-1202 .*19,421,274 .*7\.93 .*\? .*not run/);
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
    expect(report.title).toBe('Table 6: CIFAR-10 (JPEG q75), not the original CIFAR-10');
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
    expect(row(report, 'ResNet-20').paperDifference).toBeUndefined();
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
    expect(names).toContain('ResNet-20, quick');
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
        run('resnet20', 1, 8.4, { state: 'interrupted', final: undefined }),
        run('resnet20', 1, 8.4),
        run('resnet20', 1, 8.4),
      ],
      'x',
    );
    expect(row(report, 'ResNet-20').final).toMatchObject({ n: 1 });
    expect(report.notes.join(' ')).toContain('2 more runs have the seed of another');
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
    expect(formatReport(report, 'text')).toMatch(/Plain-56 +ResNet-56 +13\.20 ± 0\.28/);
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
      kind: 'recipes',
      first: 'ResNet-110, notebook',
      second: 'ResNet-110, notebook-as-run',
      pairs: 2,
    });
    expect(comparison!.test.difference).toBeCloseTo(-2.1, 10);
  });
});
