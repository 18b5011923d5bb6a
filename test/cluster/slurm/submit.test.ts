// From runs to jobs and back to a status, with a Slurm that only keeps a list.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { makeArrays, memoryToAsk, timeToAsk } from '../../../src/cluster/arrays.ts';
import type { Slurm } from '../../../src/cluster/slurm/client.node.ts';
import type { QueuedTask } from '../../../src/cluster/slurm/queue.ts';
import { countStates, readStatus } from '../../../src/cluster/slurm/status.ts';
import { readSubmissions, tasksByRun } from '../../../src/cluster/slurm/submissions.ts';
import { prepare, type Request, submit } from '../../../src/cluster/slurm/submit.ts';
import { cellFolder, makePlan, type Plan } from '../../../src/experiment/plan.ts';
import { writePlan } from '../../../src/experiment/plan-folder.ts';
import { nodeFileSystem } from '../../../src/runs/file-system.node.ts';
import { createRun } from '../../../src/runs/run.ts';
import { UserError } from '../../../src/util/errors.ts';
import { temporaryFolder, testHost } from '../../runs/support/hosts.ts';
import { tinyConfig } from '../../train/support/tiny.ts';

const host = testHost();
const table = (seeds: number, archs = ['resnet8', 'resnet56', 'resnet110', 'resnet1202']) => ({
  archs,
  seeds: Array.from({ length: seeds }, (_, index) => index + 1),
  recipes: ['quick'] as const,
  settings: { data: 'random' },
});

describe('arrays', () => {
  const shape = (plan: Plan, longest = 1001) =>
    makeArrays(plan.cells, longest).map(({ name, cells }) => [name, cells.length]);

  test('deep networks have their own', () => {
    expect(shape(makePlan(table(5)))).toEqual([
      ['shallow', 10],
      ['resnet110', 5],
      ['resnet1202', 5],
    ]);
    expect(shape(makePlan(table(5, ['resnet8'])))).toEqual([['resnet8', 5]]);
  });

  test('are no longer than Slurm allows, and lose no run', () => {
    const plan = makePlan(table(5, ['resnet8']));
    expect(shape(plan, 2)).toEqual([
      ['resnet8-1', 2],
      ['resnet8-2', 2],
      ['resnet8-3', 1],
    ]);
    expect(makeArrays(plan.cells, 2).flatMap(({ cells }) => cells)).toEqual(plan.cells);
  });

  test('ask for half as much time again, and no longer than a day; for memory with room', () => {
    const need = { seconds: 3600, memoryBytes: 2 ** 30 };
    expect(timeToAsk(need)).toBe(1.5 * 3600 + 600);
    expect(timeToAsk({ ...need, seconds: 1e7 })).toBe(24 * 3600);
    expect(memoryToAsk(need)).toBe(2048);
  });
});

let folder = '';
let plan: Plan;
beforeEach(async () => {
  folder = await temporaryFolder();
  plan = await writePlan(host, folder, table(2, ['resnet8', 'resnet110']));
});

function request(changes: Partial<Request> = {}): Request {
  return {
    ...{ plan, cells: plan.cells, longestArray: 1001 },
    needs: new Map(
      plan.cells.map((cell) => [cellFolder(cell), { seconds: 100, memoryBytes: 1e8 }]),
    ),
    options: { grace: 180, maxRequeues: 50, noRequeue: false },
    task: { arguments: ['--threads=1'], threads: 1 },
    surroundings: {
      ...{ folder, workingFolder: folder, program: '/t/bin/table6.js', node: '/t/node' },
      ...{ data: '/t/data', binds: [] },
    },
    ...changes,
  };
}

/** Refuses the submission with this number, counted from 1. */
function fakeSlurm(refused = 0) {
  const submitted: (readonly [script: string, after: readonly string[]])[] = [];
  const cancelled: string[] = [];
  const slurm: Slurm = {
    async submit(script, after = []) {
      if (submitted.length + 1 === refused) throw new UserError('Slurm refused it.');
      submitted.push([script, after]);
      return String(100 + submitted.length);
    },
    queue: async () => [],
    async cancel(jobs) {
      cancelled.push(...jobs);
    },
    longestArray: async () => 1001,
  };
  return { slurm, submitted, cancelled };
}

