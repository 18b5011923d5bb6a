// Phase `train`: real runs with the command that users have, one network after the other. Each run is a
// folder that the next invocation goes on with, also on another machine: with --archive every run is
// kept as one file beside the results, and unpacked from it where its folder is missing.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { summarySchema } from '../../src/runs/summary.ts';
import { precisionOptions } from './device.ts';
import type { GpuSettings } from './options.ts';
import type { Results, RunOptions } from './units.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const SEED = '1';
/** To finish a step, save and put the run into its archive. */
const CLOSING_SECONDS = 20;
/** A run that does not end when asked is killed; its last checkpoint is a minute old at most. */
const PATIENCE_SECONDS = 60;

export const trainedSchema = z.object({
  dataTitle: z.string(),
  isOriginalCifar10: z.boolean(),
  precision: z.string(),
  batch: z.int(),
  outcome: summarySchema.shape.outcome,
  epochsDone: z.int(),
  epochs: z.int(),
  seconds: z.number(),
  result: summarySchema.shape.result,
});
export type TrainedRun = z.infer<typeof trainedSchema>;

/** @returns whether all runs are complete */
export async function trainRuns(
  settings: GpuSettings,
  results: Results,
  { deadline, say }: RunOptions,
): Promise<boolean> {
  if (settings.data === undefined) {
    say('Nothing is trained: no images (--train DATA, or pack the kit with them).');
    return true;
  }
  let complete = true;
  for (const arch of settings.runs) {
    const name = `${arch}-${settings.trainPrecision}-seed${SEED}`;
    const folder = path.join(settings.output, 'runs', name);
    const archive = path.join(settings.output, `run-${name}.tgz`);
    if (!existsSync(folder) && existsSync(archive)) unpack(archive, folder);
    if (summaryOf(folder)?.outcome !== 'complete') {
      const left = (deadline - performance.now()) / 1000 - CLOSING_SECONDS;
      if (left < CLOSING_SECONDS) {
        say('The time is up; the same command goes on from here.');
        return false;
      }
      say(`${arch}: ${existsSync(folder) ? 'going on' : 'beginning'}`);
      const interrupted = await runTable6(trainArguments(arch, folder, settings), left);
      if (settings.archive && existsSync(folder)) pack(folder, archive);
      if (interrupted) return false;
    }
    const summary = summaryOf(folder);
    const date = new Date().toISOString();
    if (!summary) {
      const problem = 'the run did not begin; see above';
      results.set(`train/${name}`, { state: 'failed', problem, date });
    } else {
      const { trainPrecision: precision, batch } = settings;
      const value: TrainedRun = { ...summary, precision, batch };
      const { seconds } = summary;
      results.set(`train/${name}`, {
        state: 'done',
        value: trainedSchema.parse(value),
        date,
        seconds,
      });
    }
    complete &&= summary?.outcome === 'complete';
  }
  return complete;
}

/** Arguments of `table6` that begin a run, or go on with it. */
export function trainArguments(
  arch: string,
  folder: string,
  { data, epochs, batch, adapter, trainPrecision }: GpuSettings,
): string[] {
  const common = ['--data', data!, '--log', 'plain'];
  if (existsSync(folder)) return ['train', '--resume', folder, ...common];
  return [
    ...['train', arch, ...common, '--save-dir', folder, '--seed', SEED, '--save-every', '0'],
    ...['--recipe', 'notebook', '--epochs', String(epochs), '--batch-size', String(batch)],
    ...['--device', adapter ? `webgpu:${adapter}` : 'webgpu', ...precisionOptions(trainPrecision)],
  ];
}

/**
 * Runs the command until it ends or its time is up; then it saves and ends.
 * @returns whether someone asked to stop
 */
function runTable6(args: readonly string[], seconds: number): Promise<boolean> {
  const program = path.join(import.meta.dirname, '..', '..', 'bin', 'table6.js');
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
    child.kill('SIGTERM');
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  const timers: NodeJS.Timeout[] = [];
  if (Number.isFinite(seconds)) {
    timers.push(setTimeout(() => child.kill('SIGTERM'), 1000 * seconds));
    timers.push(setTimeout(() => child.kill('SIGKILL'), 1000 * (seconds + PATIENCE_SECONDS)));
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      for (const timer of timers) clearTimeout(timer);
      for (const signal of SIGNALS) process.off(signal, interrupt);
      resolve(interrupted);
    });
  });
}

function summaryOf(folder: string) {
  try {
    return summarySchema.parse(JSON.parse(readFileSync(path.join(folder, 'summary.json'), 'utf8')));
  } catch {
    return undefined;
  }
}

function pack(folder: string, archive: string): void {
  const [parent, name] = [path.dirname(folder), path.basename(folder)];
  execFileSync('tar', ['-czf', `${archive}.tmp`, '-C', parent, name]);
  execFileSync('mv', [`${archive}.tmp`, archive]);
}

function unpack(archive: string, folder: string): void {
  mkdirSync(path.dirname(folder), { recursive: true });
  execFileSync('tar', ['-xzf', archive, '-C', path.dirname(folder)]);
}
