// A forward convolution while training, with the sums of the batch norm that follows.

import type { Convolution } from '../../operations/convolution.ts';
import { forwardBlock } from '../executor/blocks.ts';
import { convolve } from '../executor/convolve.ts';
import { stageInput } from '../executor/staging.ts';
import { BlockSums } from '../executor/sums.ts';
import { forwardWeights } from '../executor/weights.ts';
import type { WasmOperation } from './operation.ts';

export const convolution: WasmOperation<Convolution> = {
  contribute(context, { conv, input, output, norm }) {
    const blockImages = forwardBlock(context.program.batchSize, conv, context.tile);
    const parameters = context.flat('parameters') + conv.weight * 4;
    const weights = forwardWeights(context, conv, parameters, () => context.takeWeightSlot());
    const sums = norm === undefined ? undefined : new BlockSums(context, norm, 0);
    const run = convolve(context, {
      conv,
      blockImages,
      weights: weights.address,
      stage: stageInput(context, conv, input),
      output: context.images(output),
      epilogue: sums ? { kind: 'statistics', sums: sums.address } : { kind: 'none' },
      afterGroup: (block) => sums?.take(block),
    });
    return {
      blockImages,
      before: weights.prepare,
      run: (first, end, block) => {
        sums?.clear(block);
        run(first, end, block);
      },
      serial: sums && ((count) => sums.total(count, blockImages)),
    };
  },
};
