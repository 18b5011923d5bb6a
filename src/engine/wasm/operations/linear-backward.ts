// All gradients of the linear layer: its input's, and those of weight and bias, a block of images at a
// time and then summed over blocks.

import type { LinearBackward } from '../../operations/linear-backward.ts';
import { sumGradients } from '../executor/reduce.ts';
import { zeroBytes } from '../kernels/bulk-memory.ts';
import { linearInputGradient, linearWeightGradient } from '../kernels/linear.ts';
import type { WasmOperation } from './operation.ts';

export const linearBackward: WasmOperation<LinearBackward> = {
  contribute(context, operation) {
    const { inFeatures, outFeatures } = operation;
    const { blockImages, gradientStride } = context;
    const shape = { channels: inFeatures };
    const inputGradient = context.kernel(linearInputGradient(shape));
    const weightGradient = context.kernel(linearWeightGradient(shape));
    const zero = context.kernel(zeroBytes());
    const weight = context.flat('parameters') + operation.weight * 4;
    const gradients = context.flat('gradients');
    const gradient = context.images(operation.gradient);
    const pooled = context.images(operation.input);
    const output = context.images(operation.inputGradient);
    const bytes = gradientBytes(operation);
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
  },

  gradientBytes(operation) {
    const { weight, bias } = gradientBytes(operation);
    return weight + bias;
  },
};

/** Weights, then biases, each in whole lines. */
function gradientBytes({ inFeatures, outFeatures }: LinearBackward) {
  const lines = (floats: number) => Math.ceil(floats / 16) * 64;
  return { weight: lines(inFeatures * outFeatures), bias: lines(outFeatures) };
}
