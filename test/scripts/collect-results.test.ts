// What is committed of finished runs, made from real run folders.

import { readFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import {
  type CollectedRun,
  collectResults,
  reportCollected,
} from '../../scripts/collect-results.ts';
import type { Report, ReportRun } from '../../src/experiment/report/data.ts';
import { createRun } from '../../src/runs/run.ts';
import { runTraining } from '../../src/runs/session.ts';
import { temporaryFolder, testHost } from '../runs/support/hosts.ts';
import { arithmeticBackend } from '../train/support/backends.ts';
import { tinyConfig, tinyDataset } from '../train/support/tiny.ts';

const host = testHost();

async function train(dir: string, seed: number): Promise<void> {
  const session = runTraining({
    run: await createRun(host, { dir, config: tinyConfig({ seed, data: '/home/me/images' }) }),
    dataset: tinyDataset({ test: 4 }),
    backend: arithmeticBackend({ evaluate: () => 3 }),
    host: { cpu: 'a processor', table6: '0.1.0', commit: 'df85058526f24f2b' },
  });
  for await (const _event of session);
}

describe('collected results', () => {
  test('have the numbers of a finished run, its curves, machine, version and date', async () => {
    const folder = await temporaryFolder();
    await train(`${folder}/mine`, 1);
    const { written, left } = await collectResults(host, [`${folder}/mine`], `${folder}/results`);
    expect(left).toEqual([]);
    expect(written).toEqual([`${folder}/results/mine.json`]);
    const result = JSON.parse(await readFile(written[0]!, 'utf8')) as ReportRun;
    expect(result).toMatchObject({
      state: 'finished',
      seed: 1,
      final: 25,
      bestOnTest: { error: 25, epoch: 1 },
      comparable: false,
      machine: 'arithmetic; a processor',
      version: '0.1.0, commit df85058',
    });
    expect(Date.parse(result.started!)).not.toBeNaN();
    expect(result.curves!.testError.length).toBe(result.epochs);
  });

  test('say what the data were, not where they lay', async () => {
    const folder = await temporaryFolder();
    await train(`${folder}/mine`, 1);
    const { written } = await collectResults(host, [folder], `${folder}/results`);
    const text = await readFile(written[0]!, 'utf8');
    expect(text).not.toContain('/home/me');
    expect((JSON.parse(text) as ReportRun).config!.data).toBe('random pixels');
  });

  test('leave out a run that is not finished, and name it', async () => {
    const folder = await temporaryFolder();
    await train(`${folder}/runs/mine`, 1);
    await (await createRun(host, { dir: `${folder}/runs/begun`, config: tinyConfig() })).close();
    const { written, left } = await collectResults(host, [`${folder}/runs`], `${folder}/results`);
    expect(written).toHaveLength(1);
    expect(left).toEqual([expect.stringContaining('Left out: begun is interrupted')]);
  });

  test('make the report of all that was ever collected, whose folders may be gone', async () => {
    const folder = await temporaryFolder();
    const output = `${folder}/results/runs`;
    await train(`${folder}/mine`, 1);
    await collectResults(host, [`${folder}/mine`], output);
    await rm(`${folder}/mine`, { recursive: true });
    // As it was collected before there was this setting.
    const { cropPadding: _, ...older } = JSON.parse(await readFile(`${output}/mine.json`, 'utf8'))
      .config as NonNullable<ReportRun['config']>;
    const first = JSON.parse(await readFile(`${output}/mine.json`, 'utf8')) as CollectedRun;
    expect(first.responses!.length).toBeGreaterThan(0);
    await writeFile(`${output}/mine.json`, JSON.stringify({ ...first, config: older }));
    await train(`${folder}/other`, 2);
    await collectResults(host, [`${folder}/other`], output);
    expect(await reportCollected(host, output)).toBe(`${folder}/results/report.html`);
    const text = await readFile(`${folder}/results/report.json`, 'utf8');
    const { rows } = JSON.parse(text) as Report;
    const [row] = rows;
    expect(row!.runs.map((run) => run.folder)).toEqual(['mine', 'other']);
    expect(row!.final).toMatchObject({ n: 2, mean: 25 });
    expect(row!.responses).toEqual(first.responses);
  });

  test('refuse two runs of one name', async () => {
    const folder = await temporaryFolder();
    await train(`${folder}/a/mine`, 1);
    await train(`${folder}/b/mine`, 2);
    const asked = collectResults(host, [`${folder}/a`, `${folder}/b`], `${folder}/results`);
    await expect(asked).rejects.toThrow('Two runs are called "mine"');
  });
});
