// The optimizer's step, cut into slices that threads take.

import type { Sgd } from '../../operations/sgd.ts';
import { bufferSpec } from '../executor/context.ts';
import { slicesOf } from '../executor/reduce.ts';
import { sgdUpdate } from '../kernels/update.ts';
import type { WasmOperation } from './operation.ts';

export const sgd: WasmOperation<Sgd> = {
  contribute(context, { from: first, nesterov }) {
    const { program } = context;
    const { elements } = bufferSpec(program, program.named.parameters);
    const bytes = (elements - first) * 4;
    const parameters = context.flat('parameters') + first * 4;
    const gradients = context.flat('gradients') + first * 4;
    const momentum = context.flat('momentum') + first * 4;
    const update = context.kernel(sgdUpdate({ nesterov }));
    const slices = slicesOf(bytes);
    return {
      alone: {
        // None where the batch came without settings.
        tasks: () => (context.step.settings.sgd ? slices.count : 0),
        run: (task) => {
          const { sgd: settings } = context.step.settings;
          if (!settings) return;
          const from = slices.from(task);
          update(
            parameters + from,
            gradients + from,
            momentum + from,
            slices.length(task),
            settings.learningRate,
            settings.momentum,
            settings.weightDecay,
          );
        },
      },
    };
  },
};
