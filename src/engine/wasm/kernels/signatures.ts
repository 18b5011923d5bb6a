// The contract between the kernel generators (this folder) and the executor: every kernel family,
// what a generator must know at generation time (its spec: shapes), what a call passes at run time,
// and how the memory it touches is laid out. Nothing here computes.
//
// Conventions that hold everywhere
// - Every parameter is an i32 unless it says f32: a byte address in the shared memory, or a count.
//   Buffers start at a multiple of 64 bytes (of 16 at the very least).
// - Activations are dense float32 NHWC, one image after another: `dense` = [H][W][C].
// - `padded` is one image in scratch (it stays in L2): [H+2][W+2][C] with a border of zeros that the
//   executor clears once (no kernel writes it). Kernels take either the address of the whole
//   (`padded`) or of its first inner pixel (`interior` = padded + interiorOffset(W, C)).
// - Convolution weights are [kh][kw][in][out] ("HWIO"); linear weights [classes][C] as in PyTorch.
// - Channel counts are multiples of 8, except the first convolution's 3 input channels.
// - `sums` is 2*C floats [Σ first][Σ second] that a call *adds* to: the executor clears them before
//   a block of images and takes them (into float64) after it, so results do not depend on threads.
// - "accumulates" means the destination is read and added to; everything else overwrites.
//
// Winograd F(m×m, 3×3) (Lavin & Gray 2015), m = 4 or 2, n = m+2: an image is cut into m×m output
// tiles, tile rows first. Transformed data are n*n planes, plane k at address planes + k*planeStride,
// each [tiles][C]. planeStride = winogradPlaneStride(tiles, C) skews planes by 64 bytes against cache
// set conflicts and leaves room for `tiles` rounded up to a multiple of 4.

export * from './scratch-layout.ts';
export * from './specs.ts';

