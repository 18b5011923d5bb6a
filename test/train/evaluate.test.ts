import { describe, expect, test } from 'vitest';
import type { Split } from '../../src/data/dataset.ts';
import type { BatchMetrics, Executable } from '../../src/engine/backend.ts';
import { lowerInference } from '../../src/engine/lower-infer.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { evaluateBatches, evaluateSplit, predictImages } from '../../src/train/evaluate.ts';
import { Feed } from '../../src/train/feed.ts';
import { crossEntropy, likeliest } from '../../src/train/softmax.ts';

/** Where the logits of the mirror image lie: a pixel's three bytes at the right end of the first row. */
const MIRRORED = 31 * 3;

/** An image's logits are its first pixel, as the network sees it; metrics follow from them. */
function byteExecutable(batchSize: number): Executable {
  const program = lowerInference(createNetwork('resnet8', { classes: 3 }), { batchSize });
  const logits = new Float32Array(batchSize * 3);
  return {
    program,
    memoryBytes: 0,
    write: async () => {},
    read: async () => logits.slice(),
    dispose: async () => {},
    async run(batch): Promise<BatchMetrics> {
      let lossSum = 0;
      let correctTop1 = 0;
      for (let i = 0; i < batch.count; i++) {
        const first = i * 3072 + (batch.augmentation[3 * i + 2] === 1 ? MIRRORED : 0);
        const row = batch.images.subarray(first, first + 3);
        logits.set(row, i * 3);
        const label = batch.labels[i]!;
        lossSum += crossEntropy(row, label);
        if (likeliest(row) === label) correctTop1++;
      }
      return { count: batch.count, lossSum, correctTop1, correctTop5: batch.count };
    },
  };
}

interface Answered {
  readonly logits: readonly [number, number, number];
  readonly mirrored?: readonly [number, number, number];
  readonly label: number;
}

function splitOf(images: readonly Answered[]): Split {
  const bytes = new Uint8Array(images.length * 3072);
  images.forEach(({ logits, mirrored = [0, 0, 0] }, i) => {
    bytes.set(logits, i * 3072);
    bytes.set(mirrored, i * 3072 + MIRRORED);
  });
  return { count: images.length, images: bytes, labels: Uint16Array.from(images, (i) => i.label) };
}

const split = splitOf([
  { logits: [9, 0, 0], label: 0 },
  { logits: [0, 9, 0], label: 1 },
  { logits: [8, 0, 0], label: 1 },
  { logits: [0, 0, 3], label: 0 },
  { logits: [5, 5, 0], label: 1 },
]);

describe('evaluating a split', () => {
  test.each([1, 2, 3, 5, 16])(
    'gives the same for batches of %i, the short last one included',
    async (size) => {
      const report = await evaluateSplit(byteExecutable(size), split);
      expect(report).toMatchObject({ images: 5, wrong: 3, top1Error: 0.6, top5Error: 0 });
      expect(report.confusion).toEqual([
        [1, 0, 1],
        [2, 1, 0],
        [0, 0, 0],
      ]);
      expect(report.perClass).toEqual([
        { images: 2, accuracy: 0.5 },
        { images: 3, accuracy: 1 / 3 },
        { images: 0, accuracy: null },
      ]);
      const losses = [
        [9, 0, 0, 0],
        [0, 9, 0, 1],
        [8, 0, 0, 1],
        [0, 0, 3, 0],
        [5, 5, 0, 1],
      ].map(([a, b, c, label]) => crossEntropy([a!, b!, c!], label!));
      expect(report.loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 5, 12);
    },
  );

  test('lists the worst mistakes, highest loss first, and never a right answer', async () => {
    const report = await evaluateSplit(byteExecutable(2), split);
    expect(report.worst.map(({ index, label, predicted }) => [index, label, predicted])).toEqual([
      [2, 1, 0],
      [3, 0, 2],
      [4, 1, 0],
    ]);
    // Equal logits: the lower class wins, and both have the same probability.
    const tie = report.worst[2]!;
    expect(tie.predictedProbability).toBe(tie.labelProbability);
    expect((await evaluateSplit(byteExecutable(2), split, { worst: 1 })).worst).toHaveLength(1);
  });

  test('also with the mean over each image and its mirror image, beside the plain errors', async () => {
    const images = splitOf([
      // Wrong as it is, and right together with its mirror image.
      { logits: [5, 4, 0], mirrored: [0, 3, 0], label: 1 },
      // Right as it is, and wrong together.
      { logits: [1, 0, 0], mirrored: [0, 0, 9], label: 0 },
      // A tie of the sums goes to the lower class.
      { logits: [4, 0, 0], mirrored: [0, 4, 0], label: 1 },
      { logits: [0, 0, 2], mirrored: [1, 0, 0], label: 2 },
    ]);
    const plain = { images: 4, wrong: 2 };
    for (const size of [1, 3, 4]) {
      const report = await evaluateSplit(byteExecutable(size), images, { mirrored: true });
      expect(report).toMatchObject({
        ...plain,
        mirrored: { wrong: 2, top1Error: 0.5, top5Error: 0 },
      });
    }
    const limited = { mirrored: true, limitBatches: 1 };
    const sample = await evaluateSplit(byteExecutable(2), images, limited);
    expect(sample.images).toBe(2);
    expect(sample.mirrored!.top1Error).toBe(sample.mirrored!.wrong / 2);
    expect(await evaluateSplit(byteExecutable(4), images)).not.toHaveProperty('mirrored');
  });

  test('shows its progress', async () => {
    const seen: number[] = [];
    await evaluateSplit(byteExecutable(2), split, { onProgress: (done) => seen.push(done) });
    expect(seen).toEqual([2, 4, 5]);
  });

  test('can be limited', async () => {
    const sizes: number[] = [];
    const feed = new Feed(byteExecutable(2), split);
    for await (const { metrics } of evaluateBatches(feed, { limitBatches: 2 })) {
      sizes.push(metrics.count);
    }
    expect(sizes).toEqual([2, 2]);
  });
});

test('predictions have the likeliest classes of each image, likeliest first', async () => {
  const predictions = await predictImages(byteExecutable(2), split.images, 2);
  expect(predictions.map((ranked) => ranked.map(({ index }) => index))).toEqual([
    [0, 1],
    [1, 0],
    [0, 1],
    [2, 0],
    [0, 1],
  ]);
  expect(predictions[0]![0]!.probability).toBeCloseTo(1 / (1 + 2 * Math.exp(-9)), 9);
});
