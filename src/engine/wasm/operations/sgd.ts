// The optimizer's step, cut into slices that threads take.

import type { ParameterRange } from '../../operations/operands.ts';
import type { Sgd } from '../../operations/sgd.ts';
import { bufferSpec, type Context } from '../executor/context.ts';
import { slicesOf } from '../executor/reduce.ts';
import { sgdUpdate } from '../kernels/update.ts';
import type { WasmOperation } from './operation.ts';

export const sgd: WasmOperation<Sgd> = {
  contribute(context, { from, nesterov }) {
    const { program } = context;
    const { elements: end } = bufferSpec(program, program.named.parameters);
    const tasks = updateSlices(context, { from, end }, nesterov);
    return {
      alone: {
        // None where the batch came without settings.
        tasks: () => (context.step.settings.sgd ? tasks.length : 0),
        run: (task) => tasks[task]?.(),
      },
    };
  },
};

/** A range's update as tasks of some thousand parameters. */
export function updateSlices(
  context: Context,
  range: ParameterRange,
  nesterov: boolean,
): (() => void)[] {
  const [parameters, gradients, momentum] = (['parameters', 'gradients', 'momentum'] as const).map(
    (buffer) => context.flat(buffer) + range.from * 4,
  ) as [number, number, number];
  const update = context.kernel(sgdUpdate({ nesterov }));
  const slices = slicesOf((range.end - range.from) * 4);
  return Array.from({ length: slices.count }, (_, slice) => () => {
    const { sgd: settings } = context.step.settings;
    if (!settings) return;
    const from = slices.from(slice);
    update(
      parameters + from,
      gradients + from,
      momentum + from,
      slices.length(slice),
      settings.learningRate,
      settings.momentum,
      settings.weightDecay,
    );
  });
}
