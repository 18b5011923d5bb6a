// The end of the network: global average pooling, the linear layer, softmax cross-entropy, and the
// way back.

import { TOP_K } from '../constants.ts';
import type { Operation } from '../program.ts';
import { gateValue, materialize } from './activation.ts';
import { accumulateGradientSums } from './convolution.ts';
import { bufferOf, type ReferenceState, trainingBuffer } from './state.ts';

type Of<Kind extends Operation['kind']> = Extract<Operation, { kind: Kind }>;

export function globalAveragePool(state: ReferenceState, operation: Of<'globalAveragePool'>): void {
  const { size, channels } = operation;
  const input = materialize(state, operation.input);
  const output = bufferOf(state, operation.output);
  const pixels = size * size;
  output.fill(0);
  for (let i = 0; i < state.batch.count * pixels * channels; i++) {
    const n = Math.floor(i / (pixels * channels));
    output[n * channels + (i % channels)]! += input[i]! / pixels;
  }
}

export function linear(state: ReferenceState, operation: Of<'linear'>): void {
  const { inFeatures, outFeatures, weight, bias } = operation;
  const parameters = bufferOf(state, state.program.named.parameters);
  const input = bufferOf(state, operation.input);
  const output = bufferOf(state, operation.output);
  for (let n = 0; n < state.batch.count; n++) {
    for (let o = 0; o < outFeatures; o++) {
      let sum = parameters[bias + o]!;
      for (let i = 0; i < inFeatures; i++) {
        sum += parameters[weight + o * inFeatures + i]! * input[n * inFeatures + i]!;
      }
      output[n * outFeatures + o] = sum;
    }
  }
}

/** loss = −Σ target·log softmax(logits); its gradient is (softmax − target) / count. */
export function softmaxCrossEntropy(
  state: ReferenceState,
  operation: Of<'softmaxCrossEntropy'>,
): void {
  const { classes, gradient } = operation;
  const { count, labels } = state.batch;
  const smoothing = state.program.labelSmoothing;
  const logits = bufferOf(state, operation.logits);
  state.lossSum = 0;
  state.correctTop1 = 0;
  state.correctTop5 = 0;
  for (let n = 0; n < count; n++) {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    const label = labels[n]!;
    const largest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const total = row.reduce((sum, value) => sum + Math.exp(value - largest), 0);
    const logTotal = largest + Math.log(total);
    const target = (o: number) => smoothing / classes + (o === label ? 1 - smoothing : 0);
    for (let o = 0; o < classes; o++) {
      state.lossSum -= target(o) * (row[o]! - logTotal);
      if (gradient !== undefined) {
        bufferOf(state, gradient)[n * classes + o] =
          (Math.exp(row[o]! - logTotal) - target(o)) / count;
      }
    }
    // Rank of the label: classes that score higher, or equal with a lower index.
    let rank = 0;
    for (let o = 0; o < classes; o++) {
      if (row[o]! > row[label]! || (row[o] === row[label] && o < label)) rank++;
    }
    if (rank < 1) state.correctTop1++;
    if (rank < TOP_K) state.correctTop5++;
  }
}

export function linearBackward(state: ReferenceState, operation: Of<'linearBackward'>): void {
  const { inFeatures, outFeatures, weight, bias } = operation;
  const parameters = bufferOf(state, state.program.named.parameters);
  const gradients = trainingBuffer(state, 'gradients');
  const input = bufferOf(state, operation.input);
  const dOutput = bufferOf(state, operation.gradient);
  const dInput = bufferOf(state, operation.inputGradient);
  gradients.fill(0, weight, weight + inFeatures * outFeatures);
  gradients.fill(0, bias, bias + outFeatures);
  dInput.fill(0);
  for (let n = 0; n < state.batch.count; n++) {
    for (let o = 0; o < outFeatures; o++) {
      const d = dOutput[n * outFeatures + o]!;
      gradients[bias + o]! += d;
      for (let i = 0; i < inFeatures; i++) {
        gradients[weight + o * inFeatures + i]! += d * input[n * inFeatures + i]!;
        dInput[n * inFeatures + i]! += d * parameters[weight + o * inFeatures + i]!;
      }
    }
  }
}

export function globalAveragePoolBackward(
  state: ReferenceState,
  operation: Of<'globalAveragePoolBackward'>,
): void {
  const { size, channels, gate, output, sums } = operation;
  const gradient = bufferOf(state, operation.gradient);
  const open = gateValue(state, gate);
  const pixels = size * size;
  const dz = bufferOf(state, output).subarray(0, state.batch.count * pixels * channels);
  for (let i = 0; i < dz.length; i++) {
    const n = Math.floor(i / (pixels * channels));
    dz[i] = open(i) ? gradient[n * channels + (i % channels)]! / pixels : 0;
  }
  accumulateGradientSums(state, dz, sums);
}