describe('a submission', () => {
  test('is one job for each array, and one that reports after them', async () => {
    const { slurm, submitted } = fakeSlurm();
    const submission = await submit(host, slurm, request());
    const dir = `${folder}/slurm/001`;
    expect(submitted).toEqual([
      [`${dir}/resnet8.sbatch`, []],
      [`${dir}/resnet110.sbatch`, []],
      [`${dir}/report.sbatch`, ['101', '102']],
    ]);
    expect(await readSubmissions(nodeFileSystem, folder)).toEqual([submission]);
    expect(JSON.parse(await readFile(`${dir}/submitted-plan.json`, 'utf8'))).toEqual({
      ...(JSON.parse(JSON.stringify(plan)) as object),
      checksum: expect.stringMatching(/^sha256:/),
    });
    expect((await readdir(dir)).sort()).toContain('logs');
    await submit(host, slurm, request());
    expect(await readdir(`${folder}/slurm`)).toEqual(['001', '002']);
  });

  test('that Slurm refuses in part is taken back whole', async () => {
    const { slurm, cancelled } = fakeSlurm(2);
    await expect(submit(host, slurm, request())).rejects.toThrow('Slurm refused it.');
    expect(cancelled).toEqual(['101']);
    expect(await readdir(`${folder}/slurm`)).toEqual([]);
  });

  test('takes times and memory that are given, for all or for some', () => {
    const options = {
      ...request().options,
      time: '2:00:00,resnet110=1-00:00:00',
      mem: '1G,resnet110=9000M',
    };
    const { arrays } = prepare(request({ options, needs: new Map() }), '/d');
    expect(arrays.map(({ time, mem }) => [time, mem])).toEqual([
      ['2:00:00', '1G'],
      ['1-00:00:00', '9000M'],
    ]);
    const some = { ...request().options, time: 'resnet110=1-00:00:00' };
    expect(prepare(request({ options: some }), '/d').arrays.map(({ time }) => time)).toEqual([
      '0:20:00',
      '1-00:00:00',
    ]);
    expect(() => prepare(request({ options: some, needs: new Map() }), '/d')).toThrow('resnet8');
  });

  test('in whose time nothing could be trained before it is over is refused', () => {
    const options = { ...request().options, time: '3' };
    expect(() => prepare(request({ options }), '/d')).toThrow(
      /^The time limit of 0:03:00 for resnet8 is not longer than the 180 s before it/,
    );
  });

  test('whose note is damaged is named', async () => {
    await mkdir(`${folder}/slurm/001`, { recursive: true });
    await writeFile(`${folder}/slurm/001/submission.json`, '{"version":1}');
    await expect(readSubmissions(nodeFileSystem, folder)).rejects.toThrow(
      /submission\.json" is damaged: .*; remove it/,
    );
  });
});

const queued = (job: string, index: number, state: string, more = {}): QueuedTask => ({
  ...{ job, index, state, reason: undefined, node: undefined, secondsLeft: undefined },
  ...more,
});

describe('the status', () => {
  const runs = ['resnet8-quick-seed1', 'resnet110-quick-seed1'] as const;
  const look = async (...queue: QueuedTask[]) => {
    const submissions = await readSubmissions(nodeFileSystem, folder);
    const all = await readStatus(host, folder, plan, submissions, queue);
    return new Map(all.map((status) => [status.run, status]));
  };

  test('of a table that nobody submitted is that its runs are missing', async () => {
    expect([...(await look()).values()].map(({ state }) => state)).toEqual(
      Array(4).fill('missing'),
    );
  });

  test('comes from the queue, where a task is in it', async () => {
    await submit(host, fakeSlurm().slurm, request());
    const waiting = queued('101', 0, 'PENDING', { reason: 'Resources' });
    const begun = queued('102', 0, 'RUNNING', { node: 'n7', secondsLeft: 60 });
    const status = await look(waiting, begun);
    expect(status.get(runs[0])).toMatchObject({
      state: 'waiting',
      message: 'Resources',
      task: '101_0',
    });
    expect(status.get(runs[1])).toMatchObject({ state: 'starting', node: 'n7', limitLeft: 60 });
    expect(countStates([...status.values()])).toEqual({ starting: 1, waiting: 1, missing: 2 });
  });

  test('comes from the folder, where Slurm has forgotten the task', async () => {
    await submit(host, fakeSlurm().slurm, request());
    const [stopped, failed] = runs.map((run) => `${folder}/${run}`) as [string, string];
    const config = { ...tinyConfig({ seed: 1 }), arch: 'resnet8', recipe: 'quick' as const };
    await (await createRun(host, { dir: stopped, config })).close();
    await mkdir(failed);
    const note = { time: '', exitCode: 42, signal: null, message: 'It is wrong.' };
    await writeFile(`${failed}/failure.json`, JSON.stringify(note));
    const status = await look();
    expect(status.get(runs[0])?.state).toBe('stopped');
    expect(status.get(runs[1])).toMatchObject({ state: 'failed', message: 'It is wrong.' });
  });

  test('follows the latest task of a run, and one in the queue before one that is not', async () => {
    await submit(host, fakeSlurm().slurm, request());
    const { slurm, submitted } = fakeSlurm();
    submitted.push(...Array.from({ length: 100 }, () => ['', []] as const));
    await submit(host, slurm, request({ cells: plan.cells.slice(0, 1) }));
    const submissions = await readSubmissions(nodeFileSystem, folder);
    expect(tasksByRun(submissions, []).get(runs[0])).toMatchObject({ job: '201', index: 0 });
    const earlier = tasksByRun(submissions, [queued('101', 0, 'RUNNING')]);
    expect(earlier.get(runs[0])).toMatchObject({ job: '101' });
  });
});
