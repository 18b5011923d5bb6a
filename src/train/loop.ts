// The training loop. It trains a network on a data set with a backend and yields what happens; it
// knows no console, no files and no host. Read `run` first, then `trainEpoch`.
//
// Between two steps everything that decides the later ones is in `progress` and in three buffers on
// the device (parameters, running statistics, momentum): `snapshot` collects it, and a trainer that
// is given a snapshot goes on bit for bit, also from the middle of an epoch.
//
// A device may have several steps in flight (`feed.ts`). Then it is ahead of `progress`, which counts
// steps whose metrics are there; before anything is saved or evaluated the device is let come to rest.

import { epochOrder } from '../data/batches.ts';
import type { Executable, SgdSettings } from '../engine/backend.ts';
import { lowerTrainingFor } from '../engine/lower-train.ts';
import { initializeWeights } from '../nn/initialize.ts';
import { checkWeights } from '../nn/parameters.ts';
import { UserError } from '../util/errors.ts';
import type { NamedTensors } from '../util/tensor.ts';
import { Evaluator } from './evaluator.ts';
import type { CheckpointReason, NanEvent, Position, TrainEvent } from './events.ts';
import {
  createYielder,
  executableStates,
  readGradients,
  readTraining,
  writeTraining,
} from './executables.ts';
import { Feed } from './feed.ts';
import { nanEvent, startEvent, stepEvent } from './make-events.ts';
import { averages, EMPTY_METER } from './meters.ts';
import { sgdSettingsAt } from './optimizer.ts';
import type { StopRequest, TrainerOptions } from './options.ts';
import { RateChanges } from './rate-changes.ts';
import { recordEvaluation } from './result.ts';
import { batchesInEpoch, learningRateAt, type Plan, planRun } from './schedule.ts';
import {
  advanceProgress,
  initialProgress,
  isFiniteState,
  type Progress,
  type TrainingState,
} from './state.ts';
import { Stopwatch } from './stopwatch.ts';

export class Trainer {
  readonly plan: Plan;
  private options: TrainerOptions;
  private readonly stop: StopRequest;
  private readonly yieldToHost = createYielder();
  private readonly executable: Executable;
  private readonly feed: Feed;
  private readonly evaluator: Evaluator;
  private progress: Progress;
  private saved: { readonly iteration: number; readonly time: number };
  private readonly rateChanges: RateChanges;
  /** For what is said about it. */
  private lastStep: {
    readonly epoch: number;
    readonly batch: number;
    readonly learningRate: number;
  };
  /** The latest snapshot, while no step has been done since. */
  private latest: TrainingState | undefined;
  private outcome: 'complete' | 'interrupted' | 'nan' = 'complete';

  private constructor(options: TrainerOptions, executable: Executable, feed: Feed) {
    const { config, dataset, resume } = options;
    this.options = options;
    this.executable = executable;
    this.feed = feed;
    this.evaluator = new Evaluator(options, executable);
    this.stop = options.stop ?? { requested: false };
    this.plan = planRun(config, dataset.train.count);
    this.progress = resume?.progress ?? initialProgress(config, this.plan);
    this.saved = { iteration: this.progress.iteration, time: performance.now() };
    const { epoch, batch, iteration, schedule } = this.progress;
    this.rateChanges = new RateChanges(config.rateChanges, iteration);
    const learningRate = learningRateAt(config, schedule, this.progress, this.plan);
    this.lastStep = { epoch, batch: Math.max(0, batch - 1), learningRate };
  }

  /**
   * Compiles the network and gives it its weights.
   * @throws UserError if weights do not fit the network, or there is nothing to train on
   */
  static async create(options: TrainerOptions): Promise<Trainer> {
    const { config, network, backend, dataset, resume } = options;
    if (dataset.train.count === 0) throw new UserError('The data set has no training images.');
    const weights =
      resume?.weights ?? options.initialWeights ?? initializeWeights(network, config.seed);
    checkWeights(network, weights, resume ? 'The checkpoint' : 'What was loaded');
    const { batchSize, labelSmoothing, memory, nesterov, optimizer } = config;
    const freeze = config.freeze === 'none' ? undefined : config.freeze;
    const settings = { batchSize, labelSmoothing, memory, nesterov, optimizer, freeze };
    const program = await lowerTrainingFor(backend, network, settings);
    const executable = await backend.compile(program, resume?.executables?.train);
    await writeTraining(executable, weights, options.normalization, resume?.momentum);
    return new Trainer(options, executable, await Feed.holding(executable, dataset.train));
  }

