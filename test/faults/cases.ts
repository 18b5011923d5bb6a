// What must hold whatever fails: nothing is silently wrong, nothing that was saved is lost, and what is said is
// one sentence. A case trains a tiny network while one operation on its files fails, then goes on with a sound
// disk; or it flips a bit in a file of a run and uses that.

import { repairable } from '../../src/cli/advice.ts';
import { weightsSha256 } from '../../src/runs/checkpoint.ts';
import { createMemoryFileSystem } from '../../src/runs/file-system.memory.ts';
import { type FileSystem, writeAtomically } from '../../src/runs/file-system.ts';
import { TIME_FIELDS } from '../../src/runs/metrics.ts';
import { isRun, openRun } from '../../src/runs/reader.ts';
import { createRun, type Run, resumeRun } from '../../src/runs/run.ts';
import { runTraining } from '../../src/runs/session.ts';
import { verifyRun } from '../../src/runs/verify.ts';
import { messageOf, UserError } from '../../src/util/errors.ts';
import { identity } from '../runs/support/hosts.ts';
import { arithmeticBackend } from '../train/support/backends.ts';
import { tinyConfig, tinyDataset } from '../train/support/tiny.ts';
import { type InjectedFileSystem, type Injection, injectFault } from './injector.ts';

const dataset = tinyDataset();
const config = tinyConfig({ epochs: 2, saveEvery: 1, checkpointSteps: 2 });
const DIR = 'run';
/** Which part of a run's life the fault falls into: from the beginning, or when it goes on. */
export const PHASES = ['begin', 'resume'] as const;
export type Phase = (typeof PHASES)[number];

const hostOf = (files: FileSystem) => ({ files, self: identity() });
const begin = (files: FileSystem) => createRun(hostOf(files), { dir: DIR, config });
const resume = (files: FileSystem, from?: string) => resumeRun(hostOf(files), DIR, {}, { from });

/** Trains to the end or to a stop; told is the step of each checkpoint. */
async function train(run: Run, stopAt = Infinity, saved?: (step: number) => void): Promise<void> {
  const stop = { requested: false };
  for await (const event of runTraining({
    run,
    dataset,
    backend: arithmeticBackend(),
    host: {},
    stop,
  })) {
    if (event.kind === 'step' && event.iteration === stopAt) stop.requested = true;
    if (event.kind === 'checkpoint') saved?.(event.position.iteration);
  }
}

/** What a run came to: weights, checkpoints and metrics, without times. */
async function result(files: FileSystem): Promise<string> {
  const view = await openRun(files, DIR);
  const weights: Record<string, string> = {};
  for (const name of view.checkpoints) {
    if (name.startsWith('last.')) continue;
    // One that is damaged and not needed stays so; whoever reads it is told.
    const loaded = await view.readWeights(name).catch((error: unknown) => {
      if (error instanceof UserError) return undefined;
      throw error;
    });
    if (loaded) weights[name] = await weightsSha256(loaded.weights);
  }
  const metrics = (await view.metrics()).map((record) =>
    Object.entries(record).filter(([name]) => !TIME_FIELDS.some((time) => time === name)),
  );
  const { outcome, weightsSha256: sum } = view.summary ?? {};
  return JSON.stringify({ weights: { ...weights, previous: '' }, metrics, outcome, sum });
}

async function stopped(): Promise<FileSystem> {
  const files = createMemoryFileSystem();
  await train(await begin(files), 4);
  return files;
}

let known: Promise<string> | undefined;

/** What a run comes to when nothing fails. */
function expected(): Promise<string> {
  known ??= (async () => {
    const files = createMemoryFileSystem();
    await train(await begin(files));
    return await result(files);
  })();
  return known;
}

/** How many operations a phase has. */
export async function operationsOf(phase: Phase): Promise<number> {
  const files = injectFault(phase === 'begin' ? createMemoryFileSystem() : await stopped());
  await train(await (phase === 'begin' ? begin(files) : resume(files)));
  return files.count();
}

