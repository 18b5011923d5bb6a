// The grid with runs that are trained in this process by a backend that only pretends, so that every
// way in which a job can end is quick to try. Real processes are in test/cli/reproduce.test.ts.

import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type CellState, readCell, readCells } from '../../src/experiment/cells.ts';
import { type GridEvent, type Job, type JobEnd, runGrid } from '../../src/experiment/grid.ts';
import { type Cell, cellFolder, makePlan } from '../../src/experiment/plan.ts';
import { readPlan, writePlan } from '../../src/experiment/plan-folder.ts';
import { nodeFileSystem } from '../../src/runs/file-system.node.ts';
import { createRun, resumeRun } from '../../src/runs/run.ts';
import { runTraining } from '../../src/runs/session.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { failing, temporaryFolder, testHost } from '../runs/support/hosts.ts';
import { type ArithmeticOptions, arithmeticBackend } from '../train/support/backends.ts';
import { tinyConfig, tinyDataset } from '../train/support/tiny.ts';

const host = testHost();
const DONE: JobEnd = { exitCode: 0, signal: null, message: '' };
const KILLED: JobEnd = { exitCode: null, signal: 'SIGKILL', message: 'it was killed (SIGKILL)' };

const { cells } = makePlan({
  archs: ['resnet8', 'resnet14'],
  seeds: [1, 2],
  recipes: ['quick'],
  settings: { data: 'random', epochs: 2 },
});
const [first, second, third] = cells as [Cell, Cell, Cell, Cell];

interface Behaviour {
  readonly backend?: ArithmeticOptions;
  /** The process is killed after this event. */
  readonly killedAfter?: (event: TrainEvent) => boolean;
  /** From the first checkpoint on. */
  readonly withoutSummary?: boolean;
  /** The process cannot be started. */
  readonly refused?: boolean;
}

/** Trains in this process; what a cell does is looked up when it begins. */
function launcherOf(behaviours: Map<string, Behaviour>, log: string[] = []) {
  const jobs = { now: 0, most: 0 };
  return {
    jobs,
    log,
    async train(cell: Cell, dir: string, resume: boolean): Promise<Job> {
      const {
        backend,
        killedAfter,
        refused,
        withoutSummary = false,
      } = behaviours.get(cellFolder(cell)) ?? {};
      if (refused) throw new Error('spawn ENOMEM');
      log.push(`${resume ? 'resume' : 'begin'} ${cellFolder(cell)}`);
      const stop = { requested: false };
      const work = async (): Promise<JobEnd> => {
        jobs.most = Math.max(jobs.most, ++jobs.now);
        try {
          const { arch, recipe, seed } = cell;
          const config = { ...tinyConfig({ seed }), arch, recipe };
          let isSaved = false;
          const disk = testHost(failing(['summary.json'], () => withoutSummary && isSaved));
          const run = await (resume ? resumeRun(disk, dir) : createRun(disk, { dir, config }));
          const dataset = tinyDataset();
          const events = runTraining({
            run,
            dataset,
            backend: arithmeticBackend(backend),
            host: {},
            stop,
          });
          for await (const event of events) {
            isSaved ||= event.kind === 'checkpoint';
            if (killedAfter?.(event)) return KILLED;
            if (event.kind === 'end' && event.outcome === 'nan') {
              return { exitCode: 1, signal: null, message: 'diverged' };
            }
            if (event.kind === 'end' && event.outcome === 'interrupted') {
              return { exitCode: 130, signal: null, message: 'stopped' };
            }
          }
          return DONE;
        } finally {
          jobs.now--;
        }
      };
      return {
        ended: work(),
        stop() {
          stop.requested = true;
        },
      };
    },
    async evaluate(_cell: Cell, dir: string): Promise<Job> {
      log.push(`evaluate ${dir.split('/').at(-1)}`);
      await writeFile(`${dir}/evaluation.json`, '{}');
      return { ended: Promise.resolve(DONE), stop() {} };
    },
  };
}

async function states(folder: string): Promise<CellState[]> {
  return (await readCells(host, folder, cells)).map(({ state }) => state);
}