/** The exported functions, by family: parameter names and order of every call. */
export interface KernelFunctions {
  /**
   * V = Bᵀ d B for `tileRows` rows of tiles of one image.
   * padded: scratch image + firstTileRow * tile * (W+2)*C*4. columns: temporary,
   * winogradColumnsBytes(). planes: address of the first of these tiles in plane 0.
   */
  winogradInput: (
    padded: number,
    columns: number,
    planes: number,
    planeStride: number,
    tileRows: number,
  ) => void;
  /** W = A dY Aᵀ, for the weight gradient; as winogradInput, but takes the *interior* address. */
  winogradOutputGradient: (
    interior: number,
    columns: number,
    planes: number,
    planeStride: number,
    tileRows: number,
  ) => void;
  /**
   * Y = Aᵀ M A with the epilogue. products: address of the first tile in plane 0 of M. output, a, b,
   * c: dense images + firstTileRow * tile * W*C*4. temporary: winogradOutputBytes(). Unused ones 0.
   */
  winogradOutput: (
    products: number,
    planeStride: number,
    tileRows: number,
    output: number,
    sums: number,
    a: number,
    b: number,
    c: number,
    coef: number,
    temporary: number,
  ) => void;
  /** M[k] = V[k]·U[k] for all n*n planes; U is [n*n][in][out]; tiles: how many rows (any count). */
  winogradProduct: (
    input: number,
    weights: number,
    products: number,
    inputPlaneStride: number,
    productPlaneStride: number,
    tiles: number,
  ) => void;
  /** dU[k] += V[k]ᵀ·W[k]; accumulates into [n*n][in][out]. tiles: any count. */
  winogradWeightProduct: (
    input: number,
    outputGradient: number,
    weightGradient: number,
    inputPlaneStride: number,
    outputGradientPlaneStride: number,
    tiles: number,
  ) => void;
  /** U = G g Gᵀ: [9][in*out] to [n*n][in*out]; planeBytes = in*out*4. */
  winogradWeights: (weights: number, transformed: number, planeBytes: number) => void;
  /** dg = Gᵀ dU G: [n*n][in*out] to [9][in*out]. */
  winogradWeightsAdjoint: (
    transformedGradient: number,
    weightGradient: number,
    planeBytes: number,
  ) => void;
  /**
   * kernel 3: input = padded image (not interior); kernel 1: input = dense image.
   * output: dense image.
   * The stride-1 input gradient is this same kernel with in and out exchanged, the padded output
   * gradient as input and reverseWeights' result as weights.
   */
  convolution: (input: number, weights: number, output: number) => void;
  /**
   * weightGradient += ..., accumulates. input as for `convolution`; outputGradient is the *interior*
   * of a padded scratch image (also for kernel 1).
   */
  convolutionWeightGradient: (
    input: number,
    outputGradient: number,
    weightGradient: number,
  ) => void;
  /**
   * kernel 3: overwrites the dense input gradient by four convolutions, one for each parity of the
   * input pixel (no multiplications by inserted zeros); weights = parityWeights' result.
   * kernel 1 (projection): accumulates into the even pixels; weights = reverseWeights' result.
   * outputGradient: interior of a padded scratch image.
   */
  stridedInputGradient: (outputGradient: number, weights: number, inputGradient: number) => void;
  /** [kh][kw][in][out] to [k-1-kh][k-1-kw][out][in]: weights of the stride-1 input gradient. */
  reverseWeights: (weights: number, reversed: number) => void;
  /** The nine [in][out] matrices transposed and ordered by parity class, for stridedInputGradient. */
  parityWeights: (weights: number, reordered: number) => void;
  /**
   * One image. destination: interior of padded scratch or dense image. keep: dense, 0 when unused.
   * a, b, coef, coefB as in `Staging`; 0 when unused.
   */
  stage: (
    destination: number,
    keep: number,
    a: number,
    b: number,
    coef: number,
    coefB: number,
  ) => void;
  /** An epilogue as a pass of its own over one dense image, in place (after direct convolutions). */
  epilogue: (image: number, sums: number, a: number, b: number, c: number, coef: number) => void;
  /** Sums Σv, Σv*a over one dense image: the projection's batch norm shares dz with the block's. */
  productSums: (v: number, a: number, sums: number) => void;
  /** Option A forward: large [2H][2W][C/2] to small [H][W][C], zeros outside the middle channels. */
  shortcutGather: (large: number, small: number) => void;
  /** Option A backward: large[2h][2w][c] += small[h][w][C/4 + c]. */
  shortcutScatterAdd: (large: number, small: number) => void;
  /**
   * Bytes [H][W][3] to a zero-bordered float image [H+2][W+2][3] (`padded` is its base; the border is
   * not written). Crop, then mirror: with x' = flip ? W-1-x : x, result (y, x) shows the source at
   * (y + dy - 4, x' + dx - 4); outside it is a black byte 0, which is then normalised like any other.
   * dy, dx in 0…8, 4 = centred; flip 0 or 1.
   * normalization: the program's buffer, floats [3] factor, [H][W][3] bias: byte*factor + bias.
   */
  inputImage: (
    bytes: number,
    padded: number,
    dy: number,
    dx: number,
    flip: number,
    normalization: number,
  ) => void;
  /** pooled[C] = mean over the pixels of one dense image. */
  averagePool: (image: number, pooled: number) => void;
  /**
   * Backward of relu, then average pool: dz = gradient[C]/(H*W) where block output b > 0, else 0;
   * stores dense dz; sums Σdz, Σdz*a (a = convolution output).
   */
  averagePoolGradient: (
    gradient: number,
    output: number,
    sums: number,
    a: number,
    b: number,
  ) => void;
  /** logits[count][classes] = pooled[count][C]·weightsᵀ + bias. */
  linear: (
    pooled: number,
    weights: number,
    bias: number,
    logits: number,
    count: number,
    classes: number,
  ) => void;
  /** pooledGradient[count][C] = logitGradient[count][classes]·weights. */
  linearInputGradient: (
    logitGradient: number,
    weights: number,
    pooledGradient: number,
    count: number,
    classes: number,
  ) => void;
  /** weightGradient[classes][C] and biasGradient[classes]; both accumulate. */
  linearWeightGradient: (
    logitGradient: number,
    pooled: number,
    weightGradient: number,
    biasGradient: number,
    count: number,
    classes: number,
  ) => void;
  /**
   * PyTorch's SGD over `bytes`/4 contiguous values: v = momentum*v + (g + decay*w); w -= rate*v.
   * rate, momentum, decay are f32.
   */
  sgdUpdate: (
    weights: number,
    gradient: number,
    velocity: number,
    bytes: number,
    rate: number,
    momentum: number,
    decay: number,
  ) => void;
  /** destination = partial 0 + partial 1 + … in this order; partial r at partials + r*stride bytes. */
  sumPartials: (
    destination: number,
    partials: number,
    bytes: number,
    stride: number,
    count: number,
  ) => void;
  /** memory.copy: large results are collected in L2 and then written in one run. */
  copyBytes: (destination: number, source: number, bytes: number) => void;
  /** memory.fill with zeros. */
  zeroBytes: (destination: number, bytes: number) => void;
}
