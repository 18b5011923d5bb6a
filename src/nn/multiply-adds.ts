// What a layer costs: its weights and the multiply-adds of one image, by the definition of the layer.
// An algorithm that needs fewer (Winograd's) is still counted by these, as is usual.

import type { ConvolutionLayer, LinearLayer } from './network.ts';

/** Elements of a convolution's weight. */
export function convolutionWeights({ kernel, inChannels, outChannels }: ConvolutionLayer): number {
  return kernel ** 2 * inChannels * outChannels;
}

/** Multiply-adds of a convolution for one image; each of its two gradients costs as many. */
export function convolutionMultiplyAdds(conv: ConvolutionLayer): number {
  return convolutionWeights(conv) * conv.outSize ** 2;
}

/** Multiply-adds of a linear layer for one image; each of its two gradients costs as many. */
export function linearMultiplyAdds({
  inFeatures,
  outFeatures,
}: Pick<LinearLayer, 'inFeatures' | 'outFeatures'>): number {
  return inFeatures * outFeatures;
}
