// Evaluation of a split with an inference executable: images in their order, unmoved, the short last
// batch with its weight; where it is limited, a fixed sample over all classes. The training loop needs
// the sums; `evaluateSplit` also keeps what a person wants to see afterwards: which classes are mistaken
// for which, the worst mistakes, and what the mean over each image and its mirror image comes to.

import { batchCount, type Movement, sampleOrder } from '../data/batches.ts';
import { IMAGE_BYTES, type Split } from '../data/dataset.ts';
import type { BatchMetrics, Executable } from '../engine/backend.ts';
import { createYielder } from './executables.ts';
import { Feed } from './feed.ts';
import { addToMeter, EMPTY_METER, type SplitErrors, splitErrors } from './meters.ts';
import {
  crossEntropy,
  likeliest,
  type RankedClass,
  rankClasses,
  rankOf,
  softmax,
} from './softmax.ts';

export interface EvaluatedBatch {
  readonly batch: number;
  readonly batches: number;
  /** Places of the batch's images in the split. */
  readonly indices: Uint32Array;
  readonly metrics: BatchMetrics;
  /** Time since the batch before. */
  readonly seconds: number;
}

/**
 * Runs a split through an executable. While one step is in flight at a time, its logits may be read
 * between batches.
 */
export async function* evaluateBatches(
  feed: Feed,
  options: {
    readonly limitBatches?: number;
    readonly inFlight?: number;
    readonly movement?: Movement;
  } = {},
): AsyncGenerator<EvaluatedBatch> {
  const { limitBatches = 0, inFlight = 1, movement } = options;
  const { batchSize, split } = feed;
  const amount = limitBatches > 0 ? Math.min(split.count, limitBatches * batchSize) : split.count;
  const order = sampleOrder(split, amount);
  const batches = batchCount(amount, batchSize);
  const yieldToHost = createYielder();
  let then = performance.now();
  for await (const { batch, metrics } of feed.run({
    order,
    first: 0,
    end: batches,
    movement,
    most: () => inFlight,
  })) {
    const now = performance.now();
    const indices = order.subarray(batch * batchSize, batch * batchSize + metrics.count);
    yield { batch, batches, indices, metrics, seconds: (now - then) / 1000 };
    then = now;
    await yieldToHost();
  }
}

export interface Mistake {
  /** Place in the split. */
  readonly index: number;
  readonly label: number;
  readonly predicted: number;
  /** Cross-entropy of this image. */
  readonly loss: number;
  /** Probability of the predicted class and of the true one. */
  readonly predictedProbability: number;
  readonly labelProbability: number;
}

export interface EvaluationReport extends SplitErrors {
  /** Images and accuracy of each class; accuracy is null for a class without images. */
  readonly perClass: readonly { readonly images: number; readonly accuracy: number | null }[];
  /** confusion[label][predicted] = number of images. */
  readonly confusion: readonly (readonly number[])[];
  /** The wrongly classified images of highest loss, worst first. */
  readonly worst: readonly Mistake[];
  /** Where that was asked for. */
  readonly mirrored?: MirroredErrors;
  readonly seconds: number;
}

/** Errors where the logits of each image and of its mirror image are averaged. */
export interface MirroredErrors {
  readonly wrong: number;
  /** Fractions. */
  readonly top1Error: number;
  readonly top5Error: number;
}

export interface EvaluationOptions {
  /** At most this many batches, of a sample over all classes; 0 (default) for all. */
  readonly limitBatches?: number;
  /** How many of the worst mistakes to keep (default 10). */
  readonly worst?: number;
  /** Classify each image a second time, mirrored left to right, and give the errors of the mean, too. */
  readonly mirrored?: boolean;
  /** Told what each image was taken for, in their order. */
  readonly onImage?: (index: number, label: number, predicted: number) => void;
  /** Told after each batch: images done, images in all. */
  readonly onProgress?: (done: number, images: number) => void;
}

