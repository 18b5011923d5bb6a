// Initial weights. Kaiming-normal with fan-in for convolutions and the linear weight (He et al.,
// "Delving Deep into Rectifiers", 2015, eq. 10), PyTorch's uniform linear bias, batch norm at one and
// zero. Every tensor draws from its own stream, so a tensor's values depend on the seed and its
// name alone: resnet20 and resnet32 of one seed begin with the same first convolution.

import { randomStream } from '../util/random.ts';
import type { NamedTensors } from '../util/tensor.ts';
import { elementCount } from '../util/tensor.ts';
import type { Network } from './network.ts';
import { type ParameterSpec, parameterSpecs, runningStatisticSpecs } from './parameters.ts';

/**
 * @param seed the run's seed
 * @returns parameters and running statistics by PyTorch name
 */
export function initializeWeights(network: Network, seed: number): NamedTensors {
  const tensors: NamedTensors = new Map();
  for (const spec of parameterSpecs(network)) {
    tensors.set(spec.name, { shape: spec.shape, data: initialValues(spec, network, seed) });
  }
  for (const { name, kind, shape } of runningStatisticSpecs(network)) {
    const data = new Float32Array(elementCount(shape)).fill(kind === 'running-variance' ? 1 : 0);
    tensors.set(name, { shape, data });
  }
  return tensors;
}

/**
 * Weights to fine-tune: given ones with a new last layer, which may have another number of classes.
 * @param weights of a network like this one, but for its classes
 * @param seed the run's; the last layer's values are those of a network that begins at random
 */
export function withNewClassifier(
  weights: NamedTensors,
  network: Network,
  seed: number,
): NamedTensors {
  const { name } = network.classifier;
  const classifier = new Set([`${name}.weight`, `${name}.bias`]);
  const random = initializeWeights(network, seed);
  return new Map(
    [...weights].map(([tensor, given]) => [
      tensor,
      classifier.has(tensor) ? (random.get(tensor) ?? given) : given,
    ]),
  );
}

function initialValues(spec: ParameterSpec, network: Network, seed: number): Float32Array {
  const values = new Float32Array(elementCount(spec.shape));
  const random = randomStream(seed, `init/${spec.name}`);
  switch (spec.kind) {
    case 'norm-weight':
      return values.fill(1);
    case 'norm-bias':
      return values;
    case 'linear-bias': {
      const bound = 1 / Math.sqrt(network.classifier.inFeatures);
      return values.map(() => (2 * random.uniform() - 1) * bound);
    }
    case 'convolution-weight':
    case 'linear-weight': {
      const fanIn = elementCount(spec.shape.slice(1));
      const deviation = Math.sqrt(2 / fanIn);
      return values.map(() => random.normal() * deviation);
    }
    default:
      throw new Error(`unknown parameter kind ${spec.kind satisfies never}`);
  }
}
