// The standard deviation of layer responses, Figure 7 of the paper: of the outputs of each 3×3 layer
// after batch normalisation and before the nonlinearity or addition. It shows how much a layer does to
// the signal; residual nets have smaller responses than plain ones, deeper ones smaller still.
//
// Batch normalisation makes this a closed form. Channel c of a normalised layer has mean β_c and
// variance γ_c²·σ_c²/(σ_c² + ε) over the images that σ_c was measured on, so over all channels and
// positions the variance is the mean of those variances plus the variance of the β_c. σ is the
// running statistic: the training images, augmented, over about the last ten batches. No image needs
// to be looked at, and published weights can be compared the same way.

import { NORM_EPSILON } from '../engine/constants.ts';
import { convNormLayers, type Network } from '../nn/network.ts';
import { checkWeights } from '../nn/parameters.ts';
import type { NamedTensors } from '../util/tensor.ts';

export interface LayerResponse {
  /** PyTorch's name of the convolution. */
  readonly name: string;
  /** 1 for the first convolution; the projections of option B (1×1) are not counted. */
  readonly index: number;
  /** Height and width of the layer's output. */
  readonly size: number;
  /** Standard deviation of its responses. */
  readonly deviation: number;
}

/**
 * The response deviation of every 3×3 layer, first to last.
 * @throws UserError if the weights are not the network's
 */
export function layerResponses(network: Network, weights: NamedTensors): LayerResponse[] {
  checkWeights(network, weights, 'What was loaded');
  return convNormLayers(network)
    .filter(({ conv }) => conv.kernel === 3)
    .map(({ conv, norm }, position) => {
      const gamma = weights.get(`${norm.name}.weight`)!.data;
      const beta = weights.get(`${norm.name}.bias`)!.data;
      const variance = weights.get(`${norm.name}.running_var`)!.data;
      return {
        name: conv.name,
        index: position + 1,
        size: conv.outSize,
        deviation: responseDeviation(gamma, beta, variance),
      };
    });
}

function responseDeviation(
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  variance: ArrayLike<number>,
): number {
  const channels = gamma.length;
  let within = 0;
  let sum = 0;
  let squares = 0;
  for (let c = 0; c < channels; c++) {
    within += (gamma[c]! ** 2 * variance[c]!) / (variance[c]! + NORM_EPSILON);
    sum += beta[c]!;
    squares += beta[c]! ** 2;
  }
  const between = squares / channels - (sum / channels) ** 2;
  return Math.sqrt(within / channels + Math.max(0, between));
}
