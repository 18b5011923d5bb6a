// Weights that are no numbers: a training that diverged leaves NaN or infinity, and a batch norm cannot have
// a negative variance. An error rate of such a network looks like a result and is none.

import type { NamedTensors } from '../util/tensor.ts';

/** The first tensor that nothing can be computed with, and why; undefined where all can. */
export function notNumbers(weights: NamedTensors): string | undefined {
  for (const [name, { data }] of weights) {
    const isVariance = name.endsWith('.running_var');
    const at = data.findIndex((value) => !Number.isFinite(value) || (isVariance && value < 0));
    if (at >= 0) return `"${name}" has ${data[at]} at place ${at}`;
  }
  return undefined;
}
