// The gradient that a program computes, beside what finite differences of its loss show.

import type { BatchInputs, Executable } from '../../../src/engine/backend.ts';
import { randomStream } from '../../../src/util/random.ts';

/**
 * Central differences of the mean loss in one random direction for each kind of tensor (an error in
 * a small one would drown in a direction through all), divided by what the gradient predicts.
 * @param parameters what the gradient is taken at
 * @param kinds names of tensors; those that none of the program's matches are left out
 * @param isTrained whether a tensor has a gradient
 * @returns 1 for each kind, as far as the loss is smooth
 */
export async function differenceRatios(
  executable: Executable,
  parameters: Float32Array,
  batch: BatchInputs,
  kinds: readonly RegExp[],
  isTrained: (name: string) => boolean = () => true,
): Promise<Map<string, number>> {
  const lossAt = async (values: Float32Array) => {
    await executable.write('parameters', values);
    return (await executable.run(batch)).lossSum / batch.count;
  };
  await lossAt(parameters);
  const gradient = await executable.read('gradients');
  const ratios = new Map<string, number>();
  for (const kind of kinds) {
    const slots = executable.program.slots.filter(
      ({ buffer, name }) => buffer === 'parameters' && kind.test(name) && isTrained(name),
    );
    if (slots.length === 0) continue;
    const random = randomStream(3, `direction ${kind}`);
    const up = Float32Array.from(parameters);
    const down = Float32Array.from(parameters);
    for (const { offset, length } of slots) {
      for (let i = offset; i < offset + length; i++) {
        // So small that hardly any ReLU changes its mind between the two points.
        const change = 3e-7 * random.normal();
        up[i]! += change;
        down[i]! -= change;
      }
    }
    const predicted = gradient.reduce((sum, g, i) => sum + g * (up[i]! - down[i]!), 0);
    ratios.set(String(kind), ((await lossAt(up)) - (await lossAt(down))) / predicted);
  }
  return ratios;
}
