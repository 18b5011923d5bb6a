// What a run has measured, as growing curves over its steps: fed by what training says while it runs, or
// by the lines of metrics.jsonl, and continued by one after the other. Losses are mean cross-entropies,
// errors fractions. A run that goes on from a checkpoint does some steps again; its points take the
// place of the ones that were there.

import type { MetricsRecord } from '../../runs/metrics.ts';
import type { EpochEndEvent, EvaluatedSplit, RateEvent, TrainEvent } from '../../train/events.ts';
import { Curve } from './chart/curve.ts';

/** A row of the table of epochs. */
export interface EpochRow {
  /** From 0. */
  readonly epoch: number;
  /** Steps done at its end. */
  readonly iteration: number;
  readonly learningRate: number;
  /** Running averages over changing weights. */
  readonly trainLoss: number;
  readonly trainError: number;
  readonly imagesPerSecond: number;
  readonly seconds: number;
  readonly validationError?: number;
  readonly testError?: number;
  readonly testLoss?: number;
  /** Whether no epoch before had a lower error, on the split that chooses. */
  readonly isBest?: boolean;
}

/** From step `iteration` on the schedule's rate is multiplied by `factor`. */
export type RateMark = Pick<RateEvent, 'iteration' | 'factor' | 'learningRate'>;

/** What has curves. */
export type Measure = 'loss' | 'trainError' | 'learningRate' | 'imagesPerSecond' | EvaluatedSplit;

export class RunCurves {
  /** Of each step: x is the number of steps done. `test`, `validation`: errors after an epoch. */
  readonly bySteps: Readonly<Record<Measure, Curve>> = emptyCurves();
  #byEpochs: Readonly<Record<Measure, Curve>> | undefined;
  #batchesPerEpoch = 0;
  #epochs: EpochRow[] = [];
  #rates: RateMark[] = [];

  /** A new array after each change. */
  get epochs(): readonly EpochRow[] {
    return this.#epochs;
  }

  get rates(): readonly RateMark[] {
    return this.#rates;
  }

  /** 0 until it is known. */
  get batchesPerEpoch(): number {
    return this.#batchesPerEpoch;
  }

  /** The same over epochs (0.5: half of the first one is done); they follow the others. */
  byEpochs(batchesPerEpoch: number): Readonly<Record<Measure, Curve>> {
    if (this.#byEpochs && batchesPerEpoch === this.#batchesPerEpoch) return this.#byEpochs;
    this.#batchesPerEpoch = batchesPerEpoch;
    this.#byEpochs = mapCurves(this.bySteps, (curve) => scaledCurve(curve, 1 / batchesPerEpoch));
    return this.#byEpochs;
  }

  /** Takes in what training says. */
  event(event: TrainEvent): void {
    switch (event.kind) {
      case 'start':
        this.goOnFrom(event.position.iteration);
        return;
      case 'step':
        this.step(event);
        return;
      case 'epoch-end':
        this.epochEnd(event);
        return;
      case 'rate':
        this.rate(event);
        return;
      case 'evaluation':
        this.evaluation(event);
        return;
    }
  }

  /** Takes in a line of metrics.jsonl. */
  record(record: MetricsRecord): void {
    switch (record.kind) {
      case 'step':
        this.step(record);
        return;
      case 'epoch':
        this.epochEnd(record);
        return;
      case 'rate':
        this.rate(record);
        return;
      case 'evaluation':
        this.evaluation(record);
        return;
      default:
        throw new Error(`unknown record ${record satisfies never}`);
    }
  }

  /** Epochs that will be done again are none yet; their points in curves are replaced as they come. */
  private goOnFrom(iteration: number): void {
    this.#epochs = this.#epochs.filter((each) => each.iteration <= iteration);
    this.#rates = this.#rates.filter((mark) => mark.iteration <= iteration);
  }

  private step(step: Extract<MetricsRecord | TrainEvent, { kind: 'step' }>): void {
    const { iteration, loss, top1, learningRate, imagesPerSecond } = step;
    this.bySteps.loss.push(iteration, loss);
    this.bySteps.trainError.push(iteration, 1 - top1);
    this.bySteps.learningRate.push(iteration, learningRate);
    this.bySteps.imagesPerSecond.push(iteration, imagesPerSecond);
  }

  private rate({ iteration, factor, learningRate }: RateMark): void {
    const before = this.#rates.filter((mark) => mark.iteration < iteration);
    this.#rates = [...before, { iteration, factor, learningRate }];
  }

  private epochEnd(end: Omit<EpochEndEvent, 'kind' | 'epochs'>): void {
    const { epoch, iteration, learningRate, trainLoss, trainTop1, imagesPerSecond, seconds } = end;
    const row = { epoch, iteration, learningRate, trainLoss, imagesPerSecond, seconds };
    const before = this.#epochs.filter((each) => each.epoch < epoch);
    this.#epochs = [...before, { ...row, trainError: 1 - trainTop1 }];
  }

  /** Belongs to the epoch that has just ended. */
  private evaluation(
    evaluation: Extract<MetricsRecord | TrainEvent, { kind: 'evaluation' }>,
  ): void {
    const { split, epoch, loss, top1Error, isBest } = evaluation;
    const row = this.#epochs.at(-1);
    if (row?.epoch !== epoch) return;
    this.bySteps[split].push(row.iteration, top1Error);
    const isChoice = split === 'validation' || row.validationError === undefined;
    const changed: EpochRow = {
      ...row,
      ...(split === 'validation' && { validationError: top1Error }),
      ...(split === 'test' && { testError: top1Error, testLoss: loss }),
      ...(isChoice && { isBest }),
    };
    this.#epochs = [...this.#epochs.slice(0, -1), changed];
  }
}

function emptyCurves(): Readonly<Record<Measure, Curve>> {
  return {
    loss: new Curve(),
    trainError: new Curve(),
    learningRate: new Curve(),
    imagesPerSecond: new Curve(),
    train: new Curve(),
    validation: new Curve(),
    test: new Curve(),
  };
}

function mapCurves(
  curves: Readonly<Record<Measure, Curve>>,
  map: (curve: Curve) => Curve,
): Readonly<Record<Measure, Curve>> {
  const entries = Object.entries(curves).map(([name, curve]) => [name, map(curve)]);
  return Object.fromEntries(entries) as Record<Measure, Curve>;
}

/** A curve with the points of another one, x multiplied, now and later. */
function scaledCurve(curve: Curve, scale: number): Curve {
  const scaled = new Curve();
  let copied = 0;
  let { rewrites } = curve;
  const follow = () => {
    if (curve.rewrites !== rewrites) {
      rewrites = curve.rewrites;
      copied = 0;
      scaled.clear();
    }
    for (; copied < curve.length; copied++) scaled.push(curve.x(copied) * scale, curve.y(copied));
  };
  follow();
  curve.subscribe(follow);
  return scaled;
}
