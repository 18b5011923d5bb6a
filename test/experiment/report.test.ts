// What a report may claim. Runs are made by hand here, so that every number is known; reading real
// folders is tested at the end and in test/cli/reproduce.test.ts.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { cellFolder, makePlan } from '../../src/experiment/plan.ts';
import { writePlan } from '../../src/experiment/plan-folder.ts';
import { resolveConfig } from '../../src/experiment/recipes.ts';
import { buildReport } from '../../src/experiment/report/build.ts';
import { drawChart, niceTicks } from '../../src/experiment/report/chart.ts';
import { curvesOf } from '../../src/experiment/report/curves.ts';
import type { Report, ReportRun } from '../../src/experiment/report/data.ts';
import { figuresOf } from '../../src/experiment/report/figures.ts';
import { duration, signed } from '../../src/experiment/report/format.ts';
import {
  formatReport,
  REPORT_FORMATS,
  readReport,
  writeReport,
} from '../../src/experiment/report/report.ts';
import type { MetricsRecord } from '../../src/runs/metrics.ts';
import { createRun } from '../../src/runs/run.ts';
import { runTraining } from '../../src/runs/session.ts';
import type { RecipeName } from '../../src/train/config.ts';
import { tQuantile } from '../../src/util/statistics.ts';
import { temporaryFolder, testHost } from '../runs/support/hosts.ts';
import { arithmeticBackend } from '../train/support/backends.ts';
import { tinyConfig, tinyDataset } from '../train/support/tiny.ts';

const CURVES = {
  trainError: [
    [391, 40],
    [782, 5],
  ],
  testError: [
    [391, 45],
    [782, 8],
  ],
  learningRate: [
    [1, 0.1],
    [782, 0.01],
  ],
  loss: [
    [1, 2.3],
    [782, 0.2],
  ],
} as const;

interface RunChanges extends Partial<ReportRun> {
  readonly epochs?: number;
}

function run(arch: string, seed: number, final: number, changes: RunChanges = {}): ReportRun {
  const recipe: RecipeName = changes.recipe ?? 'notebook';
  const overrides = { seed, epochs: changes.epochs };
  return {
    folder: `${arch}-${recipe}-seed${seed}`,
    arch,
    recipe,
    seed,
    state: 'finished',
    epochsDone: 200,
    epochs: 200,
    final,
    trainError: 0.5,
    bestOnTest: { error: final - 0.25, epoch: 160 },
    seconds: 3600,
    dataTitle: 'CIFAR-10',
    isOriginalCifar10: true,
    comparable: true,
    trainImages: 50_000,
    testImages: 10_000,
    config: resolveConfig({ arch, recipe, overrides }),
    curves: CURVES,
    ...changes,
  };
}

function row(report: Report, name: string) {
  const found = report.rows.find((each) => each.name === name);
  if (!found) throw new Error(`no row ${name} in ${report.rows.map((each) => each.name)}`);
  return found;
}

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

describe('formats', () => {
  const nasty = {
    dataTitle: 'my "photos" <b>, & | more',
    comparable: false,
    isOriginalCifar10: false,
  };
  const report = buildReport([run('resnet20', 1, 8.4, nasty)], 'x');

  test.each(REPORT_FORMATS)('%s is complete and without "undefined" or "NaN"', (format) => {
    const text = formatReport(report, format);
    expect(text).toContain('8.4');
    expect(text).not.toMatch(/undefined|NaN|\[object/);
    expect(text.endsWith('\n')).toBe(true);
  });

  test('HTML and SVG escape what the data are called', () => {
    const html = formatReport(report, 'html');
    expect(html).toContain('&lt;b&gt;, &amp; | more');
    expect(html).not.toContain('<b>');
  });

  test('CSV quotes, has a line a row, and its columns are all there', () => {
    const lines = formatReport(report, 'csv').trimEnd().split('\n');
    expect(lines).toHaveLength(7);
    expect(lines[1]).toContain('"my ""photos"" <b>, & | more"');
    expect(lines[2]!.split(',')).toHaveLength(lines[0]!.split(',').length);
  });

  test('Markdown keeps its columns', () => {
    const table = formatReport(report, 'markdown')
      .split('\n')
      .filter((line) => line.startsWith('|'));
    const cells = (line: string) => line.split(/(?<!\\)\|/).length;
    expect(new Set(table.slice(0, 8).map(cells)).size).toBe(1);
  });

  test('JSON can be read again', () => {
    expect(JSON.parse(formatReport(report, 'json'))).toMatchObject({ title: report.title });
  });

  test.each([
    [59, '59 s'],
    [75, '1 min'],
    [3675, '1 h 1 min'],
    [200_000, '2.3 days'],
  ])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));

  test('differences have a sign, and none when they are nothing', () => {
    expect([signed(0.5), signed(-0.5), signed(-0.001)]).toEqual(['+0.50', '−0.50', '0.00']);
  });
});

