// Whether a device has tensor cores that the kernels can use, and in which size of matrices. The WGSL
// extension is experimental: names, sizes and even results differ between versions and drivers. So what
// a device offers is tried on a small product, and taken only if that is right.

import { messageOf, UserError } from '../../util/errors.ts';
import type { GpuOptions } from '../backend-options.ts';
import { tensorCoresNeedHalf } from '../devices.ts';
import { type Device, STORAGE } from './device.ts';
import { type Kernel, KernelBuilder } from './kernel.ts';
import { matrixCode } from './matrix.ts';
import { type MatrixSize, type MatrixUnit, matrixName } from './matrix-unit.ts';
import { ReadbackPool } from './readback.ts';

/** Chromium's, behind `allow_unsafe_apis`. */
const SUBGROUP_MATRIX = 'chromium-experimental-subgroup-matrix';
const SIZE_CONTROL = 'subgroup-size-control';

/** Features that a device is opened with if tensor cores are wanted, and only then. */
export const TENSOR_CORE_FEATURES: readonly string[] = [SUBGROUP_MATRIX, SIZE_CONTROL];

/** What a device must have. */
const NEEDED = [SUBGROUP_MATRIX, 'subgroups', 'shader-f16'];

/** Threads of a subgroup where the device leaves a choice: what every GPU with tensor cores has. */
const SUBGROUP_SIZE = 32;

/**
 * The matrices to multiply with.
 * @param half whether feature maps are in half precision
 * @returns none where tensor cores are 'off', or 'auto' and not there
 * @throws UserError where they are 'on' and something is missing, saying what
 */
export async function openTensorCores(
  device: Device,
  want: GpuOptions['tensorCores'],
  half: boolean,
): Promise<MatrixUnit | undefined> {
  if (want === 'off' || (want === 'auto' && !half)) return undefined;
  if (!half) throw tensorCoresNeedHalf();
  const found = await findUnit(device);
  if (typeof found !== 'string') return found;
  if (want === 'auto') return undefined;
  const gpu = device.facts.name;
  throw new UserError(
    `Tensor cores were asked for, and the GPU "${gpu}" ${found}: leave the choice to the engine.`,
    { code: 'tensor-cores-missing', facts: { gpu, found } },
  );
}

/** The best matrices that multiply right, or what is missing, for "the GPU ...". */
async function findUnit(device: Device): Promise<MatrixUnit | string> {
  const features = device.gpu.features as ReadonlySet<string>;
  const missing = NEEDED.filter((feature) => !features.has(feature));
  if (missing.length > 0) return `does not offer ${missing.join(', ')}`;
  const subgroups = subgroupsOf(device);
  if (!subgroups) return 'has subgroups of several sizes and leaves no choice';
  const offered = offeredSizes(device);
  const usable = usableSizes(offered.length > 0 ? offered : USUAL_SIZES);
  if (usable.length === 0) {
    const list = offered.map(matrixName).join(', ');
    return `multiplies no matrices that the kernels are made of (float16, 8 or 16 on each side); it offers ${list}`;
  }
  let problem = '';
  for (const size of usable) {
    const unit: MatrixUnit = { ...size, ...subgroups, emulated: false };
    try {
      if (await multipliesRight(device, unit)) return unit;
      problem ||= `multiplies matrices of ${matrixName(size)} wrongly`;
    } catch (error) {
      device.check();
      problem ||= `does not understand the kernels (${messageOf(error).split('\n', 1)[0]})`;
    }
  }
  return problem;
}

/** A size of subgroups that kernels can rely on. */
function subgroupsOf({
  gpu,
  info,
}: Device): Pick<MatrixUnit, 'subgroupSize' | 'asksForSize'> | undefined {
  const { subgroupMinSize: least = 0, subgroupMaxSize: most = 0 } = info;
  if (least > 0 && least === most) return { subgroupSize: least, asksForSize: false };
  const leavesChoice = (gpu.features as ReadonlySet<string>).has(SIZE_CONTROL);
  if (!leavesChoice || least > SUBGROUP_SIZE || most < SUBGROUP_SIZE) return undefined;
  return { subgroupSize: SUBGROUP_SIZE, asksForSize: true };
}

/** Tried where an adapter has the feature but does not tell its sizes: NVIDIA's, then Apple's. */
const USUAL_SIZES: readonly MatrixSize[] = (['f32', 'f16'] as const).flatMap((result) => [
  { m: 16, n: 16, k: 16, element: 'f16', result },
  { m: 16, n: 8, k: 16, element: 'f16', result },
  { m: 16, n: 8, k: 8, element: 'f16', result },
  { m: 8, n: 8, k: 8, element: 'f16', result },
]);

