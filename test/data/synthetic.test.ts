// The synthetic data set: reproducible, balanced, and hard enough to need more than a linear map.

import { describe, expect, test } from 'vitest';
import {
  classCounts,
  type Dataset,
  IMAGE_BYTES,
  imageBytes,
  type Split,
} from '../../src/data/dataset.ts';
import { makeNormalization } from '../../src/data/normalization.ts';
import { makeSynthetic, parseSyntheticSource } from '../../src/data/synthetic.ts';
import { permutation, randomStream } from '../../src/util/random.ts';

describe('synthetic', () => {
  const data = makeSynthetic('synthetic:train=200,test=100,seed=3');

  test('says what it is', () => {
    expect(data.title).toBe('synthetic');
    expect(data.isOriginalCifar10).toBe(false);
    expect(data.classes).toHaveLength(10);
    expect([data.train.count, data.test.count]).toEqual([200, 100]);
  });

  test('has as many images of each class', () => {
    expect(classCounts(data.train, 10)).toEqual(Array(10).fill(20));
    expect(classCounts(data.test, 10)).toEqual(Array(10).fill(10));
  });

  test('is the same for the same seed, another for another', () => {
    expect(makeSynthetic('synthetic:train=200,test=100,seed=3')).toEqual(data);
    const other = makeSynthetic('synthetic:train=200,test=100,seed=4');
    expect(other.train.images).not.toEqual(data.train.images);
  });

  test('an image does not depend on how many there are; train and test share none', () => {
    const fewer = makeSynthetic('synthetic:train=10,test=10,seed=3');
    expect(fewer.train.images).toEqual(data.train.images.subarray(0, 10 * IMAGE_BYTES));
    expect(fewer.test.images).not.toEqual(fewer.train.images);
  });

  test('the default is 10,000 + 2,000 images', () => {
    expect(parseSyntheticSource('synthetic')).toEqual({ train: 10_000, test: 2_000, seed: 0 });
  });

  test.each([
    ['synthetic:size=3', "'size=3' in 'synthetic:size=3' is not understood"],
    ['synthetic:train=many', "'train=many' in"],
    ['synthetic:train=0', "train in 'synthetic:train=0' must be between 1 and 1,000,000"],
    ['synthetic:seed=4294967296', 'must be between 0 and 4,294,967,295'],
    ['synthetic:toString=1', "'toString=1' in"],
  ])('%s is refused', (source, message) => {
    expect(() => makeSynthetic(source)).toThrow(message);
  });
});

test('a linear classifier stays above 40 % error', () => {
  const data = makeSynthetic('synthetic:train=3000,test=1000');
  const { trainError, testError } = linearClassifier(data, 5);
  // That it learns something of the training images shows that the classifier works: guessing is
  // 90 % wrong.
  expect(trainError).toBeLessThan(0.75);
  expect(testError).toBeGreaterThan(0.4);
});

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** target = decay · target + factor · values */
function add(target: Float32Array, decay: number, factor: number, values: Float32Array): void {
  for (let i = 0; i < target.length; i++) target[i] = decay * target[i]! + factor * values[i]!;
}

/** Softmax regression on the pixels and a bias, by SGD with batches of 50 and momentum 0.9. */
function linearClassifier(data: Dataset, epochs: number) {
  const { mean, deviation } = makeNormalization('dataset', data.train);
  const inputs = (split: Split) =>
    Array.from({ length: split.count }, (_, index) => {
      const x = new Float32Array(IMAGE_BYTES + 1).fill(1); // the last one is the bias
      imageBytes(split, index).forEach((byte, i) => {
        x[i] = (byte / 255 - mean[i % 3]!) / deviation[i % 3]!;
      });
      return x;
    });
  const zeros = () => data.classes.map(() => new Float32Array(IMAGE_BYTES + 1));
  const [weights, momentum, gradient] = [zeros(), zeros(), zeros()];
  const predict = (x: Float32Array) => weights.map((row) => dot(row, x));
  const x = inputs(data.train);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = 0.0015 * (1 - epoch / epochs);
    permutation(data.train.count, randomStream(0, 'linear', epoch)).forEach((index, step) => {
      const logits = predict(x[index]!);
      const highest = Math.max(...logits);
      const exponentials = logits.map((logit) => Math.exp(logit - highest));
      const sum = exponentials.reduce((a, b) => a + b, 0);
      exponentials.forEach((exponential, k) => {
        const error = exponential / sum - (data.train.labels[index] === k ? 1 : 0);
        add(gradient[k]!, 1, error / 50, x[index]!);
      });
      if (step % 50 !== 49) return;
      for (let k = 0; k < weights.length; k++) {
        add(momentum[k]!, 0.9, 1, gradient[k]!);
        add(weights[k]!, 1, -rate, momentum[k]!);
        gradient[k]!.fill(0);
      }
    });
  }
  const errorOn = (images: Float32Array[], labels: Uint16Array) => {
    const isWrong = (image: Float32Array, index: number) => {
      const logits = predict(image);
      return logits.indexOf(Math.max(...logits)) !== labels[index];
    };
    return images.filter(isWrong).length / images.length;
  };
  return {
    trainError: errorOn(x, data.train.labels),
    testError: errorOn(inputs(data.test), data.test.labels),
  };
}
