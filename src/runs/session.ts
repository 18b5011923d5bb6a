// From a run folder, a data set and a backend to trained weights: starts or resumes the loop and
// writes its events into the folder. The caller (console, page, cluster job) reads the same events
// after they are on disk. A session ends by itself, by a stop request, or by divergence.

import type { Dataset } from '../data/dataset.ts';
import { makeNormalization, type Normalization } from '../data/normalization.ts';
import type { Backend } from '../engine/backend.ts';
import { DeviceError } from '../engine/device-error.ts';
import { createNetwork } from '../nn/network.ts';
import { parameterCount } from '../nn/parameters.ts';
import type { CheckpointEvent, TrainEvent } from '../train/events.ts';
import { Trainer } from '../train/loop.ts';
import type { StopRequest } from '../train/options.ts';
import { UserError } from '../util/errors.ts';
import type { NamedTensors } from '../util/tensor.ts';
import { weightsSha256 } from './checkpoint.ts';
import { SUMMARY } from './layout.ts';
import { logLine } from './log-line.ts';
import { metricsRecord } from './metrics.ts';
import type { Run } from './run.ts';
import { refuseOtherClasses, sameData } from './same-data.ts';
import type { Facts, RunSummary, SessionRecord } from './summary.ts';

export interface SessionOptions {
  /** From `createRun` or `resumeRun`; closed when the session ends. */
  readonly run: Run;
  /** With its validation split taken out, where the configuration asks for one. */
  readonly dataset: Dataset;
  readonly backend: Backend;
  /** Facts of the host for environment.json: versions, CPU, memory, commit. */
  readonly host: Facts;
  readonly stop?: StopRequest;
  /** Weights to begin with instead of random ones; not used where there is a state to go on from. */
  readonly initialWeights?: NamedTensors;
  /** The normalisation that belongs to them, instead of one made from the training images. */
  readonly initialNormalization?: Normalization;
  /**
   * Told of every event before the caller is, and may look at the weights then; after a step they may
   * be a few steps ahead, where a device has several in flight.
   */
  readonly observe?: (event: TrainEvent, trainer: TrainerView) => Promise<void>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What an observer may see of training between two events. */
export type TrainerView = Pick<Trainer, 'snapshot' | 'gradients' | 'setRateFactor'>;

/**
 * Trains. Checkpoint events carry the paths written, `interrupted` the command that goes on.
 * @throws UserError if the data are not those of the run, the disk is full, half precision is asked
 *   of a device without it, the device is lost ...
 */
export async function* runTraining(options: SessionOptions): AsyncGenerator<TrainEvent> {
  const { run } = options;
  try {
    const session = await Session.begin(options);
    try {
      yield* session.events();
    } finally {
      await session.dispose();
    }
  } finally {
    await run.close();
  }
}

class Session {
  private readonly options: SessionOptions;
  private readonly trainer: Trainer;
  private readonly notice: string | undefined;
  private outcome: RunSummary['outcome'] = 'running';
  private message: string | undefined;
  /** There is a checkpoint to go on from. */
  private isSaved: boolean;
  /** The last checkpoint of the whole run is written. */
  private isWhole = false;
  /** Why what is derived from checkpoints is not up to date. */
  private problem: UserError | undefined;

  private constructor(options: SessionOptions, trainer: Trainer, notice: string | undefined) {
    this.options = options;
    this.isSaved = options.run.state !== undefined;
    this.trainer = trainer;
    this.notice = notice;
  }

  static async begin(given: SessionOptions): Promise<Session> {
    const { run, backend, stop, initialWeights, now = Date.now } = given;
    const { config, state } = run;
    checkFit(given);
    const [before] = run.sessionsBefore;
    const { dataset, fingerprint } = await sameData(run, given.dataset);
    const options = { ...given, dataset };
    const network = createNetwork(config.arch, config);
    const normalization =
      state?.normalization ??
      options.initialNormalization ??
      makeNormalization(config.normalization, dataset.train);
    const trainer = await Trainer.create({
      config,
      dataset,
      normalization,
      network,
      backend,
      stop,
      resume: state,
      initialWeights,
    });
    const { title, source, isOriginalCifar10 } = dataset;
    const backendFacts = { name: backend.name, ...backend.facts };
    await run.recordSession({
      started: new Date(now()).toISOString(),
      iteration: state?.progress.iteration ?? 0,
      host: options.host,
      backend: { description: backend.description, ...backendFacts },
      data: { title, source, isOriginalCifar10, fingerprint },
      ...(backend.facts.tiles === 'measured' && {
        tiles: (await trainer.snapshot()).executables?.train?.tiles,
      }),
    });
    const notices = [...run.notices];
    const arithmetic = arithmeticNotice(before, backendFacts);
    if (arithmetic) notices.push(arithmetic);
    return new Session(options, trainer, notices.join(' ') || undefined);
  }

  async *events(): AsyncGenerator<TrainEvent> {
    try {
      yield* this.told();
    } catch (error) {
      throw error instanceof DeviceError ? await this.failed(error) : error;
    }
  }

