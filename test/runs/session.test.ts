import { readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import type { Backend } from '../../src/engine/backend.ts';
import { weightsSha256 } from '../../src/runs/checkpoint.ts';
import { nodeFileSystem } from '../../src/runs/file-system.node.ts';
import type { FileSystem } from '../../src/runs/file-system.ts';
import { TIME_FIELDS } from '../../src/runs/metrics.ts';
import { openRun } from '../../src/runs/reader.ts';
import { createRun, type Run, resumeRun } from '../../src/runs/run.ts';
import { runTraining, type SessionOptions } from '../../src/runs/session.ts';
import { verifyRun } from '../../src/runs/verify.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { arithmeticBackend } from '../train/support/backends.ts';
import { collect, ofKind, tinyConfig, tinyDataset } from '../train/support/tiny.ts';
import { failing, fullDisk, powerCut, temporaryFolder, testHost } from './support/hosts.ts';

const dataset = tinyDataset();
const config = tinyConfig({ epochs: 3, saveEvery: 2, checkpointSteps: 2 });

function session(run: Run, changes: Partial<SessionOptions> = {}) {
  return runTraining({ run, dataset, backend: arithmeticBackend(), host: {}, ...changes });
}

/** Abandons a run after an event: nothing more is written. */
async function killAfter(run: Run, isTime: (event: TrainEvent) => boolean): Promise<void> {
  for await (const event of session(run)) if (isTime(event)) break;
}

async function metricsWithoutTimes(dir: string): Promise<object[]> {
  const records = await (await openRun(nodeFileSystem, dir)).metrics();
  return records.map((record) =>
    Object.fromEntries(
      Object.entries(record).filter(([name]) => !(TIME_FIELDS as readonly string[]).includes(name)),
    ),
  );
}

async function wholeRun(dir: string): Promise<string> {
  await collect(session(await createRun(testHost(), { dir, config })));
  return (await openRun(nodeFileSystem, dir)).summary!.weightsSha256!;
}

async function bestWeights(dir: string): Promise<string> {
  return weightsSha256((await (await openRun(nodeFileSystem, dir)).readWeights('best')).weights);
}

describe('a session', () => {
  test('leaves a folder with everything in it', async () => {
    const dir = `${await temporaryFolder()}/run`;
    const events = await collect(
      session(await createRun(testHost(), { dir, config }), { host: { node: '24.0.0' } }),
    );
    expect((await readdir(dir)).sort()).toEqual([
      'checkpoints',
      'config.json',
      'environment.json',
      'log.txt',
      'metrics.jsonl',
      'summary.json',
    ]);
    const view = await openRun(nodeFileSystem, dir);
    expect(view.checkpoints).toEqual(['best', 'epoch-002', 'last', 'previous']);
    expect(view.summary).toMatchObject({
      arch: 'resnet8',
      recipe: 'quick',
      seed: 1,
      dataTitle: 'random pixels',
      isOriginalCifar10: false,
      outcome: 'complete',
      epochsDone: 3,
      epochs: 3,
      iteration: 9,
      result: ofKind(events, 'end')[0]!.result,
    });
    expect(view.environment.sessions).toMatchObject([
      { iteration: 0, host: { node: '24.0.0' }, backend: { name: 'reference', threads: 1 } },
    ]);
    const log = await readFile(`${dir}/log.txt`, 'utf8');
    expect(log).toContain('accuracy');
    expect(log).toContain('(running averages)');
    expect(log).toContain('optimistic, as the test set chose it');
  });

  test('saves the last epoch always, and its metrics', async () => {
    const dir = `${await temporaryFolder()}/run`;
    await wholeRun(dir);
    const last = await (await openRun(nodeFileSystem, dir)).readWeights('last');
    expect(last.facts!.epochs).toBe(3);
    const records = await metricsWithoutTimes(dir);
    expect(
      records.filter((record) => 'kind' in record && record.kind === 'evaluation'),
    ).toHaveLength(3);
  });

  test('tells the paths of checkpoints and, when interrupted, how to go on', async () => {
    const dir = `${await temporaryFolder()}/run`;
    const stop = { requested: false };
    const run = await createRun(testHost(), { dir, config });
    const events = await collect(session(run, { stop }), (event) => {
      if (event.kind === 'step' && event.iteration === 4) stop.requested = true;
    });
    expect(ofKind(events, 'checkpoint').at(-1)!.paths).toEqual([
      `${dir}/checkpoints/last.safetensors`,
    ]);
    expect(ofKind(events, 'interrupted')[0]!.message).toBe('To go on, resume the run.');
    expect((await openRun(nodeFileSystem, dir)).summary).toMatchObject({
      outcome: 'interrupted',
      iteration: 4,
    });
  });

  test('after divergence keeps the checkpoint from before and says why it ended', async () => {
    const dir = `${await temporaryFolder()}/run`;
    const run = await createRun(testHost(), { dir, config });
    await collect(session(run, { backend: arithmeticBackend({ nanLossAt: 6 }) }));
    const resumed = await resumeRun(testHost(), dir);
    expect(resumed.state!.progress.iteration).toBe(5);
    await resumed.close();
    const { summary } = await openRun(nodeFileSystem, dir);
    expect(summary).toMatchObject({ outcome: 'nan', epochsDone: 1 });
    expect(summary!.message).toContain('epoch 2, batch 3');
  });
});

describe('killed and resumed', () => {
  test('after any event, a run ends with the weights, metrics and checkpoints of one never stopped', async () => {
    const root = await temporaryFolder();
    const expected = await wholeRun(`${root}/whole`);
    const metrics = await metricsWithoutTimes(`${root}/whole`);
    const best = await bestWeights(`${root}/whole`);
    let kills = 0;
    for (let at = 1; ; at += 2) {
      const dir = `${root}/killed-${at}`;
      let seen = 0;
      await killAfter(await createRun(testHost(), { dir, config }), () => ++seen === at);
      if (seen < at) break;
      kills++;
      await collect(session(await resumeRun(testHost(), dir)));
      const view = await openRun(nodeFileSystem, dir);
      expect(view.summary!.weightsSha256, `killed after event ${at}`).toBe(expected);
      expect(await metricsWithoutTimes(dir), `killed after event ${at}`).toEqual(metrics);
      expect(view.checkpoints).toEqual(['best', 'epoch-002', 'last', 'previous']);
      expect(await bestWeights(dir), `killed after event ${at}`).toBe(best);
    }
    expect(kills).toBeGreaterThan(12);
  });

  test('at any write, rename or sync of a file, it ends with the same weights and metrics', async () => {
    const root = await temporaryFolder();
    const expected = await wholeRun(`${root}/whole`);
    const metrics = await metricsWithoutTimes(`${root}/whole`);
    let crashes = 0;
    for (let operations = 20; ; operations += 7) {
      const dir = `${root}/crashed-${operations}`;
      const disk = powerCut(Number.POSITIVE_INFINITY);
      const run = await createRun(testHost(disk), { dir, config });
      disk.left = operations;
      const crashed = await collect(session(run)).then(
        () => false,
        () => true,
      );
      if (!crashed) break;
      crashes++;
      await collect(session(await resumeRun(testHost(), dir)));
      const { summary } = await openRun(nodeFileSystem, dir);
      expect(summary!.weightsSha256, `after ${operations} operations`).toBe(expected);
      expect(await metricsWithoutTimes(dir), `after ${operations} operations`).toEqual(metrics);
    }
    expect(crashes).toBeGreaterThan(10);
  });

  test('again and again, one run ends with the same weights', async () => {
    const root = await temporaryFolder();
    const expected = await wholeRun(`${root}/whole`);
    const dir = `${root}/killed`;
    await killAfter(await createRun(testHost(), { dir, config }), ({ kind }) => kind === 'step');
    let sessions = 0;
    for (; sessions < 20; sessions++) {
      let steps = 0;
      // Far enough for one checkpoint, so that every session gets on.
      await killAfter(
        await resumeRun(testHost(), dir),
        ({ kind }) => kind === 'step' && ++steps === 3,
      );
      if ((await openRun(nodeFileSystem, dir)).summary?.outcome === 'complete') break;
    }
    expect(sessions).toBeGreaterThan(2);
    expect((await openRun(nodeFileSystem, dir)).summary!.weightsSha256).toBe(expected);
  });
});

describe('interrupted while an epoch is evaluated', () => {
  const both = tinyDataset({ validation: 5 });
  const withBoth = tinyConfig({ epochs: 2, validation: 5 });

  test('and resumed, every epoch and evaluation is told once, as in a run never stopped', async () => {
    const whole = `${await temporaryFolder()}/run`;
    const options = { dataset: both };
    const events = await collect(
      session(await createRun(testHost(), { dir: whole, config: withBoth }), options),
    );
    const evaluations = ofKind(events, 'evaluation-progress');
    expect(evaluations.length).toBeGreaterThan(4);
    const expected = await metricsWithoutTimes(whole);
    for (const { epoch, split, batch } of evaluations) {
      const dir = `${await temporaryFolder()}/run`;
      const stop = { requested: false };
      let run = await createRun(testHost(), { dir, config: withBoth });
      await collect(session(run, { ...options, stop }), (event) => {
        const isTime = event.kind === 'evaluation-progress' && event.split === split;
        if (isTime && event.epoch === epoch && event.batch === batch) stop.requested = true;
      });
      run = await resumeRun(testHost(), dir);
      await collect(session(run, options));
      const where = `${split} of epoch ${epoch}, batch ${batch}`;
      expect(await metricsWithoutTimes(dir), where).toEqual(expected);
      const records = await (await openRun(nodeFileSystem, dir)).metrics();
      for (const record of records) {
        if (record.kind === 'epoch') expect(record.imagesPerSecond, where).toBeGreaterThan(0);
      }
    }
  });
});

test('a lock that cannot be removed does not make a complete run a failed one', async () => {
  const dir = `${await temporaryFolder()}/run`;
  const host = testHost();
  const run = await createRun(
    {
      ...host,
      files: {
        ...host.files,
        remove: (path) =>
          path.endsWith('lock.json')
            ? Promise.reject(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }))
            : host.files.remove(path),
      },
    },
    { dir, config },
  );
  expect(ofKind(await collect(session(run)), 'end')[0]!.outcome).toBe('complete');
  expect(run.closingProblem).toMatch(/cannot be written, because its drive failed/);
});