/** What the adapter says that it multiplies, as far as it can be read. */
function offeredSizes({ info }: Device): MatrixSize[] {
  const { subgroupMatrixConfigs: configs } = info as GPUAdapterInfo & {
    readonly subgroupMatrixConfigs?: unknown;
  };
  if (!Array.isArray(configs)) return [];
  return configs.flatMap((config: unknown) => {
    // Values of a class with getters, which spreading would lose.
    const { M, N, K, componentType, resultComponentType } = config as Record<string, unknown>;
    const sides = [M, N, K].map(Number);
    if (!sides.every((side) => Number.isInteger(side) && side > 0)) return [];
    if (!isFloat(componentType) || !isFloat(resultComponentType)) return [];
    const [m, n, k] = sides as [number, number, number];
    return [{ m, n, k, element: componentType, result: resultComponentType }];
  });
}

function isFloat(type: unknown): type is 'f16' | 'f32' {
  return type === 'f16' || type === 'f32';
}

/** Sizes that the kernels are made of, float32 sums and large matrices first. */
export function usableSizes(sizes: readonly MatrixSize[]): MatrixSize[] {
  const volume = ({ m, n, k }: MatrixSize) => m * n * k;
  return sizes
    .filter(
      ({ m, n, k, element }) => element === 'f16' && [m, n, k].every((s) => s === 8 || s === 16),
    )
    .sort((a, b) => {
      if (a.result !== b.result) return a.result === 'f32' ? -1 : 1;
      return volume(b) - volume(a) || b.m - a.m;
    });
}

/** For tests: the same kernels on any device, with plain loops instead of tensor cores. */
export function emulatedUnit(size: MatrixSize): MatrixUnit {
  return { ...size, subgroupSize: size.m * size.n, asksForSize: false, emulated: true };
}

/** Multiplies small integers, and compares. */
export async function multipliesRight(device: Device, unit: MatrixUnit): Promise<boolean> {
  const expected = expectedProducts(unit);
  const kernel = testKernel(unit);
  const { pipeline, layout } = await device.pipeline(kernel);
  const [products] = await device.allocate([{ bytes: 4 * expected.length, usage: STORAGE }]);
  if (!products) throw new Error('no buffer');
  const readback = new ReadbackPool(device);
  try {
    const encoder = device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.bindGroup(layout, [{ buffer: products }]));
    pass.dispatchWorkgroups(1);
    pass.end();
    const copy = readback.copy(encoder, products, 4 * expected.length);
    device.gpu.queue.submit([encoder.finish()]);
    const values = await copy.values();
    return expected.every((value, i) => values[i] === value);
  } finally {
    products.destroy();
    readback.dispose();
  }
}

/** Scalar i of the operands: small enough that half-precision sums are exact. */
function testValue(i: number): number {
  return ((7 * i) % 11) - 5;
}

function testKernel(unit: MatrixUnit): Kernel {
  const { m, n, k, subgroupSize } = unit;
  const builder = new KernelBuilder({
    formatOf: () => 'f32',
    isScaled: false,
    hideBounds: false,
  });
  const products = builder.array('products', { kind: 'results' }, 'read_write', 'vec4f');
  const scalars = m * k + k * n;
  const code = matrixCode(builder, unit, {
    operands: scalars,
    results: m * n,
    sums: 1,
    products: 1,
  });
  const four = [0, 1, 2, 3].map((i) => `f32(i32((7u * (4u * i + ${i}u)) % 11u) - 5)`);
  return builder.build({
    label: `tensor cores ${matrixName(unit)}`,
    threads: subgroupSize,
    declarations: code.declarations,
    body: `
      for (var i = tid; i < ${scalars / 4}u; i += ${subgroupSize}u) {
        ${code.stage('4u * i', `vec4f(${four.join(', ')})`)}
      }
      workgroupBarrier();
      ${code.loadLeft('left', '0u', m)}
      ${code.loadRight('right', `${m * k}u`, n)}
      ${code.declareSum('sum')}
      ${code.multiply('sum', 'left', 'right')}
      ${code.finish()}
      ${code.store('sum', '0u', n)}
      workgroupBarrier();
      for (var i = tid; i < ${(m * n) / 4}u; i += ${subgroupSize}u) {
        ${products}[i] = ${code.result('4u * i')};
      }`,
    workgroups: () => [1, 1],
  });
}

function expectedProducts({ m, n, k }: MatrixUnit): number[] {
  return Array.from({ length: m * n }, (_, at) => {
    const row = Math.floor(at / n);
    let sum = 0;
    for (let j = 0; j < k; j++) sum += testValue(row + j * m) * testValue(m * k + j * n + (at % n));
    return sum;
  });
}
