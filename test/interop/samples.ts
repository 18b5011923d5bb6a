// Small stand-ins for real networks: resnet8 has every kind of layer in few values.

import { createNetwork, type Network } from '../../src/nn/network.ts';
import { parameterSpecs, runningStatisticSpecs } from '../../src/nn/parameters.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';
import { elementCount } from '../../src/util/tensor.ts';

/**
 * All tensors of a network in `state_dict` order, each value different: between 0.5 and 2.5, or with
 * `spread` convolutions around zero of that size, so that logits stay in a network's usual range.
 */
export function sampleWeights(network: Network, spread?: number): NamedTensors {
  const specs = new Map(
    [...parameterSpecs(network), ...runningStatisticSpecs(network)].map((s) => [s.name, s.shape]),
  );
  // PyTorch lists the statistics of a batch norm after its bias.
  const names = parameterSpecs(network).flatMap(({ name, kind }) =>
    kind === 'norm-bias'
      ? [name, name.replace(/bias$/, 'running_mean'), name.replace(/bias$/, 'running_var')]
      : [name],
  );
  let next = 1;
  return new Map(
    names.map((name) => {
      const shape = specs.get(name) ?? [];
      const middle = spread !== undefined && shape.length === 4 ? 0 : 1.5;
      const size = middle === 0 ? spread! : 1;
      const value = () => size * Math.sin(next++) + middle;
      const data = Float32Array.from({ length: elementCount(shape) }, value);
      return [name, { shape, data }];
    }),
  );
}

export const sampleNetwork = createNetwork('resnet8');