  /** Trains to the end, or until it is stopped or diverges. The last event is always `end`. */
  async *run(): AsyncGenerator<TrainEvent> {
    yield startEvent(this.options, this.plan, this.position());
    while (this.progress.epoch < this.plan.epochs && this.outcome === 'complete') {
      yield* this.trainEpoch();
      if (this.outcome === 'complete') yield* this.evaluateEpoch();
    }
    yield {
      kind: 'end',
      outcome: this.outcome,
      position: this.position(),
      result: this.progress.result,
      seconds: this.progress.seconds,
    };
  }

  /** What is left of the epoch's batches, with times to save between them. */
  private async *trainEpoch(): AsyncGenerator<TrainEvent> {
    const { config, dataset } = this.options;
    const { epoch } = this.progress;
    const batches = batchesInEpoch(this.plan, epoch);
    const order = epochOrder(config.seed, epoch, dataset.train.count, true);
    // A resumed run that awaits its evaluation has told of the epoch's end before it stopped.
    if (this.progress.batch === batches) return;
    const watch = new Stopwatch();
    while (this.progress.batch < batches) {
      if (this.stop.requested) return yield* this.interrupt();
      yield* this.trainBatches(order, batches, watch);
      if (this.outcome !== 'complete') return;
      // After the last batch, only when the epoch's end is told.
      if (this.progress.batch < batches && this.timeToSave()) yield* this.checkpointNow();
      if (this.outcome !== 'complete') return;
      watch.skipPause();
    }
    const { loss, top1, top5 } = averages(this.progress.meter);
    yield {
      kind: 'epoch-end',
      epoch,
      epochs: this.plan.epochs,
      iteration: this.progress.iteration,
      learningRate: this.lastStep.learningRate,
      trainLoss: loss,
      trainTop1: top1,
      trainTop5: top5,
      ...watch.total(),
    };
    if (this.timeToSave()) yield* this.checkpointNow();
  }

  /** Trains until the epoch ends or something else is to be done, which finds the device at rest. */
  private async *trainBatches(
    order: Uint32Array,
    batches: number,
    watch: Stopwatch,
  ): AsyncGenerator<TrainEvent> {
    const { config } = this.options;
    const { epoch, batch: first } = this.progress;
    const { seed, augment, cropPadding } = config;
    const movement = augment ? { seed, epoch, cropPadding } : undefined;
    const most = () => this.mostInFlight();
    const sgd = (batch: number) => {
      this.rateChanges.begin(this.iterationOf(batch));
      return this.sgdAt(batch);
    };
    const steps = this.feed.run({ order, first, end: batches, movement, most, sgd });
    for await (const { batch, metrics, dataSeconds } of steps) {
      const times = watch.step(metrics.count, dataSeconds);
      const { learningRate } = this.sgdAt(batch);
      if (!Number.isFinite(metrics.lossSum)) {
        const loss = metrics.lossSum / metrics.count;
        return yield this.diverged({ what: 'loss', epoch, batch, loss, learningRate });
      }
      const { iteration } = this.progress;
      this.progress = advanceProgress(config, this.progress, metrics, times.batchTime);
      this.lastStep = { epoch, batch, learningRate };
      this.latest = undefined;
      for (const { factor } of this.rateChanges.news(iteration)) {
        yield { kind: 'rate', iteration, factor, ...this.lastStep };
      }
      yield stepEvent(this.plan, this.progress, metrics, learningRate, times);
      await this.yieldToHost();
      // A device that has work goes on during the pause.
      if (this.feed.pending.length === 0) watch.skipPause();
    }
  }

  /** Steps before a batch of this epoch, which may be some steps ahead. */
  private iterationOf(batch: number): number {
    return this.progress.iteration + batch - this.progress.batch;
  }

  private sgdAt(batch: number): SgdSettings {
    const { config } = this.options;
    const { epoch, schedule } = this.progress;
    const position = { epoch, iteration: this.iterationOf(batch) };
    return sgdSettingsAt(config, schedule, position, this.plan);
  }

  /**
   * From the next step on that has not begun, multiplies the schedule's rate by `factor` (1: the
   * schedule itself). The change is part of the configuration, hence of every later state, and asks
   * for a checkpoint, so that a crash does not forget it.
   * @throws UserError for a factor that is no positive number
   */
  setRateFactor(factor: number): void {
    const rateChanges = this.rateChanges.add(factor);
    this.options = { ...this.options, config: { ...this.options.config, rateChanges } };
    this.latest = undefined;
    this.stop.save = true;
  }

  /** Steps that may be submitted before the next one's metrics are known. */
  private mostInFlight(): number {
    if (this.stop.requested || this.timeToSave()) return 0;
    if (this.stop.single) return 1;
    // The error of each step decides whether the next one still warms up.
    if (this.progress.schedule.warmingUp) return 1;
    const { checkpointSteps } = this.options.config;
    const steps = this.progress.iteration - this.saved.iteration;
    return checkpointSteps > 0 ? checkpointSteps - steps : Infinity;
  }