describe('a summary that cannot be written', () => {
  const everyTime = () => true;

  test.each([
    ['from the first checkpoint on', ['summary.json'], 'checkpoint'],
    ['at the very end', ['summary.json'], 'final'],
    ['at the very end, and the log neither', ['summary.json', 'log.txt'], 'final'],
  ] as const)('%s is a warning, since the weights are whole', async (_, names, from) => {
    const root = await temporaryFolder();
    const expected = await wholeRun(`${root}/whole`);
    const dir = `${root}/run`;
    let isTime = false;
    const host = testHost(failing(names, () => isTime));
    const run = await createRun(host, { dir, config });
    const events = await collect(session(run), (event) => {
      if (event.kind !== 'checkpoint') return;
      isTime ||= from === 'checkpoint' || event.reasons.includes('final');
    });
    expect(ofKind(events, 'end')[0]).toMatchObject({
      outcome: 'complete',
      notice: expect.stringMatching(
        /^The disk is full: ".*summary\.json" could not be written.* All weights are saved and whole; summary\.json is made again when the run is resumed\.$/,
      ),
    });
    expect(run.summary).toMatchObject({ outcome: 'complete', weightsSha256: expected });
    const before = await openRun(nodeFileSystem, dir);
    expect(before.summary?.outcome).toBe('running');
    const { findings } = await verifyRun(nodeFileSystem, dir);
    expect(findings.filter(({ state }) => state !== 'whole')).toEqual([]);
    const text = findings.find(({ file }) => file === 'summary.json')!.text;
    expect(text).toBe(
      from === 'checkpoint'
        ? 'it is older than the checkpoint "last", and is made again when the run goes on'
        : '',
    );
    const again = await collect(session(await resumeRun(testHost(), dir)));
    expect(ofKind(again, 'step')).toEqual([]);
    const { summary } = await openRun(nodeFileSystem, dir);
    expect(summary).toMatchObject({ outcome: 'complete', weightsSha256: expected });
  });

  test('at the beginning ends the run, which has nothing yet', async () => {
    const dir = `${await temporaryFolder()}/run`;
    const run = await createRun(testHost(failing(['summary.json'], everyTime)), { dir, config });
    await expect(collect(session(run))).rejects.toThrow(/^The disk is full: ".*summary\.json"/);
  });
});

