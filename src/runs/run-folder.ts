// A run folder that this process writes: the only writer of its files, for as long as it has the lock.
// `last` is written after everything that belongs to the same moment, so whatever interrupts the writing,
// resuming from `last` writes the rest again.

import { crc32 } from '../formats/checksum.ts';
import { sealSafetensors } from '../interop/safetensors/seal.ts';
import type { TrainConfig } from '../train/config.ts';
import type { CheckpointReason } from '../train/events.ts';
import type { TrainingState } from '../train/state.ts';
import { UserError } from '../util/errors.ts';
import { terminalText } from '../util/foreign-text.ts';
import { encodeState, encodeWeights } from './checkpoint.ts';
import {
  type FileSystem,
  type OutputFile,
  removeTemporaries,
  writeAtomically,
  writeError,
} from './file-system.ts';
import type { ProcessIdentity } from './holder.ts';
import { CONFIG, checkpointPath, ENVIRONMENT, LOG, METRICS, SUMMARY } from './layout.ts';
import type { RunLock } from './lock.ts';
import { type MendedMetrics, mendMetrics } from './mend-metrics.ts';
import type { MetricsRecord } from './metrics.ts';
import { configChecksum } from './reader.ts';
import { sealJson } from './sealed-json.ts';
import { type FoundState, LAST, PREVIOUS } from './states.ts';
import type { RunEnvironment, RunSummary, SessionRecord } from './summary.ts';

/** What a run folder needs of the host. */
export interface RunHost {
  readonly files: FileSystem;
  readonly self: ProcessIdentity;
}

interface OpenOptions {
  readonly host: RunHost;
  readonly lock: RunLock;
  readonly dir: string;
  readonly config: TrainConfig;
  /** Of config.json. */
  readonly checksum: string;
  readonly found?: FoundState | undefined;
  readonly environment?: RunEnvironment;
  readonly notices?: readonly string[];
}

/** A run folder that this process writes. */
export class Run {
  readonly dir: string;
  /** As `config.json` has it; changes of the learning rate are added to it by `save`. */
  config: TrainConfig;
  /** Where to go on from; undefined for a run that begins. */
  readonly state: TrainingState | undefined;
  /** What there is to tell about the files that were found. */
  readonly notices: readonly string[];
  /** Why the run's files could not be closed, or its lock stayed behind, which does no harm. */
  closingProblem: string | undefined;
  /** What summary.json says, or was to say; undefined before this session wrote it. */
  summary: RunSummary | undefined;
  private readonly host: RunHost;
  private readonly lock: RunLock;
  private readonly metrics: OutputFile;
  private readonly logFile: OutputFile;
  private configChecksum: string;
  private sessions: readonly SessionRecord[];
  /** `last` is there, and whole. */
  private hasLast: boolean;
  /** Of metrics.jsonl, up to the evaluations of the epoch that is being evaluated. */
  private metricsBytes: number;
  /** CRC-32 of that part. */
  private metricsCrc: number;
  /** What these evaluations add. */
  private evaluations: Uint8Array[] = [];

  private constructor(
    { host, lock, dir, config, checksum, found, environment, notices = [] }: OpenOptions,
    metrics: OutputFile,
    mended: MendedMetrics,
    logFile: OutputFile,
  ) {
    this.dir = dir;
    this.config = config;
    this.state = found && { ...found.state, config };
    this.host = host;
    this.lock = lock;
    this.configChecksum = checksum;
    this.sessions = environment?.sessions ?? [];
    this.hasLast = found !== undefined && found.notice === undefined;
    this.notices = mended.notice === undefined ? notices : [...notices, mended.notice];
    this.metrics = metrics;
    this.metricsBytes = mended.bytes;
    this.metricsCrc = mended.crc;
    this.logFile = logFile;
  }

  /** Use `createRun` or `resumeRun`. */
  static async open(options: OpenOptions): Promise<Run> {
    const { host, dir, found } = options;
    const { files } = host;
    try {
      const checkpoints = `${dir}/checkpoints`;
      await refuseLink(files, checkpoints);
      await makeFolder(files, checkpoints);
      for (const folder of [dir, checkpoints]) await removeTemporaries(files, folder);
      const mended = await mendMetrics(files, `${dir}/${METRICS}`, found);
      const metrics = await files.append(`${dir}/${METRICS}`, mended.bytes);
      const logFile = await files.append(`${dir}/${LOG}`, await files.size(`${dir}/${LOG}`));
      return new Run(options, metrics, mended, logFile);
    } catch (error) {
      throw writeError(error, dir);
    }
  }

