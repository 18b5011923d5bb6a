// What a cluster's task does with its run: which one it is, whether it is to be trained, and what its
// end says. Trained by a backend that only pretends.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { findCell } from '../../src/cluster/find-cell.ts';
import { unfinished, waitForRuns } from '../../src/cluster/unfinished.ts';
import { work } from '../../src/cluster/work.ts';
import { type Cell, cellFolder, makePlan, type Plan } from '../../src/experiment/plan.ts';
import { readPlan, writePlan } from '../../src/experiment/plan-folder.ts';
import { nodeFileSystem } from '../../src/runs/file-system.node.ts';
import { lockRun } from '../../src/runs/lock.ts';
import { createRun, type Run, type RunHost, resumeRun } from '../../src/runs/run.ts';
import { runTraining } from '../../src/runs/session.ts';
import { UserError } from '../../src/util/errors.ts';
import { failing, fullDisk, identity, temporaryFolder, testHost } from '../runs/support/hosts.ts';
import { type ArithmeticOptions, arithmeticBackend } from '../train/support/backends.ts';
import { tinyConfig, tinyDataset } from '../train/support/tiny.ts';

const host = testHost();
const request = {
  archs: ['resnet8'],
  seeds: [1, 2],
  recipes: ['quick'] as const,
  settings: { data: 'random', epochs: 2 },
};
const first = { arch: 'resnet8', recipe: 'quick', seed: 1 } as const satisfies Cell;

let folder = '';
let plan: Plan;
beforeEach(async () => {
  folder = await temporaryFolder();
  plan = await writePlan(host, folder, request);
});

/** Trains in this process as the command does; says how it ended. */
function trainer(
  on: RunHost,
  backend: ArithmeticOptions = {},
  stopAfter = Number.POSITIVE_INFINITY,
) {
  const log: string[] = [];
  return {
    log,
    async train(dir: string, resume: boolean): Promise<number> {
      log.push(resume ? 'resume' : 'begin');
      const config = { ...tinyConfig({ seed: 1 }), arch: 'resnet8', recipe: 'quick' as const };
      const run = resume ? await resumeRun(on, dir) : await createRun(on, { dir, config });
      const stop = { requested: false };
      let steps = 0;
      let code = 0;
      const events = runTraining({
        ...{ run, dataset: tinyDataset(), backend: arithmeticBackend(backend), host: {}, stop },
      });
      for await (const event of events) {
        if (event.kind === 'step' && ++steps >= stopAfter) stop.requested = true;
        if (event.kind === 'end') code = { complete: 0, interrupted: 140, nan: 1 }[event.outcome];
      }
      return code;
    },
  };
}

function start(train: (dir: string, resume: boolean) => Promise<number>, on: RunHost = host) {
  const said: string[] = [];
  const done = work({
    ...{ host: on, folder, cell: first, train, patience: 0.05 },
    say: (line) => said.push(line),
  });
  return { said, done };
}

const failure = async (name = cellFolder(first)) =>
  JSON.parse(await readFile(`${folder}/${name}/failure.json`, 'utf8'));