describe('a disk that fills up during a checkpoint', () => {
  test('leaves the previous one whole; with space again, the run ends with the same weights', async () => {
    const root = await temporaryFolder();
    const expected = await wholeRun(`${root}/whole`);
    const dir = `${root}/full`;
    const disk = fullDisk(Number.POSITIVE_INFINITY);
    const events: TrainEvent[] = [];
    const training = async () => {
      for await (const event of session(await createRun(testHost(disk), { dir, config }))) {
        events.push(event);
        if (event.kind === 'checkpoint' && event.position.iteration === 5) disk.room = 100_000;
      }
    };
    await expect(training()).rejects.toThrow(
      /^The disk is full: ".*epoch-002\.safetensors" could not/,
    );
    const names = await readdir(`${dir}/checkpoints`);
    expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([]);
    const resumed = await resumeRun(testHost(), dir);
    expect(resumed.state!.progress.iteration).toBe(
      ofKind(events, 'checkpoint').at(-1)!.position.iteration,
    );
    await collect(session(resumed));
    expect((await openRun(nodeFileSystem, dir)).summary!.weightsSha256).toBe(expected);
  });

  test('or while metrics are written, is said in one sentence', async () => {
    const dir = `${await temporaryFolder()}/run`;
    const files: FileSystem = {
      ...nodeFileSystem,
      async append(path, size) {
        const file = await nodeFileSystem.append(path, size);
        if (!path.endsWith('metrics.jsonl')) return file;
        return {
          ...file,
          async write() {
            throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
          },
        };
      },
    };
    const run = await createRun(testHost(files), { dir, config });
    await expect(collect(session(run))).rejects.toThrow(`The disk is full: "${dir}/metrics.jsonl"`);
  });
});

