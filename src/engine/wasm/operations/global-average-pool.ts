// Global average pooling, image by image.

import type { GlobalAveragePool } from '../../operations/global-average-pool.ts';
import { stageActivation } from '../executor/staging.ts';
import { averagePool } from '../kernels/pool.ts';
import type { WasmOperation } from './operation.ts';

export const globalAveragePool: WasmOperation<GlobalAveragePool> = {
  contribute(context, { input, size, channels, output }) {
    const pool = context.kernel(averagePool({ height: size, width: size, channels }));
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
  },
};
