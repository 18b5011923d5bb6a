// What is fixed when a kernel is generated: the families, their shapes, and what can be fused into them.
// The calls, and the layout of the memory they touch, are in signatures.ts.

/** Winograd's output tile edge: F(4×4,3×3) or F(2×2,3×3). */
export type WinogradTile = 2 | 4;

/**
 * What is done to each value v of a convolution's (or input gradient's) result before it is stored.
 * The tensors a, b, c are dense images of the same shape as the result.
 *
 * - `none`: store v.
 * - `forward`: store v; sums Σv, Σv². (batch norm statistics)
 * - `mid`: v is the gradient of relu(scale*a + shift), a = kept convolution output, coef = [scale C]
 *   [shift C]. dz = v where scale*a + shift > 0, else 0. Store dz; sums Σdz, Σdz*a.
 * - `block`: v is the gradient of a stored block output b. dz = v where b > 0, else 0. Store dz;
 *   sums Σdz, Σdz*a, a = the convolution output under the batch norm that made b.
 * - `blockAdd`: as `block` with v + c for v: c is the gradient that arrives by the shortcut. c may be
 *   the same buffer as the output.
 * - `bias`: inference, batch norm folded: v + bias, coef = [bias C].
 * - `biasRelu`: relu(v + bias).
 * - `biasAddRelu`: relu(v + bias + a), a = shortcut.
 */
export type Epilogue =
  | 'none'
  | 'forward'
  | 'mid'
  | 'block'
  | 'blockAdd'
  | 'bias'
  | 'biasRelu'
  | 'biasAddRelu';

/**
 * What staging computes for each pixel.
 *
 * - `copy`: a.
 * - `normRelu`: relu(scale*a + shift); coef = [scale C][shift C].
 * - `normAddRelu`: relu(scale*a + shift + b), b dense of the same shape (identity shortcut).
 * - `normPadRelu`: option A shortcut: b is [2H][2W][C/2]; its even pixels are added to channels
 *   C/4 … C/4 + C/2, the others get nothing.
 * - `normProjectRelu`: option B: relu(scale*a + shift + scaleB*b + shiftB), b = the 1×1 convolution's
 *   output, coefB = [scaleB C][shiftB C].
 * - `gradient`: batch norm backward: k1*a + k2*b + k3, a = dz, b = convolution output y,
 *   coef = [k1 C][k2 C][k3 C].
 */
export type Staging =
  | 'copy'
  | 'normRelu'
  | 'normAddRelu'
  | 'normPadRelu'
  | 'normProjectRelu'
  | 'gradient';

/** Multiply-add tile of a matrix kernel: rows × channels accumulators (channels a multiple of 8). */
export interface Tile {
  readonly rows: number;
  readonly channels: number;
}

/** What is fixed when a kernel is generated. Two equal specs are one function. */
export type KernelSpec =
  | {
      readonly family: 'winogradInput' | 'winogradOutputGradient';
      readonly tile: WinogradTile;
      readonly width: number;
      readonly channels: number;
    }
  | {
      readonly family: 'winogradOutput';
      readonly tile: WinogradTile;
      readonly width: number;
      readonly channels: number;
      readonly epilogue: Epilogue;
    }
  | {
      readonly family: 'winogradProduct' | 'winogradWeightProduct';
      readonly tile: WinogradTile;
      readonly inputChannels: number;
      readonly outputChannels: number;
    }
  | { readonly family: 'winogradWeights' | 'winogradWeightsAdjoint'; readonly tile: WinogradTile }
  | ConvolutionSpec
  | ConvolutionWeightGradientSpec
  | StridedInputGradientSpec
  | {
      readonly family: 'reverseWeights' | 'parityWeights';
      /** Kernel edge: 3, or 1 for a projection (`reverseWeights` only: a transpose). */
      readonly kernel: 1 | 3;
      readonly inputChannels: number;
      readonly outputChannels: number;
    }
  | {
      readonly family: 'stage';
      readonly staging: Staging;
      readonly height: number;
      readonly width: number;
      readonly channels: number;
      /** Destination: interior of a padded scratch, or a dense image. */
      readonly destination: 'padded' | 'dense';
      /** Also store the result densely at `keep`. */
      readonly keep: boolean;
    }
  | {
      readonly family: 'epilogue';
      readonly epilogue: Exclude<Epilogue, 'none'>;
      readonly height: number;
      readonly width: number;
      readonly channels: number;
    }
  | {
      readonly family: 'productSums';
      readonly height: number;
      readonly width: number;
      readonly channels: number;
    }
  | {
      readonly family: 'shortcutGather' | 'shortcutScatterAdd';
      /** Of the smaller, deeper side. */
      readonly height: number;
      readonly width: number;
      readonly channels: number;
    }
  | {
      readonly family: 'inputImage';
      readonly height: number;
      readonly width: number;
    }
  | {
      readonly family: 'averagePool' | 'averagePoolGradient';
      readonly height: number;
      readonly width: number;
      readonly channels: number;
    }
  | {
      readonly family: 'linear' | 'linearInputGradient' | 'linearWeightGradient';
      readonly channels: number;
    }
  | {
      readonly family: 'sgdUpdate' | 'sumPartials' | 'copyBytes' | 'zeroBytes';
    };

/** Direct convolution of one image, `kernel`×`kernel`, padding (kernel-1)/2. */
export interface ConvolutionSpec {
  readonly family: 'convolution';
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  /** Size of the input; the output is height/stride × width/stride. */
  readonly height: number;
  readonly width: number;
  readonly inputChannels: number;
  readonly outputChannels: number;
}

/** Weight gradient of the same convolution; same fields. */
export interface ConvolutionWeightGradientSpec extends Omit<ConvolutionSpec, 'family'> {
  readonly family: 'convolutionWeightGradient';
}

/** Input gradient of a stride-2 convolution; same fields (of the forward convolution). */
export interface StridedInputGradientSpec {
  readonly family: 'stridedInputGradient';
  readonly kernel: 1 | 3;
  readonly height: number;
  readonly width: number;
  readonly inputChannels: number;
  readonly outputChannels: number;
}

export type KernelFamily = KernelSpec['family'];

/** The spec of one family. */
export type SpecOf<F extends KernelFamily, S = KernelSpec> = S extends { readonly family: infer G }
  ? F extends G
    ? S
    : never
  : never;

/** The name under which a kernel is exported; does not depend on the order of the spec's fields. */
export function kernelName(spec: KernelSpec): string {
  const { family, ...shape } = spec;
  const fields = Object.entries(shape).map(([name, value]) => `${name}=${value}`);
  return [family, ...fields.sort()].join(' ');
}
