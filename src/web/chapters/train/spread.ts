// The band behind a run's test error: how far apart our own runs of the same network and settings were,
// from seed to seed. What falls inside it is luck of the seed; what falls outside is something else.

import type { ReportRun } from '../../../experiment/report/data.ts';
import { TRAINING_SETTINGS, type TrainConfig } from '../../../train/config.ts';
import { Curve } from '../../shared/chart/curve.ts';

export interface Spread {
  readonly seeds: number;
  /** Fractions over steps: the lowest and the highest error after each epoch that all runs have. */
  readonly bySteps: { readonly low: Curve; readonly high: Curve };
  /** The same over epochs. */
  readonly byEpochs: { readonly low: Curve; readonly high: Curve };
}

/**
 * @param results runs on the original CIFAR-10
 * @returns undefined where fewer than two of them are like the run
 */
export function spreadOf(results: readonly ReportRun[], config: TrainConfig): Spread | undefined {
  const alike = results.filter(
    (run) => run.comparable && run.config && isAlike(run.config, config),
  );
  const seeds = new Set(alike.map(({ seed }) => seed)).size;
  const [first] = alike;
  if (!first?.trainImages || seeds < 2) return undefined;
  const errors = alike.map(({ curves }) => new Map(curves?.testError));
  const perEpoch = Math.ceil(first.trainImages / config.batchSize);
  const spread = { bySteps: newBand(), byEpochs: newBand() };
  for (const step of errors[0]!.keys()) {
    const values = errors.map((points) => points.get(step));
    if (values.includes(undefined)) continue;
    const [low, high] = [Math.min(...(values as number[])), Math.max(...(values as number[]))];
    for (const [band, x] of [
      [spread.bySteps, step],
      [spread.byEpochs, step / perEpoch],
    ] as const) {
      band.low.push(x, low / 100);
      band.high.push(x, high / 100);
    }
  }
  return { seeds, ...spread };
}

function newBand() {
  return { low: new Curve(), high: new Curve() };
}

/** Where the images lie and how a run is called make no difference; all else that training depends on does. */
function isAlike(ours: TrainConfig, config: TrainConfig): boolean {
  return TRAINING_SETTINGS.every(
    (name) =>
      name === 'seed' ||
      name === 'data' ||
      JSON.stringify(ours[name]) === JSON.stringify(config[name]),
  );
}
