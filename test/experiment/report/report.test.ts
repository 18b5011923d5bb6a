// A report as text in each of its formats, and a folder of real runs to a folder of files.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { cellFolder, makePlan } from '../../../src/experiment/plan.ts';
import { writePlan } from '../../../src/experiment/plan-folder.ts';
import { resolveConfig } from '../../../src/experiment/recipes.ts';
import { buildReport } from '../../../src/experiment/report/build.ts';
import { runsCsv } from '../../../src/experiment/report/csv.ts';
import { figuresOf } from '../../../src/experiment/report/figures.ts';
import {
  formatReport,
  REPORT_FORMATS,
  readReport,
  writeReport,
} from '../../../src/experiment/report/report.ts';
import { createRun } from '../../../src/runs/run.ts';
import { runTraining } from '../../../src/runs/session.ts';
import { temporaryFolder, testHost } from '../../runs/support/hosts.ts';
import { arithmeticBackend } from '../../train/support/backends.ts';
import { tinyConfig, tinyDataset } from '../../train/support/tiny.ts';
import { row, run } from './support/runs.ts';

describe('formats', () => {
  const nasty = {
    dataTitle: 'my "photos" <b>, & | more\x1b[31m',
    folder: '=cmd|calc!A1',
    comparable: false,
    isOriginalCifar10: false,
  };
  const report = buildReport([run('resnet20', 1, 8.4, nasty)], 'x');

  test.each(REPORT_FORMATS)('%s is complete and without "undefined" or "NaN"', (format) => {
    const text = formatReport(report, format);
    expect(text).toContain('8.4');
    expect(text).not.toMatch(/undefined|NaN|\[object/);
    expect(text.endsWith('\n')).toBe(true);
    // Nothing of what the data and the folder are called is obeyed by a terminal.
    expect(text).not.toMatch(/(?!\n)\p{Cc}/u);
  });

  test('HTML and SVG escape what the data are called', () => {
    const html = formatReport(report, 'html');
    expect(html).toContain('&lt;b&gt;, &amp; | more');
    expect(html).not.toContain('<b>');
  });

  test('CSV quotes, has a line a row, and its columns are all there', () => {
    const lines = formatReport(report, 'csv').trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('"my ""photos"" <b>, & | more\\x1b[31m"');
    expect(runsCsv(report)).toContain("\n'=cmd|calc!A1,");
  });

  test('Markdown and SVG have no markup of it', () => {
    expect(formatReport(report, 'markdown')).not.toMatch(/(?<!\\)<b/);
    for (const { svg } of figuresOf(report)) {
      expect(svg).not.toMatch(/<b>|(?!\n)\p{Cc}/u);
    }
  });

  test('Markdown keeps its columns', () => {
    const table = formatReport(report, 'markdown')
      .split('\n')
      .filter((line) => line.startsWith('|'));
    const cells = (line: string) => line.split(/(?<!\\)\|/).length;
    expect(new Set(table.slice(0, 3).map(cells)).size).toBe(1);
  });

  test.each(['text', 'markdown', 'html'] as const)(
    '%s says where each run was trained',
    (format) => {
      const moved = 'a GPU; a host, then a CPU; another';
      const there = buildReport(
        [
          run('resnet20', 1, 8.4, { machine: 'a GPU; a host' }),
          run('resnet20', 2, 8.5, { machine: moved, version: '0.1.0, then 0.2.0' }),
        ],
        'x',
      );
      const text = formatReport(there, format);
      expect(text).toContain(moved);
      expect(text.replaceAll('\n', ' ')).toContain(
        `resnet20-notebook-seed2: ${moved}; table6 0.1.0, then 0.2.0`,
      );
      const together = buildReport([run('resnet20', 1, 8.4, { machine: 'a GPU; a host' })], 'x');
      expect(formatReport(together, format)).toMatch(/Trained on[^:]*a GPU; a host/);
    },
  );

  test.each([40, 60, 79])('text fits a terminal of %i columns, and breaks no word', (width) => {
    const config = resolveConfig({ arch: 'resnet20', overrides: { learningRate: 0.05 } });
    const runs = [run('resnet20', 1, 8.4), run('resnet20', 1, 9.4, { config, folder: 'other' })];
    const text = formatReport(buildReport(runs, 'x'), 'text', width);
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(width);
    const words = (whole: string) => new Set(whole.split(/[.,:;]?\s+/));
    const known = words(`${formatReport(buildReport(runs, 'x'), 'text')} In all rows `);
    for (const word of words(text)) expect(known).toContain(word);
  });

  test('text keeps its columns on a terminal of 80, by saying once what all rows have', () => {
    const runs = [0.05, 0.1, 0.2].flatMap((learningRate, i) => {
      const config = resolveConfig({ arch: 'resnet20', overrides: { learningRate } });
      return [1, 2].map((seed) =>
        run('resnet20', seed, 8 + i + seed / 10, {
          ...{ config, folder: `${learningRate}-${seed}`, isOriginalCifar10: false },
          ...{ dataTitle: 'synthetic', mirrored: 9 },
        }),
      );
    });
    const text = formatReport(buildReport(runs, 'x'), 'text', 80);
    expect(text).toMatch(
      /^recipe +ours: final +best on .*\n(?: +.*\n)*notebook, 200 epochs, lr 0\.05 +8\.15 ± 0\.07 /m,
    );
    expect(text).toMatch(/^In all rows: network ResNet-20; .*\n.*n 2; .*; parameters 269,722\.$/m);
  });

  test('names and notes of runs are shown', () => {
    const named = run('resnet20', 1, 8.4, { label: 'baseline', note: 'before the move' });
    const text = formatReport(buildReport([named], 'x'), 'text');
    expect(text).toMatch(/resnet20-notebook-seed1 “baseline” .*before the move/);
    expect(buildReport([named], 'x').rows[0]!.name).toBe('ResNet-20, “baseline”');
  });

  test('errors with mirror images have a column of their own, where any run has them', () => {
    const runs = [8.9, 9.1].map((final, i) =>
      run('resnet20', i + 1, final, { recipe: 'fast', mirrored: final - 0.5 }),
    );
    const mirrored = buildReport([...runs, run('resnet20', 1, 8.4)], 'x');
    const text = formatReport(mirrored, 'text');
    expect(text).toMatch(/ours: final +mirrored too +best on test/);
    expect(text).toMatch(/ResNet-20 +fast.* 9\.00 ± 0\.14 +8\.50 ± 0\.14/);
    expect(text).toContain('"Mirrored too" is the final error');
    expect(formatReport(report, 'text')).not.toMatch(/mirrored too/i);
    expect(runsCsv(mirrored)).toMatch(/,8\.9,8\.4,/);
  });

  test('JSON can be read again', () => {
    expect(JSON.parse(formatReport(report, 'json'))).toMatchObject({ title: report.title });
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
      settings: { data: 'random', epochs: 2, batchSize: 4 },
    });
    for (const [index, cell] of plan.cells.slice(0, 3).entries()) {
      await train(`${folder}/${cellFolder(cell)}`, cell.arch, cell.seed, index + 1);
    }
    const report = await readReport(host, folder);
    expect(row(report, 'ResNet-8').final).toMatchObject({ n: 2, mean: 50 });
    expect(row(report, 'ResNet-8').responses).toHaveLength(7);
    expect(row(report, 'Plain-8')).toMatchObject({ planned: 2, final: { n: 1, mean: 50 } });
    expect(report.title).toBe('Runs on random pixels, not the original CIFAR-10');
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
    expect(report.rows.flatMap(({ runs }) => runs.map(({ machine }) => machine))).toEqual([
      'arithmetic; a processor',
      'arithmetic; a processor',
    ]);
  });

  test('with one damaged run: shows the others, and names it', async () => {
    const folder = await temporaryFolder();
    for (const seed of [1, 2]) {
      const config = tinyConfig({ seed });
      await (await createRun(testHost(), { root: folder, config })).close();
    }
    const damaged = `${folder}/resnet8-seed2/config.json`;
    await writeFile(damaged, '{"arch":');
    const report = await readReport(host, folder);
    const text = formatReport(report, 'text');
    expect(text).toContain('ResNet-8');
    expect(text).toContain(`Left out: "${damaged}" is damaged: it is not JSON`);
    await writeFile(`${folder}/resnet8-seed1/config.json`, '{"arch":');
    await expect(readReport(host, folder)).rejects.toThrow(/seed1\/config\.json" is damaged/);
  });

  test('without anything: says what to give instead', async () => {
    const folder = await temporaryFolder();
    await expect(readReport(host, folder)).rejects.toThrow(
      /nothing to report.*that runs were written to/,
    );
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
