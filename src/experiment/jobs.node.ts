// Processes for the runs of a grid. Each writes its console into its run folder and hangs on this
// process by a channel: if this one is killed without a word, they end too instead of training on
// unseen (bin/table6.js sees to that).

import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeFileSystem, openToAppend } from '../runs/file-system.node.ts';
import { CELL, EVALUATION } from '../runs/layout.ts';
import { writeSealedJson } from '../runs/sealed-json.ts';
import type { TrainConfig } from '../train/config.ts';
import type { Job, JobEnd, Launcher } from './grid.ts';
import type { Cell, PlanSettings } from './plan.ts';

/** The command as npm installs it; two up from this file, in `src` as in `dist`. */
const BIN = join(import.meta.dirname, '..', '..', 'bin', 'table6.js');
const CONSOLE = 'console.txt';

export interface LauncherOptions {
  readonly settings: PlanSettings;
  /** Runs write event files for TensorBoard, too. */
  readonly tensorboard?: boolean;
  /** What a cell is trained with, the machine's settings included. */
  readonly configOf: (cell: Cell) => TrainConfig;
  /** Options for every process, for `train --resume` and for `evaluate`, such as `--threads=2`. */
  readonly shared: readonly string[];
  readonly resume: readonly string[];
  readonly evaluate: readonly string[];
}

export function createLauncher(options: LauncherOptions): Launcher {
  const { shared } = options;
  return {
    async train(cell, dir, resume) {
      const run = resume
        ? [`--resume=${dir}`, ...options.resume]
        : await beginning(dir, options.configOf(cell));
      const events = options.tensorboard ? ['--tensorboard'] : [];
      return start(['train', ...run, '--log=plain', ...events, ...shared], dir);
    },
    async evaluate(cell, dir) {
      const { limitBatches, batchSize, half } = { ...options.settings, ...cell.vary };
      const limits = [
        ...(limitBatches === undefined ? [] : [`--limit-batches=${limitBatches}`]),
        ...(batchSize === undefined ? [] : [`--batch-size=${batchSize}`]),
        ...(half ? ['--half'] : []),
      ];
      const job = await start(
        [
          ...['evaluate', dir, '--checkpoint=last', '--mirrored', '--json'],
          ...[...limits, ...shared, ...options.evaluate],
        ],
        dir,
        'collect',
      );
      return { stop: job.stop, ended: job.ended.then((end) => storeEvaluation(dir, end)) };
    },
  };
}

/** Writes the configuration that a run begins with. @returns the options of `train` that name it */
export async function beginning(dir: string, config: TrainConfig): Promise<string[]> {
  const path = `${dir}/${CELL}`;
  await writeSealedJson(nodeFileSystem, path, config);
  return [`--config=${path}`, `--save-dir=${dir}`];
}

/** What the process wrote on standard output, where that was asked for. */
type CollectedEnd = JobEnd & { readonly output: string };
interface CollectingJob extends Job {
  readonly ended: Promise<CollectedEnd>;
}

async function storeEvaluation(dir: string, end: CollectedEnd): Promise<JobEnd> {
  if (end.exitCode === 0) {
    const evaluation = JSON.parse(end.output) as object;
    await writeSealedJson(nodeFileSystem, `${dir}/${EVALUATION}`, evaluation);
  }
  return end;
}

async function start(
  args: readonly string[],
  dir: string,
  stdout: 'console' | 'collect' = 'console',
): Promise<CollectingJob> {
  const path = join(dir, CONSOLE);
  const file = await openToAppend(path);
  const { size } = await stat(path);
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [BIN, ...args], {
      stdio: ['ignore', stdout === 'collect' ? 'pipe' : file.fd, file.fd, 'ipc'],
    });
  } finally {
    await file.close();
  }
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = new Promise<CollectedEnd>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => {
      lastWords(path, size, exitCode, signal).then(
        (message) => resolve({ exitCode, signal, message, output }),
        reject,
      );
    });
  });
  // A process that cannot start is reported where the job is awaited, not as an unhandled rejection.
  ended.catch(() => {});
  return { ended, stop: () => child.kill('SIGINT') };
}

/** What a process that has ended said last, after `offset` in its console file. */
async function lastWords(
  path: string,
  offset: number,
  exitCode: number | null,
  signal: string | null,
): Promise<string> {
  if (signal !== null) {
    const hint = signal === 'SIGKILL' ? ', perhaps because the memory was full' : '';
    return `its process was killed (${signal}${hint})`;
  }
  if (exitCode === 0) return 'its process ended without finishing the run';
  const text = (await readFile(path)).subarray(offset).toString('utf8');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const thrown = lines.find((line) => /^(\w*Error|FATAL ERROR): /.test(line));
  return thrown ?? lines.at(-1) ?? `its process ended with exit code ${exitCode}`;
}