  /** The device is gone, and with it what was trained since the last checkpoint. */
  private async failed(error: DeviceError): Promise<DeviceError> {
    const { run } = this.options;
    const saved = this.isSaved ? 'What was saved before is whole.' : 'Nothing was saved yet.';
    const message = `${error.message} ${saved} To go on, resume the run.`;
    await run.log(message);
    const facts = { dir: run.dir, saved };
    return new DeviceError(message, { cause: error, code: 'device-failed', facts });
  }

  private async *told(): AsyncGenerator<TrainEvent> {
    const { run, now = Date.now } = this.options;
    for await (const event of this.trainer.run()) {
      const record = metricsRecord(event, run.config, now());
      if (record) await run.record(record);
      const told = await this.react(event);
      const line = logLine(told);
      if (line) await (this.isWhole ? this.derive(() => run.log(line)) : run.log(line));
      await this.options.observe?.(told, this.trainer);
      yield told;
    }
  }

  /** Does what an event asks of the folder, and completes it for its readers. */
  private async react(event: TrainEvent): Promise<TrainEvent> {
    const { run } = this.options;
    switch (event.kind) {
      case 'start':
        await this.writeSummary();
        return this.notice === undefined ? event : { ...event, notice: this.notice };
      case 'checkpoint':
        return await this.save(event);
      case 'interrupted':
        return { ...event, message: 'To go on, resume the run.' };
      case 'nan': {
        const saved = `What was saved before is whole: ${run.dir}`;
        this.message = event.message;
        return { ...event, message: `${event.message} ${saved}` };
      }
      case 'end':
        this.outcome = event.outcome;
        if (event.outcome === 'nan') await this.writeSummary();
        else await this.derive(() => this.writeSummary());
        return this.problem === undefined ? event : { ...event, notice: saved(this.problem) };
      default:
        return event;
    }
  }

  private async save(event: CheckpointEvent): Promise<CheckpointEvent> {
    const state = await this.trainer.snapshot();
    const paths = await this.options.run.save(state, event.reasons);
    this.isSaved = true;
    this.isWhole = event.reasons.includes('final');
    await this.derive(() => this.writeSummary());
    return { ...event, paths };
  }

  /** What can be made again from a checkpoint that is written is no reason to end, or to call a run failed. */
  private async derive(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.problem = undefined;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.problem = error;
    }
  }

  private async writeSummary(): Promise<void> {
    const { run, dataset } = this.options;
    const { config } = run;
    const progress = this.trainer.currentProgress;
    const done = this.outcome !== 'running' && this.outcome !== 'nan';
    await run.writeSummary({
      arch: config.arch,
      shortcut: config.shortcut,
      recipe: config.recipe,
      seed: config.seed,
      parameters: parameterCount(createNetwork(config.arch, config)),
      dataTitle: dataset.title,
      isOriginalCifar10: dataset.isOriginalCifar10,
      trainImages: dataset.train.count,
      validationImages: dataset.validation?.count ?? 0,
      testImages: dataset.test.count,
      outcome: this.outcome,
      epochsDone: progress.epoch,
      epochs: this.trainer.plan.epochs,
      iteration: progress.iteration,
      result: progress.result,
      seconds: progress.seconds,
      ...(done && { weightsSha256: await weightsSha256((await this.trainer.snapshot()).weights) }),
      ...(this.message !== undefined && { message: this.message }),
    });
  }

  dispose(): Promise<void> {
    return this.trainer.dispose();
  }
}

function saved({ message }: UserError): string {
  return `${message} All weights are saved and whole; ${SUMMARY} is made again when the run is resumed.`;
}

/** What can be refused before anything is compiled. */
function checkFit({ run, dataset, backend }: SessionOptions): void {
  const { config } = run;
  if (config.half && backend.facts.half !== true) {
    throw new UserError(
      `The ${backend.name} backend has no half precision (${backend.description}): use a device that has it.`,
      {
        code: 'backend-without-half',
        facts: { backend: backend.name, description: backend.description },
      },
    );
  }
  refuseOtherClasses(run, dataset);
}

/** Facts of a backend that decide the last bits of every result; threads do not. */
const ARITHMETIC = [
  ...['convolution', 'multiplyAdd', 'precision', 'half'],
  ...['adapter', 'driver', 'tiles', 'tensorCores'],
];

/** What to tell someone whose resumed run will not have the bits of an uninterrupted one. */
function arithmeticNotice(first: SessionRecord | undefined, now: Facts): string | undefined {
  if (!first) return undefined;
  const facts = first.backend.name === now.name ? ARITHMETIC : ['name'];
  const changed = facts.filter((fact) => first.backend[fact] !== now[fact]);
  if (changed.length === 0) return undefined;
  const changes = changed.map((fact) => `${fact} ${first.backend[fact]} then, ${now[fact]} now`);
  return `This session computes otherwise than the run's first (${changes.join('; ')}): its weights will be as good, but not bit for bit those of an uninterrupted run.`;
}
