// A run is a folder: config.json, metrics.jsonl, summary.json, environment.json, log.txt and
// checkpoints/. This is the only writer. `last` is written after everything that belongs to the
// same moment, so whatever interrupts the writing, resuming from `last` writes the rest again.

import {
  keptDifferences,
  parseTrainConfig,
  RESUMABLE_SETTINGS,
  type TrainConfig,
} from '../train/config.ts';
import type { CheckpointReason } from '../train/events.ts';
import type { TrainingState } from '../train/state.ts';
import { UserError } from '../util/errors.ts';
import { terminalText } from '../util/foreign-text.ts';
import { pick } from '../util/objects.ts';
import { decodeState, encodeState, encodeWeights } from './checkpoint.ts';
import {
  type FileSystem,
  type OutputFile,
  removeTemporaries,
  writeAtomically,
  writeError,
} from './file-system.ts';
import type { ProcessIdentity } from './holder.ts';
import { type LockOptions, lockRun, type RunLock } from './lock.ts';
import type { MetricsRecord } from './metrics.ts';
import { CONFIG, checkpointPath, METRICS, readConfig, readEnvironment } from './reader.ts';
import type { RunEnvironment, RunSummary, SessionRecord } from './summary.ts';

/** What a run folder needs of the host. */
export interface RunHost {
  readonly files: FileSystem;
  readonly self: ProcessIdentity;
}

export interface CreateRunOptions {
  readonly config: TrainConfig;
  /** The folder; without it a new one is made in `root`. */
  readonly dir?: string;
  /** Where folders of their own are made (default `runs`). */
  readonly root?: string;
}

/**
 * Makes a run folder: the one asked for, or `<arch>-seed<seed>`, `-2`, `-3` ... so that no run is
 * ever overwritten.
 * @throws UserError if the folder holds a run, or cannot be written
 */
