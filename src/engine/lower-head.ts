// The end of every network: global average pooling, the linear layer, and the way back into them.

import type { ProgramBuilder } from './builder.ts';
import { outputShape } from './operations/operands.ts';
import type { Activation, BufferId, GradientSums } from './program.ts';

/** The buffer between pooling and the linear layer. */
export function addPooled(builder: ProgramBuilder): BufferId {
  const { inFeatures } = builder.network.classifier;
  return builder.addActivation('pooled', inFeatures);
}

/** From the network's final map to logits. */
export function lowerHead(builder: ProgramBuilder, input: Activation, pooled: BufferId): void {
  const shape = outputShape(builder.network.blocks.at(-1)!.second.conv);
  const { logits } = builder.named;
  builder.body.push(
    { kind: 'globalAveragePool', input, ...shape, output: pooled },
    { kind: 'linear', input: pooled, ...builder.linearGeometry(), output: logits },
  );
}

/**
 * Loss and gradients of the head.
 * @param map the network's final map and the norms that made it; absent where it is frozen
 * @returns the map's gradient, where it is wanted
 */
export function lowerHeadBackward(
  builder: ProgramBuilder,
  pooled: BufferId,
  map?: { readonly x: BufferId; readonly sums: readonly GradientSums[] },
): BufferId | undefined {
  const { network, named } = builder;
  const { classes, classifier } = network;
  const { conv } = network.blocks.at(-1)!.second;
  const { logits } = named;
  const gradient = builder.addActivation('logits.gradient', classes);
  const inputGradient = builder.addActivation('pooled.gradient', classifier.inFeatures);
  builder.body.push(
    { kind: 'softmaxCrossEntropy', logits, classes, gradient },
    { kind: 'linearBackward', gradient, input: pooled, ...builder.linearGeometry(), inputGradient },
  );
  if (!map) return undefined;
  const dz = builder.addOutput('final.dz', conv);
  builder.body.push({
    kind: 'globalAveragePoolBackward',
    gradient: inputGradient,
    ...outputShape(conv),
    gate: { kind: 'buffer', x: map.x },
    output: dz,
    sums: map.sums,
  });
  return dz;
}