describe('a grid', () => {
  test('trains and evaluates every cell, at most so many at a time', async () => {
    const folder = await temporaryFolder();
    const launcher = launcherOf(new Map());
    expect(await states(folder)).toEqual(['missing', 'missing', 'missing', 'missing']);
    const views = await runGrid({ host, folder, cells, jobs: 2, launcher });
    expect(views.map(({ state }) => state)).toEqual(new Array(4).fill('finished'));
    expect(launcher.jobs.most).toBe(2);
    expect(launcher.log.filter((line) => line.startsWith('evaluate'))).toHaveLength(4);
  });

  test('does nothing twice', async () => {
    const folder = await temporaryFolder();
    await runGrid({ host, folder, cells, jobs: 1, launcher: launcherOf(new Map()) });
    const again = launcherOf(new Map());
    await runGrid({ host, folder, cells, jobs: 1, launcher: again });
    expect(again.log).toEqual([]);
  });

  test('goes on when a run is killed, diverges or cannot start, and says what happened', async () => {
    const folder = await temporaryFolder();
    const behaviours = new Map<string, Behaviour>([
      [cellFolder(first), { killedAfter: (event) => event.kind === 'checkpoint' }],
      [cellFolder(second), { backend: { nanLossAt: 2 } }],
      [cellFolder(third), { refused: true }],
    ]);
    const events: GridEvent[] = [];
    const onEvent = (event: GridEvent) => events.push(event);
    const launcher = launcherOf(behaviours);
    const views = await runGrid({ host, folder, cells, jobs: 2, launcher, onEvent });
    expect(views.map(({ state }) => state)).toEqual(['failed', 'failed', 'failed', 'finished']);
    expect(views.map(({ message }) => message)).toEqual([
      'it was killed (SIGKILL)',
      expect.stringContaining('Training diverged'),
      'spawn ENOMEM',
      undefined,
    ]);
    expect(events.filter(({ kind }) => kind === 'ended')).toHaveLength(4);

    const healthy = launcherOf(new Map());
    await runGrid({ host, folder, cells, jobs: 1, launcher: healthy });
    expect(await states(folder)).toEqual(new Array(4).fill('finished'));
    expect(healthy.log).toContain(`resume ${cellFolder(first)}`);
    expect(healthy.log).toContain(`begin ${cellFolder(third)}`);
    expect(await readdir(`${folder}/${cellFolder(first)}`)).not.toContain('failure.json');
  });

  test('stops when it is asked to, with every run saved, and goes on to the same weights', async () => {
    const folder = await temporaryFolder();
    const stopping = new AbortController();
    const launcher = launcherOf(
      new Map([
        [
          cellFolder(second),
          {
            backend: {
              onTrain: () => {
                stopping.abort();
              },
            },
          },
        ],
      ]),
    );
    const { signal } = stopping;
    const stopped = await runGrid({ host, folder, cells, jobs: 1, launcher, signal });
    expect(stopped.map(({ state }) => state)).toEqual([
      'finished',
      'interrupted',
      'missing',
      'missing',
    ]);
    await runGrid({ host, folder, cells, jobs: 1, launcher: launcherOf(new Map()) });

    const whole = await temporaryFolder();
    await runGrid({ host, folder: whole, cells, jobs: 1, launcher: launcherOf(new Map()) });
    const weights = async (place: string) =>
      (await readCells(host, place, cells)).map(({ run }) => run?.summary?.weightsSha256);
    expect(await weights(folder)).toEqual(await weights(whole));
  });

  test('does not call a run failed that is trained and whose summary could not be written', async () => {
    const folder = await temporaryFolder();
    const events: GridEvent[] = [];
    const onEvent = (event: GridEvent) => events.push(event);
    const launcher = launcherOf(new Map([[cellFolder(first), { withoutSummary: true }]]));
    const options = { host, folder, cells: [first], jobs: 1 };
    const views = await runGrid({ ...options, launcher, onEvent });
    expect(views[0]).toMatchObject({ state: 'interrupted' });
    expect(events.at(-1)).toMatchObject({
      kind: 'ended',
      view: { message: expect.stringContaining('trained to its end, but its summary could not') },
    });
    const again = await runGrid({ ...options, launcher: launcherOf(new Map()) });
    expect(again[0]).toMatchObject({ state: 'finished' });
  });

  test('leaves a run alone that another process is training', async () => {
    const folder = await temporaryFolder();
    const dir = `${folder}/${cellFolder(first)}`;
    await (await createRun(host, { dir, config: tinyConfig() })).close();
    const now = host.self.now();
    await writeFile(`${dir}/lock.json`, JSON.stringify({ pid: 7, host: 'there', renewed: now }));
    const launcher = launcherOf(new Map());
    const views = await runGrid({ host, folder, cells: [first], jobs: 1, launcher });
    expect(views[0]).toMatchObject({ state: 'running', message: 'process 7 on there' });
    expect(launcher.log).toEqual([]);
  });

  test('begins again where a folder was killed before it was a run', async () => {
    const folder = await temporaryFolder();
    const dir = `${folder}/${cellFolder(first)}`;
    await mkdir(dir);
    await writeFile(`${dir}/metrics.jsonl`, '');
    const launcher = launcherOf(new Map());
    await runGrid({ host, folder, cells: [first], jobs: 1, launcher });
    expect((await readCell(host, folder, first)).state).toBe('finished');
  });

  test('does not mistake a foreign or damaged run for its own', async () => {
    const folder = await temporaryFolder();
    const dir = `${folder}/${cellFolder(first)}`;
    await (await createRun(host, { dir, config: tinyConfig({ seed: 99 }) })).close();
    expect(await readCell(host, folder, first)).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('resnet8 quick seed 99'),
    });
    await writeFile(`${dir}/config.json`, '{"arch": ');
    expect(await readCell(host, folder, first)).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('damaged'),
    });
  });
});

test('the plan is written once and grows under a lock', async () => {
  const folder = `${await temporaryFolder()}/new/table`;
  expect(await readPlan(nodeFileSystem, folder)).toBeUndefined();
  const request = { archs: ['resnet8'], seeds: [1], settings: { data: 'synthetic' } };
  const plan = await writePlan(host, folder, request);
  expect(await writePlan(host, folder, { settings: {} })).toEqual(plan);
  const grown = await writePlan(host, folder, { seeds: [1, 2], settings: {} });
  expect(grown.cells).toHaveLength(2);
  expect(await readPlan(nodeFileSystem, folder)).toEqual(grown);
  await expect(writePlan(host, folder, { settings: { data: 'cifar10' } })).rejects.toThrow(/data/);
  expect(await readdir(folder)).toEqual(['plan.json']);
});
