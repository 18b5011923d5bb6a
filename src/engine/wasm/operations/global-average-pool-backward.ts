// The gradient of global average pooling and of the ReLU before it, image by image, with the sums of one
// or two batch norms.

import type { GlobalAveragePoolBackward } from '../../operations/global-average-pool-backward.ts';
import { BlockSums } from '../executor/sums.ts';
import { productSums } from '../kernels/epilogue.ts';
import { averagePoolGradient } from '../kernels/pool.ts';
import type { WasmOperation } from './operation.ts';

export const globalAveragePoolBackward: WasmOperation<GlobalAveragePoolBackward> = {
  contribute(context, operation) {
    const { size, channels, gate, sums } = operation;
    const { blockImages } = context;
    if (gate.kind !== 'buffer') throw new Error('the last ReLU has its output stored');
    const [first, second] = sums;
    if (!first) throw new Error('the last map comes from a batch norm');
    const shape = { height: size, width: size, channels };
    const pass = context.kernel(averagePoolGradient(shape));
    const sumProducts = context.kernel(productSums(shape));
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
          sumProducts(dz, secondY.at(image), secondSums.address);
          secondSums.take(block);
        }
      },
      serial: (count) => {
        firstSums.total(count, blockImages);
        secondSums?.total(count, blockImages);
      },
    };
  },
};
