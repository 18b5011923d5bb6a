// The tensors of a network: what PyTorch calls `named_parameters` (trained by SGD) and the running
// statistics among its buffers, with their names and shapes, in `state_dict` order.

import { UserError } from '../util/errors.ts';
import { elementCount } from '../util/tensor.ts';
import { convNormLayers, type Network } from './network.ts';

export type ParameterKind =
  | 'convolution-weight'
  | 'norm-weight'
  | 'norm-bias'
  | 'linear-weight'
  | 'linear-bias';

export interface ParameterSpec {
  readonly name: string;
  readonly kind: ParameterKind;
  /** PyTorch's shape: convolutions [out, in, height, width], linear [out, in]. */
  readonly shape: readonly number[];
}

export interface RunningStatisticSpec {
  readonly name: string;
  readonly kind: 'running-mean' | 'running-variance';
  readonly shape: readonly number[];
}

/** The trained parameters in PyTorch's order. */
export function parameterSpecs(network: Network): ParameterSpec[] {
  const specs: ParameterSpec[] = [];
  for (const { conv, norm } of convNormLayers(network)) {
    specs.push(
      {
        name: `${conv.name}.weight`,
        kind: 'convolution-weight',
        shape: [conv.outChannels, conv.inChannels, conv.kernel, conv.kernel],
      },
      { name: `${norm.name}.weight`, kind: 'norm-weight', shape: [norm.channels] },
      { name: `${norm.name}.bias`, kind: 'norm-bias', shape: [norm.channels] },
    );
  }
  const { name, inFeatures, outFeatures } = network.classifier;
  specs.push(
    { name: `${name}.weight`, kind: 'linear-weight', shape: [outFeatures, inFeatures] },
    { name: `${name}.bias`, kind: 'linear-bias', shape: [outFeatures] },
  );
  return specs;
}

/** Running means and variances of every batch normalisation. */
export function runningStatisticSpecs(network: Network): RunningStatisticSpec[] {
  return convNormLayers(network).flatMap(({ norm }) => [
    { name: `${norm.name}.running_mean`, kind: 'running-mean' as const, shape: [norm.channels] },
    {
      name: `${norm.name}.running_var`,
      kind: 'running-variance' as const,
      shape: [norm.channels],
    },
  ]);
}

/** Number of trained parameters: 269,722 for ResNet-20. */
export function parameterCount(network: Network): number {
  return parameterSpecs(network).reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/**
 * Checks that tensors are exactly this network's parameters and running statistics.
 * Entries of no network (`num_batches_tracked`) are ignored.
 * @throws UserError naming the first tensor that is missing, misshapen or unknown
 */
export function checkWeights(
  network: Network,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  what = 'The file',
): void {
  const specs = [...parameterSpecs(network), ...runningStatisticSpecs(network)];
  for (const { name, shape } of specs) {
    const tensor = tensors.get(name);
    if (!tensor) {
      throw new UserError(`${what} is not a ${network.arch}: it has no tensor "${name}".`);
    }
    if (tensor.shape.join() !== shape.join()) {
      throw new UserError(
        `${what} is not a ${network.arch} with ${network.classes} classes: "${name}" has shape [${tensor.shape.join(', ')}] instead of [${shape.join(', ')}].`,
      );
    }
  }
  const known = new Set(specs.map(({ name }) => name));
  for (const name of tensors.keys()) {
    if (!known.has(name) && !name.endsWith('.num_batches_tracked')) {
      throw new UserError(
        `${what} is not a ${network.arch}: it has the tensor "${name}", which that network does not.`,
      );
    }
  }
}