/** Evaluates a split completely. The number of classes is the executable's network's. */
export async function evaluateSplit(
  executable: Executable,
  split: Split,
  options: EvaluationOptions = {},
): Promise<EvaluationReport> {
  const { classes } = executable.program.network;
  const { worst: keep = 10, limitBatches = 0 } = options;
  const answers: Float32Array[] = [];
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  let meter = EMPTY_METER;
  let mistakes: Mistake[] = [];
  let seconds = 0;
  for await (const batch of evaluateBatches(new Feed(executable, split), { limitBatches })) {
    const { count } = batch.metrics;
    const logits = await executable.read('logits');
    if (options.mirrored) answers.push(logits.slice(0, count * classes));
    for (let i = 0; i < count; i++) {
      const index = batch.indices[i] as number;
      const label = split.labels[index] as number;
      const row = logits.subarray(i * classes, (i + 1) * classes);
      const predicted = likeliest(row);
      confusion[label]![predicted]!++;
      options.onImage?.(index, label, predicted);
      if (predicted !== label) mistakes.push(mistake(index, label, predicted, row));
    }
    mistakes = mistakes.sort((a, b) => b.loss - a.loss || a.index - b.index).slice(0, keep);
    meter = addToMeter(meter, batch.metrics);
    seconds += batch.seconds;
    const { batchSize } = executable.program;
    const whole = Math.min(split.count, batch.batches * batchSize);
    options.onProgress?.(meter.count, whole);
  }
  return {
    ...splitErrors(meter, split),
    perClass: confusion.map((row, label) => {
      const images = row.reduce((sum, count) => sum + count, 0);
      return { images, accuracy: images === 0 ? null : row[label]! / images };
    }),
    confusion,
    worst: mistakes,
    ...(options.mirrored && {
      mirrored: await evaluateMirrored(executable, split, answers, limitBatches),
    }),
    seconds,
  };
}

/**
 * The mean over two views, a mirrored one and the image as it is; its argmax is that of their sum.
 * @param answers the logits of the images as they are, batch by batch
 */
async function evaluateMirrored(
  executable: Executable,
  split: Split,
  answers: readonly Float32Array[],
  limitBatches: number,
): Promise<MirroredErrors> {
  const { classes } = executable.program.network;
  let images = 0;
  let wrong = 0;
  let wrongTop5 = 0;
  const batches = evaluateBatches(new Feed(executable, split), {
    limitBatches,
    movement: 'mirrored',
  });
  for await (const { batch, indices } of batches) {
    const mirrored = await executable.read('logits');
    const sums = answers[batch]!.map((logit, i) => logit + mirrored[i]!);
    indices.forEach((index, i) => {
      const rank = rankOf(sums.subarray(i * classes, (i + 1) * classes), split.labels[index]!);
      if (rank >= 1) wrong++;
      if (rank >= 5) wrongTop5++;
    });
    images += indices.length;
  }
  return { wrong, top1Error: wrong / images, top5Error: wrongTop5 / images };
}

function mistake(index: number, label: number, predicted: number, logits: Float32Array): Mistake {
  const probabilities = softmax(logits);
  return {
    index,
    label,
    predicted,
    loss: crossEntropy(logits, label),
    predictedProbability: probabilities[predicted]!,
    labelProbability: probabilities[label]!,
  };
}

/**
 * Classifies images.
 * @param images n × 32 × 32 × 3 bytes
 * @param count how many classes to give for each (all, where there are fewer)
 * @returns for each image the likeliest classes, likeliest first
 */
export async function predictImages(
  executable: Executable,
  images: Uint8Array,
  count = 5,
): Promise<RankedClass[][]> {
  const { classes } = executable.program.network;
  const number = images.length / IMAGE_BYTES;
  const split: Split = { count: number, images, labels: new Uint16Array(number) };
  const predictions: RankedClass[][] = [];
  for await (const batch of evaluateBatches(new Feed(executable, split))) {
    const logits = await executable.read('logits');
    for (let i = 0; i < batch.metrics.count; i++) {
      predictions.push(rankClasses(logits.subarray(i * classes, (i + 1) * classes), count));
    }
  }
  return predictions;
}
