// A run of which something is damaged: found before it is used, and there is something to go back to.

import { describe, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/interop/safetensors/safetensors.ts';
import { createMemoryFileSystem } from '../../src/runs/file-system.memory.ts';
import { type FileSystem, writeAtomically } from '../../src/runs/file-system.ts';
import { parseMetrics } from '../../src/runs/metrics.ts';
import { openRun } from '../../src/runs/reader.ts';
import { createRun, resumeRun } from '../../src/runs/run.ts';
import { runTraining } from '../../src/runs/session.ts';
import { verifyRun } from '../../src/runs/verify.ts';
import { arithmeticBackend } from '../train/support/backends.ts';
import { collect, ofKind, tinyConfig, tinyDataset } from '../train/support/tiny.ts';
import { testHost } from './support/hosts.ts';

const dataset = tinyDataset();
const config = tinyConfig({ epochs: 3, checkpointSteps: 2 });
const DIR = 'runs/r';
const LAST = `${DIR}/checkpoints/last.safetensors`;
const PREVIOUS = `${DIR}/checkpoints/previous.safetensors`;

/** A run that was stopped after its sixth step, with a state before that. */
async function stopped(): Promise<FileSystem> {
  const files = createMemoryFileSystem();
  const stop = { requested: false };
  const run = await createRun(testHost(files), { dir: DIR, config });
  await collect(
    runTraining({ run, dataset, backend: arithmeticBackend(), host: {}, stop }),
    (event) => {
      if (event.kind === 'step' && event.iteration === 6) stop.requested = true;
    },
  );
  return files;
}

async function goOn(files: FileSystem, from?: string) {
  const run = await resumeRun(testHost(files), DIR, {}, { from });
  return await collect(runTraining({ run, dataset, backend: arithmeticBackend(), host: {} }));
}

async function flip(files: FileSystem, path: string, at: number): Promise<void> {
  const bytes = (await files.read(path))!;
  bytes[at < 0 ? bytes.length + at : at]! ^= 16;
  await writeAtomically(files, path, bytes);
}

async function weights(files: FileSystem) {
  return (await openRun(files, DIR)).summary!.weightsSha256;
}

async function expected() {
  const files = await stopped();
  await goOn(files);
  return await weights(files);
}

describe('one flipped bit in the last checkpoint', () => {
  test('is found before anything is trained, naming the file and what can be gone back to', async () => {
    const files = await stopped();
    await flip(files, LAST, -100);
    await expect(goOn(files)).rejects.toMatchObject({
      message: expect.stringMatching(/last.safetensors" is damaged: its content does not match/),
      code: 'damaged-state',
      facts: { whole: { name: 'previous', place: 'in epoch 2, after batch 2' } },
    });
  });

  test('costs what was trained since the one before it, and not a bit more', async () => {
    const files = await stopped();
    await flip(files, LAST, -100);
    const damaged = await files.read(LAST);
    const events = await goOn(files, 'previous');
    expect(ofKind(events, 'start')[0]!.position.iteration).toBe(5);
    expect(ofKind(events, 'start')[0]!.notice).toContain('kept as "last.aside"');
    expect(await weights(files)).toBe(await expected());
    expect(await files.read(`${DIR}/checkpoints/last.aside.safetensors`)).toEqual(damaged);
  });

  test('is found in a finished run, whose recorded sum stays as it was', async () => {
    const files = await stopped();
    await goOn(files);
    const recorded = await weights(files);
    await flip(files, LAST, -100);
    await expect(goOn(files)).rejects.toThrow('is damaged');
    expect(await weights(files)).toBe(recorded);
  });
});

test('a run that was killed between the two names of its last checkpoint goes on from the one before', async () => {
  const files = await stopped();
  await files.remove(LAST);
  const events = await goOn(files);
  expect(ofKind(events, 'start')[0]!.notice).toContain('was stopped while it saved');
  expect(await weights(files)).toBe(await expected());
});

test('without a whole state there is nothing to go on from, and that is said', async () => {
  const files = await stopped();
  await flip(files, LAST, -100);
  await flip(files, PREVIOUS, -100);
  await expect(goOn(files)).rejects.toThrow('No other state of the run is whole.');
  await expect(goOn(files, 'first')).rejects.toThrow(
    'has no checkpoint "first" (it has: best, last, previous)',
  );
  await expect(goOn(files, 'best')).rejects.toThrow('has weights but no training state');
});

describe('what is derived from other files never stops a run', () => {
  test.each([
    ['summary.json', '{"outcome":'],
    ['environment.json', 'not even JSON'],
    ['environment.json', '{"sessions":[{"started":7}]}'],
    ['summary.json', undefined],
    ['environment.json', undefined],
  ])('%s that says %s is made again', async (name, content) => {
    const files = await stopped();
    if (content === undefined) await files.remove(`${DIR}/${name}`);
    else await writeAtomically(files, `${DIR}/${name}`, content);
    const events = await goOn(files);
    if (content !== undefined) {
      expect(ofKind(events, 'start')[0]!.notice).toMatch(/is damaged: .* It is made again\./);
    }
    expect(await weights(files)).toBe(await expected());
    const { damaged, environment } = await openRun(files, DIR);
    expect(damaged).toEqual([]);
    expect(environment.sessions).toHaveLength(2);
  });

  test('and what decides which data are the same is not lost with it', async () => {
    const files = await stopped();
    await files.remove(`${DIR}/environment.json`);
    const images = dataset.train.images.slice();
    images[4000]! ^= 1;
    const other = { ...dataset, train: { ...dataset.train, images } };
    const run = await resumeRun(testHost(files), DIR);
    const session = runTraining({ run, dataset: other, backend: arithmeticBackend(), host: {} });
    await expect(collect(session)).rejects.toThrow('are not those that the run');
  });
});

describe('metrics', () => {
  test('that are shorter than the checkpoint says are cut to whole lines, and that is told', async () => {
    const files = await stopped();
    const path = `${DIR}/metrics.jsonl`;
    const bytes = (await files.read(path))!;
    await writeAtomically(files, path, bytes.subarray(0, bytes.length - 300));
    const events = await goOn(files);
    expect(ofKind(events, 'start')[0]!.notice).toMatch(/bytes shorter than when the checkpoint/);
    const text = new TextDecoder().decode(await files.read(path));
    expect(parseMetrics(text)).toHaveLength(text.split('\n').length - 1);
    expect((await verifyRun(files, DIR)).findings.map(({ state }) => state)).not.toContain(
      'damaged',
    );
  });

  test('that are not what they were are told of', async () => {
    const files = await stopped();
    await flip(files, `${DIR}/metrics.jsonl`, 50);
    expect(ofKind(await goOn(files), 'start')[0]!.notice).toContain('curves may be wrong');
  });
});

test('a configuration that is not the one that was trained is refused before the first checkpoint too', async () => {
  const files = createMemoryFileSystem();
  const run = await createRun(testHost(files), { dir: DIR, config });
  for await (const event of runTraining({ run, dataset, backend: arithmeticBackend(), host: {} })) {
    if (event.kind === 'step') break;
  }
  const edited = { ...config, seed: 3 };
  await writeAtomically(files, `${DIR}/config.json`, JSON.stringify(edited));
  await expect(openRun(files, DIR)).rejects.toThrow('was changed after the run began');
});

test('a damaged checkpoint is not evaluated, and those that are whole are named', async () => {
  const files = await stopped();
  await flip(files, `${DIR}/checkpoints/best.safetensors`, -100);
  await expect((await openRun(files, DIR)).readWeights('best')).rejects.toThrow(
    /best.safetensors" is damaged: .* Checkpoints of the run that are whole: last, previous\.$/,
  );
});

describe('a finished run of an older version, which has no checksums', () => {
  /** As such a version left it, but for one bit of a weight. */
  async function finishedLongAgo(): Promise<FileSystem> {
    const files = await stopped();
    await goOn(files);
    const { tensors, metadata } = readSafetensors((await files.read(LAST))!);
    const rest = Object.entries(metadata).filter(
      ([key]) => !/^table6_|^origin|^metricsCrc/.test(key),
    );
    await writeAtomically(files, LAST, writeSafetensors(tensors, Object.fromEntries(rest)));
    await files.remove(PREVIOUS);
    return files;
  }

  test('is read and resumed as ever', async () => {
    const files = await finishedLongAgo();
    await (await openRun(files, DIR)).readWeights('last');
    await goOn(files);
  });

  test('is compared with the sum of its weights that it recorded', async () => {
    const files = await finishedLongAgo();
    const { tensors } = readSafetensors((await files.read(LAST))!);
    const momentum = [...tensors].filter(([name]) => name.startsWith('optimizer'));
    const size = momentum.reduce((sum, [, { bytes }]) => sum + bytes.length, 0);
    await flip(files, LAST, -size - 100);
    const damaged = /last.safetensors" is damaged/;
    await expect((await openRun(files, DIR)).readWeights('last')).rejects.toThrow(damaged);
    await expect(goOn(files)).rejects.toThrow(damaged);
  });
});

describe('verify', () => {
  test('finds nothing wrong with a run that is whole, running or finished', async () => {
    const files = await stopped();
    for (let finished = 0; finished < 2; finished++) {
      const { findings, newest } = await verifyRun(files, DIR);
      expect(findings.map(({ file, state }) => `${file} ${state}`)).toEqual([
        'checkpoints/best.safetensors whole',
        'checkpoints/last.safetensors whole',
        'checkpoints/previous.safetensors whole',
        'config.json whole',
        'environment.json whole',
        'metrics.jsonl whole',
        'summary.json whole',
      ]);
      expect(newest?.name).toBe('last');
      await goOn(files);
    }
  });

  test.each([
    'checkpoints/best.safetensors',
    'checkpoints/last.safetensors',
    'checkpoints/previous.safetensors',
    'config.json',
    'environment.json',
    'metrics.jsonl',
    'summary.json',
  ])('finds a flipped bit in %s', async (file) => {
    const files = await stopped();
    await flip(files, `${DIR}/${file}`, 66);
    const { findings, newest } = await verifyRun(files, DIR);
    expect(
      findings.filter(({ state }) => state === 'damaged').map((found) => found.file),
    ).toContain(file);
    expect(newest?.name).toBe(file.includes('last') ? 'previous' : 'last');
  });
});