export async function createRun(host: RunHost, options: CreateRunOptions): Promise<Run> {
  const { files } = host;
  const dir = trimSlash(options.dir ?? (await makeNumberedFolder(files, options)));
  if (options.dir !== undefined) {
    await makeFolder(files, dir);
    await refuseExisting(files, dir);
  }
  const lock = await lockRun(files, dir, host.self);
  try {
    // Again, now that nobody else can make one.
    await refuseExisting(files, dir);
    await makeFolder(files, `${dir}/checkpoints`);
    await writeAtomically(files, `${dir}/${CONFIG}`, toJson(options.config));
    return await Run.open(host, lock, dir, options.config);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * Opens a run to go on with it from its last checkpoint, or from the beginning if it was killed
 * before the first. What metrics.jsonl says beyond that point is cut off.
 * @param changes settings that do not change the weights (`RESUMABLE_SETTINGS`); others are ignored
 * @throws UserError if the folder holds no run, its config.json was edited, or another process is
 *   training in it
 */
export async function resumeRun(
  host: RunHost,
  dir: string,
  changes: Partial<TrainConfig> = {},
  options: LockOptions = {},
): Promise<Run> {
  const { files } = host;
  const folder = trimSlash(dir);
  const config = await readConfig(files, folder);
  const lock = await lockRun(files, folder, host.self, options);
  try {
    const path = checkpointPath(folder, 'last');
    const bytes = await files.read(path);
    const loaded = bytes && decodeState(bytes, `"${path}"`);
    if (loaded) refuseEdits(config, loaded.state.config, folder);
    const before = loaded?.state.config ?? config;
    const checked = parseTrainConfig({ ...before, ...pick(changes, RESUMABLE_SETTINGS) });
    const state = loaded && { ...loaded.state, config: checked };
    return await Run.open(host, lock, folder, checked, state, loaded?.metricsBytes);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** What config.json says must be what is trained, and its checkpoint decides that. */
function refuseEdits(written: TrainConfig, trained: TrainConfig, dir: string): void {
  const edits = keptDifferences(written, trained).map(
    (name) =>
      `${name} is ${JSON.stringify(written[name])} and was ${JSON.stringify(trained[name])}`,
  );
  if (edits.length === 0) return;
  const file = `${dir}/${CONFIG}`;
  throw new UserError(
    `"${file}" was changed after the run began: ${edits.join('; ')}. A run keeps its configuration: change it back, or begin another run with this one.`,
    { exitCode: 2, code: 'config-was-edited', facts: { file, edits } },
  );
}

/** A run folder that this process writes. */
export class Run {
  readonly dir: string;
  /** As `config.json` has it; changes of the learning rate are added to it by `save`. */
  config: TrainConfig;
  /** Where to go on from; undefined for a run that begins. */
  readonly state: TrainingState | undefined;
  /** Why the run's files could not be closed, or its lock stayed behind, which does no harm. */
  closingProblem: string | undefined;
  private readonly host: RunHost;
  private readonly lock: RunLock;
  private readonly metrics: OutputFile;
  private readonly logFile: OutputFile;
  /** Of metrics.jsonl, up to the evaluations of the epoch that is being evaluated. */
  private metricsBytes: number;
  /** What these evaluations add. */
  private evaluationBytes = 0;

  private constructor(fields: {
    dir: string;
    config: TrainConfig;
    state: TrainingState | undefined;
    host: RunHost;
    lock: RunLock;
    metrics: OutputFile;
    logFile: OutputFile;
    metricsBytes: number;
  }) {
    this.dir = fields.dir;
    this.config = fields.config;
    this.state = fields.state;
    this.host = fields.host;
    this.lock = fields.lock;
    this.metrics = fields.metrics;
    this.logFile = fields.logFile;
    this.metricsBytes = fields.metricsBytes;
  }

  /** Use `createRun` or `resumeRun`. */
  static async open(
    host: RunHost,
    lock: RunLock,
    dir: string,
    config: TrainConfig,
    state?: TrainingState,
    metricsBytes = 0,
  ): Promise<Run> {
    const { files } = host;
    try {
      const checkpoints = `${dir}/checkpoints`;
      await refuseLink(files, checkpoints);
      await makeFolder(files, checkpoints);
      for (const folder of [dir, checkpoints]) await removeTemporaries(files, folder);
      // A file that someone shortened must not be filled up with zeros.
      const size = Math.min(metricsBytes, await files.size(`${dir}/${METRICS}`));
      const metrics = await files.append(`${dir}/${METRICS}`, size);
      const logFile = await files.append(`${dir}/log.txt`, await files.size(`${dir}/log.txt`));
      return new Run({ dir, config, state, host, lock, metrics, logFile, metricsBytes: size });
    } catch (error) {
      throw writeError(error, dir);
    }
  }

  /** Adds a line to metrics.jsonl. */
  async record(record: MetricsRecord): Promise<void> {
    const bytes = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
    await this.guard(METRICS, this.metrics.write(bytes));
    if (record.kind === 'evaluation') this.evaluationBytes += bytes.length;
    else {
      this.takeEvaluations();
      this.metricsBytes += bytes.length;
    }
    await this.lock.renew();
  }

  /** Adds a line with the time to log.txt. */
  async log(line: string): Promise<void> {
    const time = new Date(this.host.self.now()).toISOString();
    await this.guard(
      'log.txt',
      this.logFile.write(new TextEncoder().encode(`${time} ${terminalText(line)}\n`)),
    );
  }

  /**
   * Before something is written into a folder of the run.
   * @throws UserError where it is a link, which may lead anywhere
   */
  refuseLink(name: string): Promise<void> {
    return refuseLink(this.host.files, `${this.dir}/${name}`);
  }

  /** The sessions before this one. */
  environment(): Promise<RunEnvironment> {
    return readEnvironment(this.host.files, this.dir);
  }

  /** Adds this session to environment.json. */
  async recordSession(session: SessionRecord): Promise<void> {
    const { sessions } = await this.environment();
    await this.write('environment.json', toJson({ sessions: [...sessions, session] }));
  }

  async writeSummary(summary: RunSummary): Promise<void> {
    await this.write('summary.json', toJson(summary));
  }

  /**
   * Writes the checkpoints that a state is due for: always `last`, and before it `best` and
   * `epoch-010`.
   * @returns the paths written
   */
  async save(state: TrainingState, reasons: readonly CheckpointReason[]): Promise<string[]> {
    await this.lock.check();
    await this.guard(METRICS, this.metrics.sync());
    // An evaluation that was interrupted is done again as a whole, when the run goes on.
    if (!reasons.includes('interrupted')) this.takeEvaluations();
    const names: string[] = [];
    if (reasons.includes('best')) names.push('best');
    if (reasons.includes('periodic')) names.push(epochName(state.progress.epoch));
    const paths: string[] = [];
    if (state.config.rateChanges !== this.config.rateChanges) {
      await this.write(CONFIG, toJson(state.config));
      this.config = state.config;
    }
    if (names.length > 0) {
      const weights = encodeWeights(state);
      for (const name of names) paths.push(await this.writeCheckpoint(name, weights));
    }
    paths.push(await this.writeCheckpoint('last', encodeState(state, this.metricsBytes)));
    await this.lock.renew();
    return paths;
  }

  private takeEvaluations(): void {
    this.metricsBytes += this.evaluationBytes;
    this.evaluationBytes = 0;
  }

  /**
   * Closes the files and gives the folder free. What was written is on the disk by then, so what goes
   * wrong here is no reason to call the run failed: see `closingProblem`.
   */
  async close(): Promise<void> {
    const closing = [() => this.metrics.close(), () => this.logFile.close()];
    for (const close of [...closing, () => this.lock.release()]) {
      try {
        await close();
      } catch (error) {
        this.closingProblem ??= writeError(error, this.dir).message;
      }
    }
  }

  private async writeCheckpoint(name: string, bytes: Uint8Array): Promise<string> {
    const path = checkpointPath(this.dir, name);
    await writeAtomically(this.host.files, path, bytes);
    return path;
  }

  private write(name: string, content: string): Promise<void> {
    return writeAtomically(this.host.files, `${this.dir}/${name}`, content);
  }

  private async guard(name: string, writing: Promise<void>): Promise<void> {
    try {
      await writing;
    } catch (error) {
      throw writeError(error, `${this.dir}/${name}`);
    }
  }
}

/** `epoch-010` after ten epochs. */
function epochName(epochs: number): string {
  return `epoch-${String(epochs).padStart(3, '0')}`;
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function refuseLink(files: FileSystem, path: string): Promise<void> {
  if (!(await files.isLink(path))) return;
  throw new UserError(
    `"${path}" is a link, and nothing outside a run's folder is written: put the folder itself in its place.`,
  );
}

/** A folder's path without slashes at its end. */
export function trimSlash(dir: string): string {
  return dir.length > 1 ? dir.replace(/[/\\]+$/, '') || '/' : dir;
}

async function makeFolder(files: FileSystem, path: string): Promise<boolean> {
  try {
    return await files.makeFolder(path);
  } catch (error) {
    throw writeError(error, path);
  }
}

async function makeNumberedFolder(files: FileSystem, options: CreateRunOptions): Promise<string> {
  const { config, root = 'runs' } = options;
  const name = `${trimSlash(root)}/${config.arch}-seed${config.seed}`;
  for (let number = 1; ; number++) {
    const dir = number === 1 ? name : `${name}-${number}`;
    if (await makeFolder(files, dir)) return dir;
  }
}

async function refuseExisting(files: FileSystem, dir: string): Promise<void> {
  const names = await files.list(dir);
  if (!names.includes(CONFIG) && !names.includes(METRICS)) return;
  throw new UserError(`"${dir}" already holds a run: resume it, or choose another folder.`, {
    code: 'run-exists',
    facts: { dir },
  });
}
