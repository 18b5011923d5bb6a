// One model evaluated on one data set, as `evaluate` does for each that was named.

import { type Dataset, imageBytes, type Split } from '../../data/dataset.ts';
import { tile } from '../../data/facts.ts';
import type { NormalizationKind } from '../../data/normalization.ts';
import type { Backend } from '../../engine/backend.ts';
import { alignClasses } from '../../runs/class-order.ts';
import { normalizedModel } from '../../runs/model.ts';
import { type EvaluationReport, evaluateSplit } from '../../train/evaluate.ts';
import { createInference } from '../../train/executables.ts';
import { UserError } from '../../util/errors.ts';
import { formatRate } from '../../util/format.ts';
import { barLine, throttle } from '../console/bar.ts';
import type { Terminal } from '../console/terminal.ts';
import { type Model, noticesOf } from './model.ts';
import { writePng } from './output.ts';

export interface EvaluationValues {
  readonly split: SplitName;
  readonly batchSize: number;
  readonly limitBatches: number;
  readonly worst: number;
  readonly mirrored: boolean;
  readonly normalization?: NormalizationKind;
}

export type SplitName = 'test' | 'train' | 'validation';

export interface Evaluated {
  readonly report: EvaluationReport;
  /** With its classes in the order of the data set's. */
  readonly model: Model;
  readonly dataset: Dataset;
  readonly split: SplitName;
  /** What people should know, in sentences. */
  readonly notices: readonly string[];
}

/**
 * Evaluates a model.
 * @param tell is told what people should know before the numbers
 * @throws UserError where the data do not fit, or the answers are no numbers
 */
export async function evaluateModel(
  opened: Model,
  dataset: Dataset,
  backend: Backend,
  values: EvaluationValues,
  terminal: Terminal,
  tell: (line: string) => void,
): Promise<Evaluated> {
  const said = await normalizedModel(opened, values.normalization, () => dataset.train);
  const { model, notice } = alignClasses(said, dataset);
  const notices = [...noticesOf(model), ...(notice === undefined ? [] : [notice])];
  for (const line of notices) tell(line);
  const split = splitOf(dataset, values.split);
  const { network, weights, normalization, title } = model;
  const executable = await createInference(
    backend,
    network,
    weights,
    normalization,
    values.batchSize,
  );
  try {
    const report = await evaluateSplit(executable, split, {
      limitBatches: values.limitBatches,
      worst: values.worst,
      mirrored: values.mirrored,
      onProgress: progress(terminal),
    });
    terminal.clear();
    if (!Number.isFinite(report.loss)) {
      throw new UserError(
        `The answers of ${title} are no numbers, so there is no error rate: its weights are finite, but so large that what is computed with them is not.`,
      );
    }
    return { report, model, dataset, split: values.split, notices };
  } finally {
    await executable.dispose();
  }
}

function splitOf(dataset: Dataset, name: 'test' | 'train' | 'validation'): Split {
  const split = dataset[name];
  if (split && split.count > 0) return split;
  if (split) throw new UserError(`${dataset.title} has no ${name} images.`);
  throw new UserError(
    `${dataset.title} has no validation split: hold images out with --validation N, as in training.`,
    { exitCode: 2 },
  );
}

function progress(terminal: Terminal): (done: number, images: number) => void {
  const mayDraw = throttle(10);
  const start = performance.now();
  return (done, images) => {
    if (!mayDraw(done === images)) return;
    const rate = done / ((performance.now() - start) / 1000);
    const fields = [`${formatRate(rate)} images/s`];
    terminal.draw(barLine('evaluating', done / images, fields, terminal.width()));
  };
}

/** The worst mistakes as a sheet of pictures. */
export async function writeMistakes(
  path: string,
  { report, dataset, split: name }: Evaluated,
): Promise<void> {
  const split = splitOf(dataset, name);
  if (report.worst.length === 0) return;
  const images = report.worst.map(({ index }) => imageBytes(split, index));
  await writePng(path, tile(images, Math.min(5, images.length), 4));
}
