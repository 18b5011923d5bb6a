// Evaluation inside a training run: a second executable in inference mode, which gets a copy of the
// weights as they are after an epoch, so that training goes on untouched by it.

import type { Split } from '../data/dataset.ts';
import type { Executable, ExecutableState } from '../engine/backend.ts';
import { normalizationValues } from '../engine/inputs.ts';
import { lowerInference } from '../engine/lower-infer.ts';
import { evaluateBatches } from './evaluate.ts';
import type { EvaluatedSplit, EvaluationEvent, EvaluationProgressEvent } from './events.ts';
import { copyWeights } from './executables.ts';
import { Feed } from './feed.ts';
import { addToMeter, EMPTY_METER, splitErrors, stepAverages } from './meters.ts';
import type { StopRequest, TrainerOptions } from './options.ts';

/** What is known of a split before it is compared with earlier epochs. */
type Evaluated = Omit<EvaluationEvent, 'isBest' | 'bestError' | 'bestEpoch'>;

export class Evaluator {
  private readonly options: TrainerOptions;
  private readonly training: Executable;
  /** Made when the first evaluation needs it, so that the first step does not wait for it. */
  private inference: Executable | undefined;
  private readonly feeds = new Map<EvaluatedSplit, Feed>();

  constructor(options: TrainerOptions, training: Executable) {
    this.options = options;
    this.training = training;
  }

  /**
   * Evaluates a split, batch by batch.
   * @returns its errors, or undefined when it was asked to stop or a loss was no number
   */
  async *run(
    split: EvaluatedSplit,
    images: Split,
    epoch: number,
    stop: StopRequest,
  ): AsyncGenerator<EvaluationProgressEvent, Evaluated | undefined> {
    const { limitBatches } = this.options.config;
    let meter = EMPTY_METER;
    let seconds = 0;
    const inference = await this.prepare();
    const feed = this.feeds.get(split) ?? (await Feed.holding(inference, images));
    this.feeds.set(split, feed);
    const { stepsInFlight: inFlight } = inference;
    for await (const each of evaluateBatches(feed, { limitBatches, inFlight })) {
      meter = addToMeter(meter, each.metrics);
      seconds += each.seconds;
      if (stop.requested || !Number.isFinite(meter.lossSum)) return undefined;
      yield {
        kind: 'evaluation-progress',
        split,
        epoch,
        batch: each.batch,
        batches: each.batches,
        count: meter.count,
        ...stepAverages(each.metrics, meter),
        batchTime: each.seconds,
        batchTimeAverage: seconds / (each.batch + 1),
      };
    }
    return { kind: 'evaluation', split, epoch, ...splitErrors(meter, images), seconds };
  }

  /** The inference executable with the weights of this moment. */
  private async prepare(): Promise<Executable> {
    this.inference ??= await this.compile();
    await copyWeights(this.training, this.inference);
    return this.inference;
  }

  private async compile(): Promise<Executable> {
    const { backend, network, normalization, config, resume } = this.options;
    const program = lowerInference(network, { batchSize: config.batchSize });
    const executable = await backend.compile(program, resume?.executables?.infer);
    await executable.write('normalization', normalizationValues(normalization));
    return executable;
  }

  /** Of the inference executable; as it was in the state to go on from, before there is one. */
  async readState(): Promise<ExecutableState | undefined> {
    if (!this.inference) return this.options.resume?.executables?.infer;
    return await this.inference.readState?.();
  }

  async dispose(): Promise<void> {
    await this.inference?.dispose();
  }
}