test('a session that computes otherwise than the first says so; another number of threads does not matter', async () => {
  const dir = `${await temporaryFolder()}/run`;
  const withFacts = (facts: Backend['facts']) => ({ ...arithmeticBackend(), facts });
  const startOf = async (run: Run, backend: Backend) =>
    ofKind(await collect(session(run, { backend })), 'start')[0]!;
  const fused = withFacts({ threads: 1, multiplyAdd: 'fused' });
  expect(await startOf(await createRun(testHost(), { dir, config }), fused)).not.toHaveProperty(
    'notice',
  );
  const threads = withFacts({ threads: 2, multiplyAdd: 'fused' });
  expect(await startOf(await resumeRun(testHost(), dir), threads)).not.toHaveProperty('notice');
  const separate = withFacts({ threads: 1, multiplyAdd: 'separate' });
  expect((await startOf(await resumeRun(testHost(), dir), separate)).notice).toBe(
    "This session computes otherwise than the run's first (multiplyAdd fused then, separate now): its weights will be as good, but not bit for bit those of an uninterrupted run.",
  );
});

test('a run that began without a folder’s own validation images goes on without them', async () => {
  const dir = `${await temporaryFolder()}/run`;
  await killAfter(await createRun(testHost(), { dir, config }), ({ kind }) => kind === 'step');
  const more: Dataset = { ...dataset, validation: dataset.test };
  const events = await collect(session(await resumeRun(testHost(), dir), { dataset: more }));
  const start = events.find(({ kind }) => kind === 'start');
  expect(start).toMatchObject({ validationImages: 0 });
});