describe('a task', () => {
  test('begins, is stopped with 140, goes on, and is then done however often it is started', async () => {
    const stopped = trainer(host, {}, 2);
    expect(await start(stopped.train).done).toBe(140);
    const again = trainer(host);
    expect(await start(again.train).done).toBe(0);
    const { said, done } = start(again.train);
    expect(await done).toBe(0);
    expect(said).toEqual(['resnet8 quick seed 1 is finished: nothing to do.']);
    expect([...stopped.log, ...again.log]).toEqual(['begin', 'resume']);
  });

  test('waits for a run in other hands, and says with 75 that it is to come back', async () => {
    const other = identity({ host: 'elsewhere', pid: 7 });
    await mkdir(`${folder}/${cellFolder(first)}`);
    const { train } = trainer(host, {}, 1);
    await start(train).done;
    const lock = await lockRun(nodeFileSystem, `${folder}/${cellFolder(first)}`, other);
    const { said, done } = start(train);
    expect(await done).toBe(75);
    expect(said[0]).toBe(
      'resnet8 quick seed 1 is in the hands of process 7 on elsewhere: waiting.',
    );
    const patient = work({
      ...{ host, folder, cell: first, train: trainer(host).train, patience: 60 },
      say: () => void lock.release(),
    });
    expect(await patient).toBe(0);
  });

  test('whose run is trained, without a summary, comes back to write it, and nothing counts as failed', async () => {
    let isTrained = false;
    const onTrain = () => {
      isTrained = true;
    };
    const { train } = trainer(testHost(failing(['summary.json'], () => isTrained)), { onTrain });
    const { said, done } = start(train);
    expect(await done).toBe(75);
    expect(said.at(-1)).toContain('is trained to its end, and its summary could not be written');
    await expect(failure()).rejects.toThrow('ENOENT');
    expect(await unfinished(host, plan, folder)).toContain('resnet8-quick-seed1 (interrupted)');
    expect(await start(trainer(host).train).done).toBe(0);
    expect(await unfinished(host, plan, folder)).not.toContain('resnet8-quick-seed1 (interrupted)');
  });

  test('that another one overtakes waits for that one instead of failing', async () => {
    const elsewhere = { ...host, self: identity({ host: 'elsewhere', pid: 7 }) };
    const config = { ...tinyConfig(), arch: 'resnet8', recipe: 'quick' as const };
    let theirs: Run | undefined;
    const { said, done } = start(async (dir) => {
      theirs = await createRun(elsewhere, { dir, config });
      await createRun(host, { dir, config });
      return 0;
    });
    expect(await done).toBe(75);
    expect(said.at(-1)).toContain('is being trained by process 7 on elsewhere');
    await theirs?.close();
  });

  test('of a run that diverged never trains it again', async () => {
    const { train, log } = trainer(host, { nanLossAt: 1 });
    for (const _ of [1, 2]) {
      const error = await start(train).done.catch((problem: unknown) => problem);
      expect(error).toBeInstanceOf(UserError);
      expect((error as UserError).exitCode).toBe(2);
    }
    expect(log).toEqual(['begin']);
  });

  test('refuses a damaged checkpoint before it trains, says how to go on, and does not come back', async () => {
    const { train } = trainer(host, {}, 2);
    await start(train).done;
    const path = `${folder}/${cellFolder(first)}/checkpoints/last.safetensors`;
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length / 2));
    const error = await start(train).done.catch((problem: unknown) => problem as UserError);
    expect((error as UserError).message).toMatch(
      /last\.safetensors" .*Put a copy of it back, or remove ".*resnet8-quick-seed1" to train/,
    );
    expect((error as UserError).exitCode).toBe(2);
  });

  test('on a full disk says so, keeps exit code 1, and leaves the note to its log', async () => {
    const disk = fullDisk(3000);
    const full = testHost(disk);
    const { done } = start(trainer(full).train, full);
    const error = await done.catch((problem: unknown) => problem as UserError);
    expect((error as UserError).message).toMatch(/^The disk is full/);
    expect((error as UserError).exitCode).toBe(1);
  });

  test('leaves a note of what went wrong, and whether it is for good', async () => {
    const { done } = start(() => Promise.reject(new UserError('Wrong.', { exitCode: 2 })));
    await expect(done).rejects.toThrow('Wrong.');
    expect(await failure()).toMatchObject({ exitCode: 42, message: 'Wrong.' });
    await expect(start(() => Promise.reject(new UserError('Busy.'))).done).rejects.toThrow();
    expect(await failure()).toMatchObject({ exitCode: 1, message: 'Busy.' });
  });
});

