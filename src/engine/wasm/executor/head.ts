// The end of the network and the way back into it: pooling, the linear layer, softmax cross-entropy.
// Each image on its own, apart from the linear layer's weight gradient and the sums for batch norm,
// so the whole head is one phase.

import { TOP_K } from '../../constants.ts';
import type { Operation } from '../../program.ts';
import { blockCount } from './blocks.ts';
import type { Context } from './context.ts';
import { sumGradients } from './reduce.ts';
import type { Contribution } from './schedule-types.ts';
import { stageActivation } from './staging.ts';
import { BlockSums } from './sums.ts';

type Of<Kind extends Operation['kind']> = Extract<Operation, { kind: Kind }>;

export function globalAveragePool(
  context: Context,
  { input, size, channels, output }: Of<'globalAveragePool'>,
): Contribution {
  const pool = context.kernel({ family: 'averagePool', height: size, width: size, channels });
  const stage = stageActivation(context, input, { size, channels }, 'dense');
  const pooled = context.images(output);
  const stored = input.kind === 'buffer' ? context.images(input.x) : undefined;
  return {
    blockImages: context.blockImages,
    run: (first, end) => {
      for (let image = first; image < end; image++) {
        let dense = context.scratch.image;
        if (stored) dense = stored.at(image);
        else stage(image, dense);
        pool(dense, pooled.at(image));
      }
    },
  };
}

export function linear(context: Context, operation: Of<'linear'>): Contribution {
  const { inFeatures, outFeatures } = operation;
  const product = context.kernel({ family: 'linear', channels: inFeatures });
  const parameters = context.flat(context.program.named.parameters);
  const weight = parameters + operation.weight * 4;
  const bias = parameters + operation.bias * 4;
  const input = context.images(operation.input);
  const output = context.images(operation.output);
  return {
    blockImages: context.blockImages,
    run: (first, end) =>
      product(input.at(first), weight, bias, output.at(first), end - first, outFeatures),
  };
}

/** Loss, counts and gradient of a block in float64; the block's sums go to its own slot. */
export function softmaxCrossEntropy(
  context: Context,
  operation: Of<'softmaxCrossEntropy'>,
): Contribution {
  const { classes } = operation;
  const { f32, f64, i32 } = context.memory;
  const { named, labelSmoothing, batchSize } = context.program;
  const { blockImages } = context;
  const logits = context.images(operation.logits);
  const hasGradient = operation.gradient !== undefined;
  const gradient = context.images(operation.gradient ?? operation.logits);
  const labels = context.flat(named.labels) / 4;
  const slots = context.shared.allocate(blockCount(batchSize, blockImages) * 3 * 8) / 8;
  const spread = labelSmoothing / classes;
  return {
    blockImages,
    run: (first, end, block) => {
      const { count } = context.step.settings;
      let loss = 0;
      let top1 = 0;
      let top5 = 0;
      for (let image = first; image < end; image++) {
        const row = logits.at(image) / 4;
        const gradientRow = gradient.at(image) / 4;
        const label = i32[labels + image]!;
        const chosen = f32[row + label]!;
        let largest = Number.NEGATIVE_INFINITY;
        for (let o = 0; o < classes; o++) largest = Math.max(largest, f32[row + o]!);
        let total = 0;
        for (let o = 0; o < classes; o++) total += Math.exp(f32[row + o]! - largest);
        const logTotal = largest + Math.log(total);
        let rank = 0;
        for (let o = 0; o < classes; o++) {
          const value = f32[row + o]!;
          const target = spread + (o === label ? 1 - labelSmoothing : 0);
          if (target !== 0) loss -= target * (value - logTotal);
          if (hasGradient) {
            f32[gradientRow + o] = (Math.exp(value - logTotal) - target) / count;
          }
          // Not "greater": a class that cannot be compared (NaN) must not count as beaten.
          const beaten = value < chosen || (value === chosen && o >= label);
          if (!beaten) rank++;
        }
        if (rank < 1) top1++;
        if (rank < TOP_K) top5++;
      }
      const slot = slots + block * 3;
      f64[slot] = loss;
      f64[slot + 1] = top1;
      f64[slot + 2] = top5;
    },
    serialIsLast: true,
    serial: (count) => {
      const { metrics } = context.control;
      metrics.fill(0);
      for (let block = 0; block < blockCount(count, blockImages); block++) {
        for (let i = 0; i < 3; i++) metrics[i]! += f64[slots + block * 3 + i]!;
      }
    },
  };
}