  /** Adds a line to metrics.jsonl. */
  async record(record: MetricsRecord): Promise<void> {
    const bytes = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
    await this.guard(METRICS, this.metrics.write(bytes));
    if (record.kind === 'evaluation') this.evaluations.push(bytes);
    else {
      this.takeEvaluations();
      this.count(bytes);
    }
    await this.lock.renew();
  }

  /** Adds a line with the time to log.txt. */
  async log(line: string): Promise<void> {
    const time = new Date(this.host.self.now()).toISOString();
    const text = `${time} ${terminalText(line)}\n`;
    await this.guard(LOG, this.logFile.write(new TextEncoder().encode(text)));
  }

  /**
   * Before something is written into a folder of the run.
   * @throws UserError where it is a link, which may lead anywhere
   */
  refuseLink(name: string): Promise<void> {
    return refuseLink(this.host.files, `${this.dir}/${name}`);
  }

  /** Those before this one, as far as they are known. */
  get sessionsBefore(): readonly SessionRecord[] {
    return this.sessions;
  }

  /** Adds this session to environment.json. */
  async recordSession(session: SessionRecord): Promise<void> {
    this.sessions = [...this.sessions, session];
    await this.write(ENVIRONMENT, await sealJson({ sessions: this.sessions }));
  }

  async writeSummary(summary: RunSummary): Promise<void> {
    this.summary = { ...summary, configChecksum: this.configChecksum };
    await this.write(SUMMARY, await sealJson(this.summary));
  }

  /**
   * Writes the checkpoints that a state is due for: always `last`, and before it `best` and
   * `epoch-010`. What was the last one is kept as `previous`.
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
      this.configChecksum = await configChecksum(state.config);
    }
    if (names.length > 0) {
      const weights = await sealSafetensors(encodeWeights(state));
      for (const name of names) paths.push(await this.writeCheckpoint(name, weights));
    }
    const { metricsCrc } = this;
    const context = { metricsCrc, origin: this.sessions[0] };
    const last = await sealSafetensors(encodeState(state, this.metricsBytes, context));
    const previous = this.hasLast ? checkpointPath(this.dir, PREVIOUS) : undefined;
    // Should the writing fail between two names, there is a `previous` only.
    this.hasLast = false;
    paths.push(await this.writeCheckpoint(LAST, last, previous));
    this.hasLast = true;
    await this.lock.renew();
    return paths;
  }

  /**
   * Writes what a resumed run changes for good: its length, first into the checkpoint, which decides, and
   * what it is called.
   * @param before config.json as it is
   * @param summary as it is; its checksum of config.json is taken away before that changes
   */
  async keepChanges(before: TrainConfig, summary: RunSummary | undefined): Promise<void> {
    const { name, note, schedule } = this.config;
    const isLonger = schedule.length !== before.schedule.length;
    if (!isLonger && name === before.name && note === before.note) return;
    if (isLonger && this.state) await this.save(this.state, []);
    if (isLonger && summary) {
      const { configChecksum: _, ...rest } = summary;
      await this.write(SUMMARY, await sealJson(rest));
    }
    const config = { ...before, name, note, schedule };
    await this.write(CONFIG, toJson(config));
    this.configChecksum = await configChecksum(config);
  }

  private takeEvaluations(): void {
    for (const bytes of this.evaluations) this.count(bytes);
    this.evaluations = [];
  }

  private count(bytes: Uint8Array): void {
    this.metricsBytes += bytes.length;
    this.metricsCrc = crc32(bytes, this.metricsCrc);
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

  private async writeCheckpoint(
    name: string,
    bytes: Uint8Array,
    previous?: string,
  ): Promise<string> {
    const path = checkpointPath(this.dir, name);
    await writeAtomically(this.host.files, path, bytes, previous);
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

export function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function refuseLink(files: FileSystem, path: string): Promise<void> {
  if (!(await files.isLink(path))) return;
  throw new UserError(
    `"${path}" is a link, and nothing outside a run's folder is written: put the folder itself in its place.`,
  );
}

export async function makeFolder(files: FileSystem, path: string): Promise<boolean> {
  try {
    return await files.makeFolder(path);
  } catch (error) {
    throw writeError(error, path);
  }
}
