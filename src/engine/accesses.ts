// Which activation buffers an operation reads and writes. The memory plan derives live ranges from
// this, so an operand added to an operation must be added here, and only here.

import type { Activation, BufferId, Operation, ReluGate, Shortcut } from './program.ts';

/** Every buffer the operation touches. Reads and writes of one operation never share memory. */
export function buffersOf(operation: Operation): BufferId[] {
  switch (operation.kind) {
    case 'convolution':
      return [...ofActivation(operation.input), operation.output];
    case 'globalAveragePool':
      return [...ofActivation(operation.input), operation.output];
    case 'linear':
      return [operation.input, operation.output];
    case 'softmaxCrossEntropy':
      return operation.gradient === undefined
        ? [operation.logits]
        : [operation.logits, operation.gradient];
    case 'linearBackward':
      return [operation.gradient, operation.input, operation.inputGradient];
    case 'globalAveragePoolBackward':
      return [
        operation.gradient,
        operation.output,
        ...ofGate(operation.gate),
        ...operation.sums.map(({ y }) => y),
      ];
    case 'convolutionBackward': {
      const { outputGradient, input, inputGradient } = operation;
      const buffers = [outputGradient.dz, outputGradient.y, ...ofActivation(input)];
      if (inputGradient) {
        buffers.push(inputGradient.output, ...inputGradient.sums.map(({ y }) => y));
        if (inputGradient.shortcut) buffers.push(inputGradient.shortcut.dz);
        if (inputGradient.gate) buffers.push(...ofGate(inputGradient.gate));
      }
      return buffers;
    }
    case 'foldNorm':
      return [operation.output];
    case 'convolutionInference':
      return [
        operation.folded,
        operation.output,
        ...ofActivation(operation.input),
        ...(operation.shortcut ? ofShortcut(operation.shortcut) : []),
      ];
    case 'normStatistics':
    case 'normGradient':
    case 'sgd':
      return [];
    default:
      throw new Error(`unknown operation ${operation satisfies never}`);
  }
}

function ofActivation(activation: Activation): BufferId[] {
  switch (activation.kind) {
    case 'image':
      return [];
    case 'buffer':
      return [activation.x];
    case 'normalized':
      return [
        activation.y,
        ...(activation.shortcut ? ofShortcut(activation.shortcut) : []),
        ...(activation.keep === undefined ? [] : [activation.keep]),
      ];
    default:
      throw new Error(`unknown activation ${activation satisfies never}`);
  }
}

function ofShortcut(shortcut: Shortcut): BufferId[] {
  return [shortcut.kind === 'projection' ? shortcut.y : shortcut.x];
}

function ofGate(gate: ReluGate): BufferId[] {
  return [gate.kind === 'normalized' ? gate.y : gate.x];
}