describe('refuses', () => {
  test('half precision on a backend without it', async () => {
    const dir = `${await temporaryFolder()}/run`;
    const run = await createRun(testHost(), { dir, config: tinyConfig({ half: true }) });
    await expect(collect(session(run))).rejects.toThrow('has no half precision');
  });

  test('to go on with other images than it began with', async () => {
    const dir = `${await temporaryFolder()}/run`;
    await killAfter(await createRun(testHost(), { dir, config }), ({ kind }) => kind === 'step');
    const images = dataset.train.images.slice();
    images[0] = images[0]! ^ 1;
    const other: Dataset = { ...dataset, train: { ...dataset.train, images } };
    await expect(
      collect(session(await resumeRun(testHost(), dir), { dataset: other })),
    ).rejects.toThrow(
      `The data in "random" are not those that the run "${dir}" began with: restore them, or start a new run.`,
    );
  });

  test('data with another number of classes', async () => {
    const dir = `${await temporaryFolder()}/run`;
    const run = await createRun(testHost(), { dir, config: tinyConfig({ classes: 4 }) });
    await expect(collect(session(run))).rejects.toThrow(
      'The data in "random" are not those of the run: it is for 4 classes, and they have 3; use',
    );
  });
});

describe('a finished run that is extended', () => {
  const milestones = [1, 4];
  const short = tinyConfig({ epochs: 2, milestones });
  const finished = async () => {
    const dir = `${await temporaryFolder()}/run`;
    await collect(session(await createRun(testHost(), { dir, config: short })));
    return dir;
  };

  test('is the run that it would have been with this length from the beginning', async () => {
    const dir = await finished();
    const run = await resumeRun(testHost(), dir, {}, { epochs: 5 });
    const { config: read } = await openRun(nodeFileSystem, dir);
    expect(read.schedule.length).toBe(5);
    expect(run.notices.join()).toMatch(/has 5 epochs now, and had 2\. Its drops stay after 1, 4/);
    await collect(session(run));
    const whole = `${await temporaryFolder()}/run`;
    const long = tinyConfig({ epochs: 5, milestones });
    await collect(session(await createRun(testHost(), { dir: whole, config: long })));
    const summaries = await Promise.all(
      [dir, whole].map(async (each) => (await openRun(nodeFileSystem, each)).summary!),
    );
    expect(summaries[0]!.weightsSha256).toBe(summaries[1]!.weightsSha256);
    expect(await metricsWithoutTimes(dir)).toEqual(await metricsWithoutTimes(whole));
  });

  test('killed between checkpoint and config.json, it goes on as the longer one', async () => {
    const dir = await finished();
    const before = await readFile(`${dir}/config.json`);
    await (await resumeRun(testHost(), dir, {}, { epochs: 5 })).close();
    await writeFile(`${dir}/config.json`, before);
    const again = await resumeRun(testHost(), dir);
    expect(again.config.schedule.length).toBe(5);
    await again.close();
    expect((await openRun(nodeFileSystem, dir)).config.schedule.length).toBe(5);
  });

  test.each([
    ['an end before what is done', short, 1, /has done 2 epochs already/],
    ['a cosine', tinyConfig({ epochs: 2, scheduleKind: 'cosine' }), 3, /falls along a cosine/],
    ['one cycle', tinyConfig({ epochs: 2, scheduleKind: 'one-cycle' }), 3, /falls along a cycle/],
  ])('not with %s', async (_, config, epochs, sentence) => {
    const dir = `${await temporaryFolder()}/run`;
    await collect(session(await createRun(testHost(), { dir, config })));
    await expect(resumeRun(testHost(), dir, {}, { epochs })).rejects.toThrow(sentence);
  });
});

test('a run is called otherwise when it is resumed, or by its config.json', async () => {
  const dir = `${await temporaryFolder()}/run`;
  const named = tinyConfig({ epochs: 1, name: 'first', note: 'a note' });
  await collect(session(await createRun(testHost(), { dir, config: named })));
  await (await resumeRun(testHost(), dir, { name: 'second' })).close();
  const { config: renamed } = await openRun(nodeFileSystem, dir);
  expect(renamed).toMatchObject({ name: 'second', note: 'a note' });
  await writeFile(`${dir}/config.json`, JSON.stringify({ ...renamed, name: 'third' }));
  const run = await resumeRun(testHost(), dir);
  expect(run.config.name).toBe('third');
  await run.close();
});
