// Names and sizes of operations, for profiles.

import { buffersOf } from '../accesses.ts';
import type { OperationTiming } from '../backend.ts';
import { bufferBytes } from '../plan.ts';
import type { ConvolutionGeometry, Operation, Program } from '../program.ts';

/** What is known of an operation before it runs. */
export interface OperationSize extends Omit<OperationTiming, 'milliseconds'> {
  /**
   * Bytes of every buffer of images that it reads or writes, each once: what memory must carry where
   * nothing is left in a cache. Weights and small sums are not counted.
   */
  readonly bytes: number;
}

/** Name, multiply-adds (of the direct algorithm) and bytes of an operation on `count` images. */
export function describeOperation(
  program: Program,
  operation: Operation,
  count: number,
): OperationSize {
  const share = count / program.batchSize;
  const buffers = [...new Set(buffersOf(operation))].map((id) => program.buffers[id]!);
  const bytes = buffers
    .filter(({ perImage }) => perImage > 0)
    .reduce((sum, buffer) => sum + share * bufferBytes(buffer), 0);
  return { ...arithmetic(program, operation, count), bytes };
}

function arithmetic(
  program: Program,
  operation: Operation,
  count: number,
): Omit<OperationSize, 'bytes'> {
  const { kind } = operation;
  switch (kind) {
    case 'convolution':
    case 'convolutionInference':
      return {
        name: `${kind} ${operation.conv.name}`,
        multiplyAdds: count * perImage(operation.conv),
      };
    case 'convolutionBackward': {
      const passes = operation.inputGradient ? 2 : 1;
      const multiplyAdds = passes * count * perImage(operation.conv);
      return { name: `${kind} ${operation.conv.name}`, multiplyAdds };
    }
    case 'linear':
      return { name: kind, multiplyAdds: count * operation.inFeatures * operation.outFeatures };
    case 'linearBackward':
      return { name: kind, multiplyAdds: 2 * count * operation.inFeatures * operation.outFeatures };
    case 'normStatistics':
    case 'normGradient':
      return { name: `${kind} ${program.norms[operation.norm]!.name}`, multiplyAdds: 0 };
    case 'foldNorm':
      return { name: `${kind} ${operation.conv.name}`, multiplyAdds: 0 };
    case 'globalAveragePool':
    case 'globalAveragePoolBackward':
    case 'softmaxCrossEntropy':
    case 'sgd':
      return { name: kind, multiplyAdds: 0 };
    default:
      throw new Error(`unknown operation ${kind satisfies never}`);
  }
}

function perImage({ kernel, inChannels, outChannels, outSize }: ConvolutionGeometry): number {
  return kernel * kernel * inChannels * outChannels * outSize * outSize;
}
