// The linear layer, a block of images at a time.

import type { Linear } from '../../operations/linear.ts';
import { linear as linearKernel } from '../kernels/linear.ts';
import type { WasmOperation } from './operation.ts';

export const linear: WasmOperation<Linear> = {
  contribute(context, operation) {
    const { inFeatures, outFeatures } = operation;
    const product = context.kernel(linearKernel({ channels: inFeatures }));
    const parameters = context.flat('parameters');
    const weight = parameters + operation.weight * 4;
    const bias = parameters + operation.bias * 4;
    const input = context.images(operation.input);
    const output = context.images(operation.output);
    return {
      blockImages: context.blockImages,
      run: (first, end) =>
        product(input.at(first), weight, bias, output.at(first), end - first, outFeatures),
    };
  },
};