/** @returns what is wrong; undefined where nothing is */
export async function faultCase(phase: Phase, injection: Injection): Promise<string | undefined> {
  const disk = phase === 'begin' ? createMemoryFileSystem() : await stopped();
  const saved = phase === 'begin' ? [] : [4];
  const problem = await attempt(phase, injectFault(disk, injection), saved);
  if (problem !== undefined) return problem;
  const before = Math.max(0, ...saved);
  try {
    // A run that was never saved may have nothing yet; otherwise it goes on.
    const isThere = saved.length > 0 || (await isRun(disk, DIR));
    const run = await (isThere ? resume(disk) : begin(disk));
    const at = run.state?.progress.iteration ?? 0;
    if (at < before) return `what was saved at step ${before} is lost: it goes on from ${at}`;
    await train(run);
  } catch (error) {
    return `it does not go on: ${messageOf(error)}`;
  }
  if ((await result(disk)) !== (await expected())) return 'it ends with another result';
  if (JSON.parse(await result(disk)).weights.best === undefined) return 'its best weights are lost';
  const damaged = (await verifyRun(disk, DIR)).findings.filter(({ state }) => state === 'damaged');
  return damaged[0] && `afterwards ${damaged[0].file} is damaged: ${damaged[0].text}`;
}

async function attempt(phase: Phase, files: InjectedFileSystem, saved: number[]) {
  try {
    await train(
      await (phase === 'begin' ? begin(files) : resume(files)),
      Infinity,
      (step) => void saved.push(step),
    );
    return undefined;
  } catch (error) {
    return notASentence(error);
  }
}

/** @returns what is wrong with what is said about an error */
function notASentence(error: unknown): string | undefined {
  const told = repairable(error);
  if (!told) return `a defect: ${error instanceof Error ? error.stack : String(error)}`;
  if (/\n|\bat .*:\d+:\d+/.test(told.message)) return `more than a sentence: ${told.message}`;
  return undefined;
}

/** The files of a stopped run, with their sizes. */
export async function filesOfRun(): Promise<{ path: string; bytes: number }[]> {
  const files = await stopped();
  const paths = [
    ...(await files.list(DIR)).filter((name) => name !== 'checkpoints'),
    ...(await files.list(`${DIR}/checkpoints`)).map((name) => `checkpoints/${name}`),
  ];
  const sizes = paths.map(async (path) => ({ path, bytes: await files.size(`${DIR}/${path}`) }));
  return await Promise.all(sizes);
}

/**
 * Flips one bit of one file of a stopped run, and uses all of it.
 * @returns what is wrong; undefined where the damage was found, or does no harm
 */
export async function flipCase(path: string, bit: number): Promise<string | undefined> {
  const files = await stopped();
  const sound = await stopped();
  const bytes = (await files.read(`${DIR}/${path}`))!;
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  await writeAtomically(files, `${DIR}/${path}`, bytes);
  const isFound = (await verifyRun(files, DIR).catch(() => undefined))?.findings.some(
    ({ state }) => state === 'damaged',
  );
  for (const name of ['best', 'last', 'previous']) {
    const used = await weightsOf(files, name);
    if (used.problem !== undefined) return used.problem;
    const right = await weightsOf(sound, name);
    if (used.weights !== undefined && used.weights !== right.weights) {
      return `"${name}" is used with other weights or facts`;
    }
  }
  try {
    await train(await resume(files));
  } catch (error) {
    return notASentence(error) ?? (isFound === false ? 'verify does not find it' : undefined);
  }
  const ended = JSON.parse(await result(files));
  const right = JSON.parse(await expected());
  if (path === 'metrics.jsonl') ended.metrics = right.metrics;
  ended.weights = { ...right.weights, ...ended.weights };
  return JSON.stringify(ended) === JSON.stringify(right)
    ? undefined
    : 'it ends with another result, without a word';
}

async function weightsOf(files: FileSystem, name: string) {
  try {
    const { weights, facts } = await (await openRun(files, DIR)).readWeights(name);
    return { weights: (await weightsSha256(weights)) + JSON.stringify(facts) };
  } catch (error) {
    return { problem: notASentence(error) };
  }
}
