// Reading run folders, without taking them: a run may be looked at while it trains. What is derived from
// other files (summary, environment) is not needed to go on, so damage there is told and passed over;
// damage in anything else is an error.

import { checkSeal } from '../interop/safetensors/seal.ts';
import { parseTrainConfig, RESUMABLE_SETTINGS, type TrainConfig } from '../train/config.ts';
import { UserError } from '../util/errors.ts';
import { decodeWeights, type LoadedWeights, weightsSha256 } from './checkpoint.ts';
import { refuseEdits } from './edits.ts';
import type { FileSystem } from './file-system.ts';
import {
  CONFIG,
  checkpointNames,
  checkpointPath,
  ENVIRONMENT,
  METRICS,
  SUMMARY,
} from './layout.ts';
import { type MetricsRecord, parseMetrics } from './metrics.ts';
import { jsonChecksum, readChecked, readJson } from './sealed-json.ts';
import { LAST, PREVIOUS, readState } from './states.ts';
import {
  environmentSchema,
  type RunEnvironment,
  type RunSummary,
  summarySchema,
} from './summary.ts';

/** What a run folder holds. */
export interface RunView {
  readonly dir: string;
  readonly config: TrainConfig;
  /** Undefined before the first epoch's end, or where it is damaged. */
  readonly summary: RunSummary | undefined;
  readonly environment: RunEnvironment;
  /** Names for `readWeights`: `last`, `best`, `epoch-010` ... */
  readonly checkpoints: readonly string[];
  /** Sentences about files that are damaged, and are made again when the run goes on. */
  readonly damaged: readonly string[];
  metrics(): Promise<MetricsRecord[]>;
  /** @throws UserError naming the checkpoints that exist */
  readWeights(name: string): Promise<LoadedWeights>;
}

/** @throws UserError if the folder holds no run, or one whose configuration is damaged or was edited */
export async function openRun(files: FileSystem, dir: string): Promise<RunView> {
  const { config, checksum } = await readConfigFile(files, dir);
  const checkpoints = await checkpointNames(files, dir);
  const { summary, environment, damaged } = await readDerived(files, dir);
  if (summary?.configChecksum !== undefined && summary.configChecksum !== checksum) {
    throw await editedConfig(files, dir, config);
  }
  return {
    ...{ dir, config, summary, environment, checkpoints, damaged },
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
      const seal = await checkSeal(bytes);
      if (seal === 'damaged') throw await damagedCheckpoint(files, dir, name);
      const loaded = decodeWeights(bytes, `"${file}"`);
      // Older versions wrote no checksum, but the sum of a finished run's weights.
      const isFinished = name === LAST && summary?.outcome === 'complete';
      if (seal === 'none' && isFinished && summary.weightsSha256 !== undefined) {
        const sum = await weightsSha256(loaded.weights);
        if (sum !== summary.weightsSha256) throw await damagedCheckpoint(files, dir, name);
      }
      return loaded;
    },
  };
}

async function damagedCheckpoint(files: FileSystem, dir: string, name: string) {
  const whole: string[] = [];
  for (const other of await checkpointNames(files, dir)) {
    const bytes = other === name ? undefined : await files.read(checkpointPath(dir, other));
    if (bytes && (await checkSeal(bytes)) === 'whole') whole.push(other);
  }
  return new UserError(
    `"${checkpointPath(dir, name)}" is damaged: its content does not match the checksum of it. Checkpoints of the run that are whole: ${whole.join(', ') || 'none'}.`,
  );
}

/** @throws UserError if the folder holds no run or a damaged one */
export async function readConfig(files: FileSystem, dir: string): Promise<TrainConfig> {
  return (await readConfigFile(files, dir)).config;
}

/** The configuration, and the checksum that a summary has of it. */
export async function readConfigFile(
  files: FileSystem,
  dir: string,
): Promise<{ readonly config: TrainConfig; readonly checksum: string }> {
  const path = `${dir}/${CONFIG}`;
  const json = await readJson(files, path);
  if (json === undefined) {
    throw new UserError(`There is no run in "${dir}": it has no ${CONFIG}.`);
  }
  return { config: parseTrainConfig(json, `"${path}"`), checksum: await configChecksum(json) };
}

/** Of what a file says about the settings that a run keeps; the rate may be changed while it trains. */
export function configChecksum(json: unknown): Promise<string> {
  const changeable = new Set<string>([...RESUMABLE_SETTINGS, 'rateChanges']);
  const kept = Object.entries(json as object).filter(([name]) => !changeable.has(name));
  return jsonChecksum(Object.fromEntries(kept));
}

/** What was changed is known where there is a state to compare with. */
async function editedConfig(
  files: FileSystem,
  dir: string,
  config: TrainConfig,
): Promise<UserError> {
  for (const name of [LAST, PREVIOUS]) {
    const found = await readState(files, dir, name).catch(() => undefined);
    if (!found) continue;
    try {
      refuseEdits(config, found.state.config, dir);
    } catch (error) {
      if (error instanceof UserError) return error;
    }
  }
  return new UserError(
    `"${dir}/${CONFIG}" is damaged, or was changed after the run began: put it back as it was, or begin another run with a copy of it.`,
  );
}

/** Whether a folder holds a run. */
export async function isRun(files: FileSystem, dir: string): Promise<boolean> {
  return (await files.list(dir)).includes(CONFIG);
}

export interface Derived {
  readonly summary: RunSummary | undefined;
  /** Where the file is not to be used, the first session, as far as a checkpoint knows it. */
  readonly environment: RunEnvironment;
  readonly damaged: readonly string[];
}

/** What is derived from other files of a run, as far as it is whole. */
export async function readDerived(files: FileSystem, dir: string): Promise<Derived> {
  const damaged: string[] = [];
  const unlessDamaged = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      damaged.push(error.message);
      return undefined;
    }
  };
  const summary = await unlessDamaged(readSummary(files, dir));
  const environment = await unlessDamaged(readEnvironment(files, dir));
  if (environment && environment.sessions.length > 0) return { summary, environment, damaged };
  return { summary, environment: await rememberedEnvironment(files, dir), damaged };
}

async function rememberedEnvironment(files: FileSystem, dir: string): Promise<RunEnvironment> {
  for (const name of [LAST, PREVIOUS]) {
    const state = await readState(files, dir, name).catch((error: unknown) => {
      if (error instanceof UserError) return undefined;
      throw error;
    });
    if (state?.origin) return { sessions: [state.origin] };
  }
  return { sessions: [] };
}

/** The sessions so far; none where there is no file. */
export async function readEnvironment(files: FileSystem, dir: string): Promise<RunEnvironment> {
  const path = `${dir}/${ENVIRONMENT}`;
  return (await readChecked(files, path, environmentSchema)) ?? { sessions: [] };
}

/** Undefined where there is no file. */
export function readSummary(files: FileSystem, dir: string): Promise<RunSummary | undefined> {
  return readChecked(files, `${dir}/${SUMMARY}`, summarySchema);
}