describe('figures', () => {
  test('show errors as the paper does: two kinds of lines, and its number dotted', () => {
    const report = buildReport([run('resnet20', 1, 8), run('plain20', 1, 9)], 'x');
    const figures = figuresOf(report);
    expect(figures.map(({ id }) => id)).toEqual([
      'error-residual-notebook',
      'error-plain-notebook',
      'learning-rate',
      'loss',
    ]);
    const [residual, plain] = figures;
    expect(residual!.svg.match(/stroke-dasharray="4 3"/g)).toHaveLength(1);
    expect(residual!.svg).toContain('ResNet-20 in the paper: 8.75 %');
    expect(plain!.svg).not.toContain('in the paper');
    for (const { svg } of figures) expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('survive having nothing to draw', () => {
    expect(figuresOf(buildReport([], 'x'))).toEqual([]);
    const svg = drawChart({
      title: 'empty',
      xLabel: 'x',
      yLabel: 'y',
      series: [],
      logarithmic: true,
    });
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  test('have round ticks', () => {
    expect(niceTicks(0, 20, 6)).toEqual([0, 5, 10, 15, 20]);
    expect(niceTicks(0, 64_000, 6)).toEqual([0, 20_000, 40_000, 60_000]);
    expect(niceTicks(0, 0.35, 6)).toEqual([0, 0.1, 0.2, 0.3]);
  });
});

describe('curves', () => {
  const step = (iteration: number, loss: number, learningRate: number): MetricsRecord => ({
    kind: 'step',
    epoch: 0,
    batch: iteration - 1,
    iteration,
    loss,
    lossAverage: loss,
    top1: 0,
    top1Average: 0,
    learningRate,
    imagesPerSecond: 1,
    batchTime: 1,
    dataTime: 0,
    time: 0,
  });

  test('the learning rate keeps its corners and nothing else', () => {
    const records = [1, 2, 3, 4, 5, 6].map((i) => step(i, 1, i < 4 ? 0.01 : 0.1));
    expect(curvesOf(records).learningRate).toEqual([
      [1, 0.01],
      [4, 0.01],
      [4, 0.1],
      [6, 0.1],
    ]);
  });

  test('a rate that moves at every step is thinned to a line with its ends and its peak', () => {
    const rates = Array.from({ length: 3000 }, (_, i) =>
      i < 601 ? (0.4 * (i + 1)) / 601 : (0.4 * (3000 - i)) / 2400,
    );
    const { learningRate } = curvesOf(rates.map((rate, i) => step(i + 1, 1, rate)));
    expect(learningRate.length).toBeLessThanOrEqual(203);
    expect(learningRate[0]).toEqual([1, Number((0.4 / 601).toPrecision(6))]);
    expect(learningRate).toContainEqual([601, 0.4]);
    expect(learningRate.at(-1)).toEqual([3000, Number((0.4 / 2400).toPrecision(6))]);
  });

  test('of rates the axis is linear where all runs are one-cycle, else logarithmic', () => {
    const ticks = (...recipes: RecipeName[]) => {
      const report = buildReport(
        recipes.map((recipe) => run('resnet20', 1, 9, { recipe })),
        'x',
      );
      const figure = figuresOf(report).find(({ id }) => id === 'learning-rate')!;
      return [...figure.svg.matchAll(/text-anchor="end">([^<]+)</g)].map(([, text]) => text);
    };
    expect(ticks('fast')).toContain('0.02');
    expect(ticks('fast', 'notebook')).toEqual(['0.01', '0.1']);
  });

  test('the loss is averaged to a few hundred points', () => {
    const records = Array.from({ length: 4000 }, (_, i) => step(i + 1, i % 2, 0.1));
    const { loss } = curvesOf(records);
    expect(loss.length).toBeLessThanOrEqual(200);
    expect(loss.every(([, y]) => Math.abs(y - 0.5) < 0.01)).toBe(true);
  });
});

describe('a folder', () => {
  const host = testHost();

  async function train(dir: string, arch: string, seed: number, wrong: number): Promise<void> {
    const config = {
      ...tinyConfig({ seed }),
      arch,
      shortcut: arch.startsWith('plain') ? 'none' : 'A',
    } as const;
    const evaluate = (evaluation: number, count: number) =>
      Math.max(0, count - (evaluation === 1 ? count : wrong));
    const session = runTraining({
      run: await createRun(host, { dir, config }),
      dataset: tinyDataset({ test: 4 }),
      backend: arithmeticBackend({ evaluate }),
      host: { cpu: 'a processor' },
    });
    for await (const _event of session);
  }

  test('with a plan: what is there, what is missing, responses and all files', async () => {
    const folder = await temporaryFolder();
    const plan = await writePlan(host, folder, {
      archs: ['resnet8', 'plain8'],
      seeds: [1, 2],
      recipes: ['quick'],
      settings: { data: 'random' },
    });
    for (const [index, cell] of plan.cells.slice(0, 3).entries()) {
      await train(`${folder}/${cellFolder(cell)}`, cell.arch, cell.seed, index + 1);
    }
    const report = await readReport(host, folder);
    expect(row(report, 'ResNet-8').final).toMatchObject({ n: 2, mean: 50 });
    expect(row(report, 'ResNet-8').responses).toHaveLength(7);
    expect(row(report, 'Plain-8')).toMatchObject({ planned: 2, final: { n: 1, mean: 50 } });
    expect(report.title).toBe('Table 6: random pixels, not the original CIFAR-10');
    expect(figuresOf(report).map(({ id }) => id)).toEqual([
      'error-residual-quick',
      'error-plain-quick',
      'learning-rate',
      'loss',
      'responses',
      'responses-sorted',
    ]);
    const page = await writeReport(host.files, `${folder}/report`, report);
    expect(page).toBe(`${folder}/report/report.html`);
    const names = await readdir(`${folder}/report`);
    expect(names).toContain('responses.svg');
    const markdown = await readFile(`${folder}/report/report.md`, 'utf8');
    const links = [...markdown.matchAll(/\]\(([^)]+)\)/g)].map(([, name]) => name!);
    expect(links).toContain('configuration-resnet-8.json');
    for (const link of links) expect(names).toContain(link);
  });

  test('without a plan: every run folder in it', async () => {
    const folder = await temporaryFolder();
    await train(`${folder}/mine`, 'resnet8', 1, 1);
    await train(`${folder}/mine-2`, 'resnet8', 2, 3);
    await writeFile(`${folder}/notes.txt`, 'not a run');
    const report = await readReport(host, folder);
    expect(row(report, 'ResNet-8').final).toMatchObject({ n: 2, mean: 50 });
  });

  test('without anything: says what to give instead', async () => {
    const folder = await temporaryFolder();
    await expect(readReport(host, folder)).rejects.toThrow(/nothing to report.*table6 reproduce/);
  });

  test('whose plan has not begun: everything is missing', async () => {
    const folder = await temporaryFolder();
    await writePlan(host, folder, { archs: ['resnet20'], seeds: [1, 2], settings: {} });
    const report = await readReport(host, folder);
    expect(formatReport(report, 'text')).toMatch(/ResNet-20 .*missing .*0 of 2 \(2 missing\)/);
    expect(report.title).toBe('Table 6: cifar10');
    expect(makePlan({ settings: {} }).settings.data).toBe('cifar10');
  });
});