/** Bytes of the linear layer's gradient of one block: weights, then biases, each in whole lines. */
export function linearGradientBytes({
  inFeatures,
  outFeatures,
}: {
  inFeatures: number;
  outFeatures: number;
}): { weight: number; bias: number } {
  const lines = (floats: number) => Math.ceil(floats / 16) * 64;
  return { weight: lines(inFeatures * outFeatures), bias: lines(outFeatures) };
}

export function linearBackward(context: Context, operation: Of<'linearBackward'>): Contribution {
  const { inFeatures, outFeatures } = operation;
  const { named } = context.program;
  const { blockImages, gradientStride } = context;
  const inputGradient = context.kernel({ family: 'linearInputGradient', channels: inFeatures });
  const weightGradient = context.kernel({ family: 'linearWeightGradient', channels: inFeatures });
  const zero = context.kernel({ family: 'zeroBytes' });
  const weight = context.flat(named.parameters) + operation.weight * 4;
  const gradients = context.flat(named.gradients);
  const gradient = context.images(operation.gradient);
  const pooled = context.images(operation.input);
  const output = context.images(operation.inputGradient);
  const bytes = linearGradientBytes(operation);
  const slot = context.takeGradientSlot();
  const sumWeight = sumGradients(context, gradients + operation.weight * 4, slot, bytes.weight);
  const biasSlot = slot + bytes.weight;
  const sumBias = sumGradients(context, gradients + operation.bias * 4, biasSlot, bytes.bias);
  return {
    blockImages,
    run: (first, end, block) => {
      const count = end - first;
      const d = gradient.at(first);
      const partial = slot + block * gradientStride;
      zero(partial, bytes.weight + bytes.bias);
      weightGradient(d, pooled.at(first), partial, partial + bytes.weight, count, outFeatures);
      inputGradient(d, weight, output.at(first), count, outFeatures);
    },
    after: {
      tasks: (count) => sumWeight.tasks(count) + sumBias.tasks(count),
      run: (task, count) => {
        const weightTasks = sumWeight.tasks(count);
        if (task < weightTasks) sumWeight.run(task, count);
        else sumBias.run(task - weightTasks, count);
      },
    },
  };
}

export function globalAveragePoolBackward(
  context: Context,
  operation: Of<'globalAveragePoolBackward'>,
): Contribution {
  const { size, channels, gate, sums } = operation;
  const { blockImages } = context;
  if (gate.kind !== 'buffer') throw new Error('the last ReLU has its output stored');
  const [first, second] = sums;
  if (!first) throw new Error('the last map comes from a batch norm');
  const shape = { height: size, width: size, channels };
  const pass = context.kernel({ family: 'averagePoolGradient', ...shape });
  const productSums = context.kernel({ family: 'productSums', ...shape });
  const gradient = context.images(operation.gradient);
  const output = context.images(operation.output);
  const x = context.images(gate.x);
  const y = context.images(first.y);
  const secondY = second ? context.images(second.y) : undefined;
  const firstSums = new BlockSums(context, first.norm, 0);
  const secondSums = second ? new BlockSums(context, second.norm, 1) : undefined;
  return {
    blockImages,
    run: (start, end, block) => {
      firstSums.clear(block);
      secondSums?.clear(block);
      for (let image = start; image < end; image++) {
        const dz = output.at(image);
        pass(gradient.at(image), dz, firstSums.address, y.at(image), x.at(image));
        firstSums.take(block);
        if (!secondY || !secondSums) continue;
        productSums(dz, secondY.at(image), secondSums.address);
        secondSums.take(block);
      }
    },
    serial: (count) => {
      firstSums.total(count, blockImages);
      secondSums?.total(count, blockImages);
    },
  };
}
