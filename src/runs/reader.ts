// Reading run folders, without taking them: a run may be looked at while it trains.

import type { TrainConfig } from '../train/config.ts';
import { parseTrainConfig } from '../train/config.ts';
import { check, problemText } from '../util/check.ts';
import { messageOf, UserError } from '../util/errors.ts';
import { decodeWeights, type LoadedWeights } from './checkpoint.ts';
import type { FileSystem } from './file-system.ts';
import { type MetricsRecord, parseMetrics } from './metrics.ts';
import {
  environmentSchema,
  type RunEnvironment,
  type RunSummary,
  summarySchema,
} from './summary.ts';

export const CONFIG = 'config.json';
export const METRICS = 'metrics.jsonl';

export function checkpointPath(dir: string, name: string): string {
  return `${dir}/checkpoints/${name}.safetensors`;
}

/** What a run folder holds. */
export interface RunView {
  readonly dir: string;
  readonly config: TrainConfig;
  /** Undefined before the first epoch's end. */
  readonly summary: RunSummary | undefined;
  readonly environment: RunEnvironment;
  /** Names for `readWeights`: `last`, `best`, `epoch-010` ... */
  readonly checkpoints: readonly string[];
  metrics(): Promise<MetricsRecord[]>;
  /** @throws UserError naming the checkpoints that exist */
  readWeights(name: string): Promise<LoadedWeights>;
}

/** @throws UserError if the folder holds no run or a damaged one */
export async function openRun(files: FileSystem, dir: string): Promise<RunView> {
  const config = await readConfig(files, dir);
  const names = await files.list(`${dir}/checkpoints`);
  const checkpoints = names
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => name.slice(0, -'.safetensors'.length))
    .sort();
  const summary = await readJson(files, `${dir}/summary.json`);
  return {
    dir,
    config,
    summary: summary === undefined ? undefined : parseSummary(summary, dir),
    environment: await readEnvironment(files, dir),
    checkpoints,
    async metrics() {
      const bytes = await files.read(`${dir}/${METRICS}`);
      return parseMetrics(new TextDecoder().decode(bytes ?? new Uint8Array()));
    },
    async readWeights(name) {
      const file = checkpointPath(dir, name);
      const bytes = await files.read(file);
      if (!bytes) {
        const has = checkpoints.length > 0 ? checkpoints.join(', ') : 'none yet';
        throw new UserError(`The run "${dir}" has no checkpoint "${name}" (it has: ${has}).`);
      }
      return decodeWeights(bytes, `"${file}"`);
    },
  };
}

/** @throws UserError if the folder holds no run or a damaged one */
export async function readConfig(files: FileSystem, dir: string): Promise<TrainConfig> {
  const path = `${dir}/${CONFIG}`;
  const config = await readJson(files, path);
  if (config === undefined) {
    throw new UserError(`There is no run in "${dir}": it has no ${CONFIG}.`);
  }
  return parseTrainConfig(config, `"${path}"`);
}

/** Whether a folder holds a run. */
export async function isRun(files: FileSystem, dir: string): Promise<boolean> {
  return (await files.list(dir)).includes(CONFIG);
}

/** A file's JSON, or undefined where there is no file. */
export async function readJson(files: FileSystem, path: string): Promise<unknown> {
  const bytes = await files.read(path);
  if (!bytes) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new UserError(`"${path}" is damaged: it is not JSON (${messageOf(error)}).`);
  }
}

/** The sessions so far; none where there is no file. */
export async function readEnvironment(files: FileSystem, dir: string): Promise<RunEnvironment> {
  const path = `${dir}/environment.json`;
  const json = await readJson(files, path);
  if (json === undefined) return { sessions: [] };
  const { data, problem } = check(environmentSchema, json);
  if (problem === undefined) return data;
  throw new UserError(`"${path}" is damaged: ${problem.message}; remove it to go on.`);
}

function parseSummary(json: unknown, dir: string): RunSummary {
  const { data, problem } = check(summarySchema, json);
  if (problem === undefined) return data;
  throw new UserError(`"${dir}/summary.json" is damaged: ${problemText(problem)}.`);
}
