import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/runs/file-system.node.ts';
import { isRun, openRun } from '../../src/runs/reader.ts';
import { createRun, resumeRun } from '../../src/runs/run.ts';
import { tinyConfig } from '../train/support/tiny.ts';
import { forbidden, temporaryFolder, testHost } from './support/hosts.ts';

const config = tinyConfig();

describe('making a run folder', () => {
  test('never overwrites: the second run of a seed gets a folder of its own', async () => {
    const root = `${await temporaryFolder()}/runs`;
    for (const expected of ['resnet8-seed1', 'resnet8-seed1-2', 'resnet8-seed1-3']) {
      const run = await createRun(testHost(), { root, config });
      expect(run.dir).toBe(`${root}/${expected}`);
      await run.close();
    }
  });

  test('gives two that start at once two folders', async () => {
    const root = await temporaryFolder();
    const runs = await Promise.all([1, 2, 3].map(() => createRun(testHost(), { root, config })));
    expect(new Set(runs.map(({ dir }) => dir)).size).toBe(3);
    await Promise.all(runs.map((run) => run.close()));
  });

  test('takes the folder that is asked for, new or empty', async () => {
    const dir = `${await temporaryFolder()}/deep/mine`;
    const run = await createRun(testHost(), { dir: `${dir}/`, config });
    await run.close();
    expect(run.dir).toBe(dir);
    expect(JSON.parse(await readFile(`${dir}/config.json`, 'utf8'))).toEqual(config);
  });

  test('refuses a folder that holds a run, and leaves it as it is', async () => {
    const dir = await temporaryFolder();
    await (await createRun(testHost(), { dir, config })).close();
    const before = await readdir(dir);
    await expect(createRun(testHost(), { dir, config: tinyConfig({ seed: 5 }) })).rejects.toThrow(
      `"${dir}" already holds a run: resume it, or choose another folder.`,
    );
    expect(await readdir(dir)).toEqual(before);
    expect((await openRun(nodeFileSystem, dir)).config.seed).toBe(1);
  });

  test('without permission says so', async () => {
    const root = await temporaryFolder();
    await expect(createRun(testHost(forbidden('resnet8')), { root, config })).rejects.toThrow(
      `No permission to write "${root}/resnet8-seed1": choose another place, or change its permissions.`,
    );
  });

  test('where a file is in the way says so', async () => {
    const root = await temporaryFolder();
    await writeFile(`${root}/runs`, '');
    await expect(createRun(testHost(), { root: `${root}/runs`, config })).rejects.toThrow(
      'because a file is where a folder should be',
    );
  });
});

describe('resuming', () => {
  test('a folder without a run is an error', async () => {
    const dir = await temporaryFolder();
    await expect(resumeRun(testHost(), dir)).rejects.toThrow(
      `There is no run in "${dir}": it has no config.json.`,
    );
  });

  test('a run that was killed before its first checkpoint begins again', async () => {
    const dir = await temporaryFolder();
    const run = await createRun(testHost(), { dir, config });
    await run.record({ ...stepRecord, epoch: 0 });
    await run.close();
    const resumed = await resumeRun(testHost(), dir);
    expect(resumed.state).toBeUndefined();
    expect(await readFile(`${dir}/metrics.jsonl`, 'utf8')).toBe('');
    await resumed.close();
  });

  test('may change threads and how often to save, and nothing that changes the weights', async () => {
    const dir = await temporaryFolder();
    await (await createRun(testHost(), { dir, config })).close();
    const resumed = await resumeRun(testHost(), dir, { threads: 2, saveEvery: 3, seed: 9 });
    expect(resumed.config).toEqual({ ...config, threads: 2, saveEvery: 3 });
    await resumed.close();
  });

  test('a damaged configuration is an error that names the setting', async () => {
    const dir = await temporaryFolder();
    await writeFile(`${dir}/config.json`, JSON.stringify({ ...config, batchSize: 0 }));
    await expect(resumeRun(testHost(), dir)).rejects.toThrow(
      `"${dir}/config.json" is not a valid configuration: batchSize:`,
    );
  });
});

const stepRecord = {
  kind: 'step' as const,
  epoch: 0,
  batch: 0,
  iteration: 1,
  loss: 2.3,
  lossAverage: 2.3,
  top1: 0.1,
  top1Average: 0.1,
  learningRate: 0.1,
  imagesPerSecond: 1,
  batchTime: 1,
  dataTime: 1,
  time: 1,
};

describe('reading a run', () => {
  test('works while it trains, and skips a line that is being written', async () => {
    const dir = await temporaryFolder();
    const run = await createRun(testHost(), { dir, config });
    await run.record(stepRecord);
    await writeFile(`${dir}/metrics.jsonl`, `${JSON.stringify(stepRecord)}\n{"kind":"st`);
    const view = await openRun(nodeFileSystem, dir);
    expect(await view.metrics()).toEqual([stepRecord]);
    expect(view.summary).toBeUndefined();
    expect(view.checkpoints).toEqual([]);
    await expect(view.readWeights('best')).rejects.toThrow(
      `The run "${dir}" has no checkpoint "best" (it has: none yet).`,
    );
    await run.close();
  });

  test('knows run folders from others', async () => {
    const dir = await temporaryFolder();
    expect(await isRun(nodeFileSystem, dir)).toBe(false);
    await mkdir(`${dir}/empty`);
    await (await createRun(testHost(), { dir: `${dir}/run`, config })).close();
    expect(await isRun(nodeFileSystem, `${dir}/run`)).toBe(true);
    expect(await isRun(nodeFileSystem, `${dir}/empty`)).toBe(false);
  });
});

test('a folder of checkpoints that is a link is refused: it leads out of the run', async () => {
  const dir = await temporaryFolder();
  await (await createRun(testHost(), { dir: `${dir}/run`, config })).close();
  await rename(`${dir}/run/checkpoints`, `${dir}/elsewhere`);
  await symlink('../elsewhere', `${dir}/run/checkpoints`);
  await expect(resumeRun(testHost(), `${dir}/run`)).rejects.toThrow(
    `"${dir}/run/checkpoints" is a link, and nothing outside a run's folder is written`,
  );
});