  /**
   * Evaluates what the epoch has made of the weights, and turns to the next epoch. If it is stopped,
   * the state stays at the end of the epoch, which then still awaits its evaluation.
   */
  private async *evaluateEpoch(): AsyncGenerator<TrainEvent> {
    const { config, dataset } = this.options;
    const { epoch } = this.progress;
    const reasons: CheckpointReason[] = ['epoch'];
    let { result, seconds } = this.progress;
    for (const split of ['validation', 'test'] as const) {
      const images = dataset[split];
      if (!images || images.count === 0) continue;
      const errors = yield* this.evaluator.run(split, images, epoch, this.stop);
      if (!errors) return yield* this.stop.requested ? this.interrupt() : this.divergedWeights();
      seconds += errors.seconds;
      const recorded = recordEvaluation(result, split, epoch, errors.top1Error);
      const { isBest, best } = recorded;
      result = recorded.result;
      if (isBest && (split === 'validation' || !dataset.validation)) reasons.push('best');
      yield { ...errors, isBest, bestError: best.error, bestEpoch: best.epoch };
    }
    const begin = { epoch: epoch + 1, batch: 0, meter: EMPTY_METER };
    this.progress = { ...this.progress, ...begin, result, seconds };
    if (config.saveEvery > 0 && (epoch + 1) % config.saveEvery === 0) reasons.push('periodic');
    if (epoch + 1 === this.plan.epochs) reasons.push('final');
    yield* this.checkpoint(reasons);
  }

  private timeToSave(): boolean {
    if (this.stop.save) return true;
    const { checkpointSeconds, checkpointSteps } = this.options.config;
    const steps = this.progress.iteration - this.saved.iteration;
    if (steps === 0) return false;
    const seconds = (performance.now() - this.saved.time) / 1000;
    return (
      (checkpointSteps > 0 && steps >= checkpointSteps) ||
      (checkpointSeconds > 0 && seconds >= checkpointSeconds)
    );
  }

  /** Announces that now is a time to save, unless the weights are no longer worth it. */
  private async *checkpoint(reasons: readonly CheckpointReason[]): AsyncGenerator<TrainEvent> {
    if (!isFiniteState(await this.snapshot())) return yield* this.divergedWeights();
    yield { kind: 'checkpoint', reasons, position: this.position() };
    this.saved = { iteration: this.progress.iteration, time: performance.now() };
    this.stop.save = false;
  }

  /** Between epochs' ends: because it was asked for, or because it is time. */
  private checkpointNow(): AsyncGenerator<TrainEvent> {
    return this.checkpoint([this.stop.save ? 'asked' : 'timer']);
  }

  private async *interrupt(): AsyncGenerator<TrainEvent> {
    yield* this.checkpoint(['interrupted']);
    if (this.outcome !== 'complete') return;
    this.outcome = 'interrupted';
    yield { kind: 'interrupted', position: this.position() };
  }

  /** The step just done is the one that made them so, or one not long before it. */
  private *divergedWeights(): Generator<TrainEvent> {
    yield this.diverged({ what: 'weights', ...this.lastStep, loss: Number.NaN });
  }

  private diverged(facts: Omit<NanEvent, 'kind' | 'message'>): NanEvent {
    this.outcome = 'nan';
    return nanEvent(facts);
  }

  /**
   * The complete state, of the moment when all steps in flight are done: after a `step` event that
   * may be a few steps later. Only between events: while `run` waits for its reader.
   * The tensors are copies.
   */
  async snapshot(): Promise<TrainingState> {
    const { executable, options } = this;
    let { progress } = this;
    for (const metrics of await Promise.all(this.feed.pending)) {
      progress = advanceProgress(options.config, progress, metrics, 0);
    }
    if (this.latest?.progress === progress) return this.latest;
    this.latest = {
      config: options.config,
      classes: options.dataset.classes,
      normalization: options.normalization,
      ...(await readTraining(executable)),
      executables: await executableStates(executable, await this.evaluator.readState()),
      progress,
    };
    return this.latest;
  }

  /** The last batch's gradients of what is trained, by parameter name. Only between events. */
  async gradients(): Promise<NamedTensors> {
    return await readGradients(this.executable);
  }

  /** Frees the executables. */
  async dispose(): Promise<void> {
    await this.executable.dispose();
    await this.evaluator.dispose();
  }

  /** Of the training program: parameters, maps and gradients. */
  get memoryBytes(): number {
    return this.executable.memoryBytes;
  }

  /** Where training is and what it came to, without the weights. */
  get currentProgress(): Progress {
    return this.progress;
  }

  private position(): Position {
    const { epoch, batch, iteration } = this.progress;
    return { epoch, batch, iteration };
  }
}
