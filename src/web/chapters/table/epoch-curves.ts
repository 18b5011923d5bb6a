// The curves of one run over its epochs (1: the first one is done), whoever tells of it: the server, this
// tab, or a committed result. Errors in per cent, losses are mean cross-entropies. They grow in place, so
// a chart draws only what is new.

import { percent } from '../../../experiment/report/curves.ts';
import type { Point, ReportRun } from '../../../experiment/report/data.ts';
import type { MetricsRecord } from '../../../runs/metrics.ts';
import { Curve } from '../../shared/chart/curve.ts';
import type { EpochRow } from '../../shared/run-curves.ts';

export const MEASURES = ['test', 'training', 'loss', 'rate'] as const;
export type Measure = (typeof MEASURES)[number];

export class EpochCurves {
  readonly curves: Readonly<Record<Measure, Curve>> = {
    test: new Curve(),
    training: new Curve(),
    loss: new Curve(),
    rate: new Curve(),
  };
  #rows: readonly EpochRow[] = [];

  /** The thinned curves of a collected run; they are over steps. */
  static of({ curves, config, trainImages }: ReportRun): EpochCurves {
    const made = new EpochCurves();
    if (!curves || !config || !trainImages) return made;
    const batches = Math.ceil(trainImages / config.batchSize);
    const scale = 1 / (config.limitBatches > 0 ? Math.min(batches, config.limitBatches) : batches);
    const copy = (points: readonly Point[], curve: Curve) => {
      for (const [step, y] of points) curve.push(step * scale, y);
    };
    copy(curves.testError, made.curves.test);
    copy(curves.trainError, made.curves.training);
    copy(curves.loss, made.curves.loss);
    copy(curves.learningRate, made.curves.rate);
    return made;
  }

  /** Takes in lines of metrics.jsonl, those of epochs and evaluations. */
  records(records: readonly MetricsRecord[]): void {
    for (const record of records) {
      if (record.kind === 'epoch') {
        this.#epoch(record.epoch, 1 - record.trainTop1, record.trainLoss, record.learningRate);
      } else if (record.kind === 'evaluation' && record.split === 'test') {
        this.curves.test.push(record.epoch + 1, percent(record.top1Error));
      }
    }
  }

  /** Takes in what is new in a run's table of epochs. */
  rows(rows: readonly EpochRow[]): void {
    const known = rows.findIndex((row, index) => row !== this.#rows[index]);
    for (const row of known < 0 ? [] : rows.slice(known)) {
      this.#epoch(row.epoch, row.trainError, row.trainLoss, row.learningRate);
      if (row.testError !== undefined) {
        this.curves.test.push(row.epoch + 1, percent(row.testError));
      }
    }
    this.#rows = rows;
  }

  /** The run was resumed from an earlier moment, and is told anew. */
  clear(): void {
    for (const curve of Object.values(this.curves)) curve.clear();
    this.#rows = [];
  }

  #epoch(epoch: number, trainError: number, loss: number, rate: number): void {
    this.curves.training.push(epoch + 1, percent(trainError));
    this.curves.loss.push(epoch + 1, loss);
    this.curves.rate.push(epoch + 1, rate);
  }
}