describe('the run of a task', () => {
  const find = (submitted?: string, patience = 0) =>
    findCell({
      ...{ host, folder, run: cellFolder(first), patience },
      submitted: submitted && `${folder}/${submitted}`,
    });

  test('is looked up by its folder, and another name is told which there are', async () => {
    expect((await find()).cell).toEqual(first);
    const wrong = findCell({ host, folder, run: 'resnet20' });
    await expect(wrong).rejects.toThrow(
      'has no run "resnet20"; it has resnet8-quick-seed1, resnet8-quick-seed2.',
    );
  });

  test('is refused where the plan was changed after the submission, but not where it grew', async () => {
    await writeFile(`${folder}/submitted.json`, JSON.stringify(plan));
    await writePlan(host, folder, { settings: {}, seeds: [1, 2, 3] });
    expect((await find('submitted.json')).cell).toEqual(first);
    const other = { ...plan, settings: { ...plan.settings, epochs: 3 } };
    await writeFile(`${folder}/plan.json`, JSON.stringify(other));
    await expect(find('submitted.json')).rejects.toThrow(
      'was changed after this was submitted: epochs was 2 and is 3.',
    );
    await writeFile(`${folder}/plan.json`, JSON.stringify({ ...plan, cells: [plan.cells[1]] }));
    await expect(find('submitted.json')).rejects.toThrow('resnet8-quick-seed1 is no longer in it');
  });

  test('waits for a file that a shared disk shows late', async () => {
    const waited: string[] = [];
    const late = findCell({
      ...{ host, folder, run: cellFolder(first), patience: 60 },
      submitted: `${folder}/late.json`,
      onWait: (path) => waited.push(path),
    });
    await sleep(50);
    await writeFile(`${folder}/late.json`, JSON.stringify(plan));
    expect((await late).cell).toEqual(first);
    expect(waited).toEqual([`${folder}/late.json`]);
    await expect(find('never.json')).rejects.toThrow('There is no file');
  });

  test('gives a new volume its plan, which nobody replaces', async () => {
    const submitted = `${folder}/submitted.json`;
    await writeFile(submitted, JSON.stringify(plan));
    const volume = `${folder}/new/table`;
    const options = { host, folder: volume, run: cellFolder(first), submitted };
    const found = await Promise.all([1, 2, 3].map(() => findCell(options)));
    expect(found.map(({ cell }) => cell)).toEqual([first, first, first]);
    expect(await readPlan(nodeFileSystem, volume)).toEqual(plan);
    const other = makePlan({ ...request, settings: { data: 'random', epochs: 9 } });
    await writeFile(submitted, JSON.stringify(other));
    await expect(findCell(options)).rejects.toThrow('epochs was 9 and is 2');
  });

  test('of a later plan with the same settings is added to the folder, once', async () => {
    const later = makePlan({ ...request, seeds: [2, 3] }, undefined, Date.now() + 1e6);
    await writeFile(`${folder}/later.json`, JSON.stringify(later));
    const options = { host, folder, submitted: `${folder}/later.json` };
    const runs = ['resnet8-quick-seed3', 'resnet8-quick-seed2', 'resnet8-quick-seed3'];
    const found = await Promise.all(runs.map((run) => findCell({ ...options, run })));
    expect(found.map(({ cell }) => cell.seed)).toEqual([3, 2, 3]);
    const seeds = (await readPlan(nodeFileSystem, folder))?.cells.map(({ seed }) => seed);
    expect(seeds).toEqual([1, 2, 3]);
  });
});

test('what is left of a table is named, and waited for until it is done for good', async () => {
  await start(trainer(host).train).done;
  expect(await unfinished(host, plan, folder)).toEqual(['resnet8-quick-seed2 (missing)']);
  await waitForRuns(host, plan, folder, 0);
  await mkdir(`${folder}/resnet8-quick-seed2`);
  const note = { time: '', exitCode: 42, signal: null, message: 'Wrong.' };
  await writeFile(`${folder}/resnet8-quick-seed2/failure.json`, JSON.stringify(note));
  await waitForRuns(host, plan, folder, 1);
  expect(await unfinished(host, plan, folder)).toEqual(['resnet8-quick-seed2 (failed: Wrong.)']);
});
