// From specs to one WebAssembly module: each spec is given to the generator of its family; equal specs
// become one function. The module imports `env.memory` and exports functions by kernelName(spec).

import { type MemoryImport, ModuleBuilder } from '../assembler/module.ts';
import { generateCopyBytes, generateZeroBytes } from './bulk-memory.ts';
import type { Context, KernelOptions } from './context.ts';
import { generateConvolution } from './convolution.ts';
import { generateConvolutionWeightGradient } from './convolution-weight-gradient.ts';
import { generateEpilogue, generateProductSums } from './epilogue.ts';
import { generateInputImage } from './input-image.ts';
import {
  generateLinear,
  generateLinearInputGradient,
  generateLinearWeightGradient,
} from './linear.ts';
import { generateAveragePool, generateAveragePoolGradient } from './pool.ts';
import { generateRearrangeWeights } from './rearrange-weights.ts';
import { generateShortcut } from './shortcut.ts';
import {
  type KernelFamily,
  type KernelFunctions,
  type KernelSpec,
  kernelName,
  type SpecOf,
} from './signatures.ts';
import { generateStage } from './stage.ts';
import { generateStridedInputGradient } from './strided-input-gradient.ts';
import { generateSgdUpdate, generateSumPartials } from './update.ts';
import { generateWinogradOutput } from './winograd/output.ts';
import { generateWinogradPlanes } from './winograd/planes.ts';
import { generateWinogradProduct, generateWinogradWeightProduct } from './winograd/products.ts';
import { generateWinogradWeights } from './winograd/weights.ts';

const GENERATORS: {
  readonly [F in KernelFamily]: (context: Context, spec: SpecOf<F>) => void;
} = {
  winogradInput: generateWinogradPlanes,
  winogradOutputGradient: generateWinogradPlanes,
  winogradOutput: generateWinogradOutput,
  winogradProduct: generateWinogradProduct,
  winogradWeightProduct: generateWinogradWeightProduct,
  winogradWeights: generateWinogradWeights,
  winogradWeightsAdjoint: generateWinogradWeights,
  convolution: generateConvolution,
  convolutionWeightGradient: generateConvolutionWeightGradient,
  stridedInputGradient: generateStridedInputGradient,
  reverseWeights: generateRearrangeWeights,
  parityWeights: generateRearrangeWeights,
  stage: generateStage,
  epilogue: generateEpilogue,
  productSums: generateProductSums,
  shortcutGather: generateShortcut,
  shortcutScatterAdd: generateShortcut,
  inputImage: generateInputImage,
  averagePool: generateAveragePool,
  averagePoolGradient: generateAveragePoolGradient,
  linear: generateLinear,
  linearInputGradient: generateLinearInputGradient,
  linearWeightGradient: generateLinearWeightGradient,
  sgdUpdate: generateSgdUpdate,
  sumPartials: generateSumPartials,
  copyBytes: generateCopyBytes,
  zeroBytes: generateZeroBytes,
};

/** The bytes of a module with all these kernels. */
export function generateModule(
  specs: Iterable<KernelSpec>,
  options: KernelOptions & { readonly memory: MemoryImport },
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(options.memory);
  const context: Context = { ...options, module };
  const unique = new Map([...specs].map((spec) => [kernelName(spec), spec]));
  for (const spec of unique.values()) {
    checkChannels(spec);
    // The table's type pairs each family with its own spec; an index by a union loses the pairing.
    const generator = GENERATORS[spec.family] as (context: Context, spec: KernelSpec) => void;
    generator(context, spec);
  }
  return module.bytes();
}

/** The exported function of a spec, typed by its family. */
export function kernelFunction<S extends KernelSpec>(
  exports: Readonly<Record<string, unknown>>,
  spec: S,
): KernelFunctions[S['family']] {
  const kernel = exports[kernelName(spec)];
  if (typeof kernel !== 'function') throw new Error(`no kernel ${kernelName(spec)} in the module`);
  return kernel as unknown as KernelFunctions[S['family']];
}

/** Kernels work on eight channels at a time; only a convolution's input may have three. */
function checkChannels(spec: KernelSpec): void {
  const channels = [
    'channels' in spec ? spec.channels : 8,
    'outputChannels' in spec ? spec.outputChannels : 8,
    'inputChannels' in spec && spec.inputChannels !== 3 ? spec.inputChannels : 8,
  ];
  if (channels.some((count) => count <= 0 || count % 8 !== 0)) {
    throw new RangeError(`channel counts must be multiples of 8: ${kernelName(spec)}`);
  }
}
