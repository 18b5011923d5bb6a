// Loss, counts and gradient of a block of images in float64; the block's sums go to its own slot.

import { TOP_K } from '../../constants.ts';
import type { SoftmaxCrossEntropy } from '../../operations/softmax-cross-entropy.ts';
import { blockCount } from '../executor/blocks.ts';
import type { WasmOperation } from './operation.ts';

export const softmaxCrossEntropy: WasmOperation<SoftmaxCrossEntropy> = {
  contribute(context, operation) {
    const { classes } = operation;
    const { f32, f64, i32 } = context.memory;
    const { labelSmoothing, batchSize } = context.program;
    const { blockImages } = context;
    const logits = context.images(operation.logits);
    const hasGradient = operation.gradient !== undefined;
    const gradient = context.images(operation.gradient ?? operation.logits);
    const labels = context.flat('labels') / 4;
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
  },
};
