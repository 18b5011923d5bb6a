// The convolutions' products in other ways than the default one, each with few kernels, since a software
// adapter compiles each for a second. On tensor cores, with the matrix primitives written out: every index
// of the generated kernels is computed as it would be on such a device, and the results are sums of
// products that anybody can check. Dawn's null backend validates the primitives themselves (kernels.test.ts),
// and a device that has tensor cores runs the conformance suite on them (conformance.test.ts).

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ConvolutionGeometry, Program } from '../../../src/engine/program.ts';
import { openDevice } from '../../../src/engine/webgpu/adapter.ts';
import { bindProgram } from '../../../src/engine/webgpu/bind.ts';
import { defaultTiles, tileCandidates } from '../../../src/engine/webgpu/candidates.ts';
import { compileKernels } from '../../../src/engine/webgpu/compile.ts';
import type { TileChoice } from '../../../src/engine/webgpu/context.ts';
import { Device } from '../../../src/engine/webgpu/device.ts';
import { createNodeGpuHost } from '../../../src/engine/webgpu/host.node.ts';
import { NORM_ROW_COUNT, NORM_ROWS, STEP_BYTES } from '../../../src/engine/webgpu/kernel.ts';
import { type MatrixSize, matrixName } from '../../../src/engine/webgpu/matrix-unit.ts';
import { ReadbackPool } from '../../../src/engine/webgpu/readback.ts';
import { emulatedUnit, multipliesRight } from '../../../src/engine/webgpu/tensor-cores.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { randomStream } from '../../../src/util/random.ts';
import { findTestAdapter } from './adapter.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const adapter = await findTestAdapter();
const hasHalf = adapter?.features.includes('shader-f16') ?? false;

const exact: MatrixSize = { m: 16, n: 8, k: 16, element: 'f32', result: 'f32' };

/** A convolution, how it is computed, and how far float32 or rounded factors may be off. */
const CASES: readonly {
  readonly title: string;
  /** Matrices; register tiles with operands in half precision where there are none. */
  readonly size?: MatrixSize;
  readonly layer: Pick<
    ConvolutionGeometry,
    'inChannels' | 'outChannels' | 'kernel' | 'stride' | 'inSize'
  >;
  readonly tolerance: number;
}[] = [
  {
    title: 'whose matrices lie in rows, with stride 2',
    size: { ...exact, k: 8 },
    layer: { inChannels: 16, outChannels: 32, kernel: 3, stride: 2, inSize: 32 },
    tolerance: 1e-5,
  },
  {
    title: 'whose matrices run over the ends of rows',
    size: exact,
    layer: { inChannels: 64, outChannels: 64, kernel: 3, stride: 1, inSize: 8 },
    tolerance: 1e-5,
  },
  {
    title: 'of 1 × 1, with sums in half precision',
    size: { m: 8, n: 8, k: 8, element: 'f16', result: 'f16' },
    layer: { inChannels: 32, outChannels: 64, kernel: 1, stride: 2, inSize: 16 },
    tolerance: 1e-2,
  },
  {
    title: 'in registers, from operands in half precision',
    layer: { inChannels: 16, outChannels: 16, kernel: 1, stride: 1, inSize: 16 },
    tolerance: 1e-2,
  },
];

describe.skipIf(!adapter)('the products of a convolution', () => {
  let device: Device;
  beforeAll(async () => {
    const host = createNodeGpuHost();
    device = new Device(await openDevice(host, process.env.TABLE6_TEST_ADAPTER));
  });
  afterAll(() => device.dispose());

  it.each(CASES)('$title', async ({ size, layer, tolerance }) => {
    if (size?.element !== 'f32' && !hasHalf) {
      console.warn('skipped: half precision, because the adapter has no shader-f16');
      return;
    }
    const conv = { ...layer, name: 'conv', outSize: layer.inSize / layer.stride, weight: 0 };
    const given = operandsOf(conv);
    const actual = await compute(device, conv, given, size);
    const expected = expectedResults(conv, given);
    for (const [name, values] of Object.entries(expected)) {
      expect(distance(actual[name as keyof Results], values), name).toBeLessThan(tolerance);
    }
  });

  it('of emulated matrices pass the test that real ones have to pass', async () => {
    for (const size of [exact, { ...exact, m: 8, n: 16 }]) {
      expect(await multipliesRight(device, emulatedUnit(size)), matrixName(size)).toBe(true);
    }
  });
});

const BATCH = 3;
/** One image less than there is room for. */
const COUNT = 2;
const BUFFERS = ['parameters', 'gradients', 'running', 'x', 'y', 'dy', 'dx'] as const;

interface Operands {
  readonly weight: Float64Array;
  readonly x: Float64Array;
  readonly dy: Float64Array;
}

/** What the operations leave: products, and the sums that they take on the way. */
interface Results {
  readonly y: Float64Array;
  readonly dx: Float64Array;
  readonly dw: Float64Array;
  /** Of y, a channel. */
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  /** Σdx and Σdx·x, a channel. */
  readonly sum: Float64Array;
  readonly productSum: Float64Array;
}

function operandsOf({ kernel, inChannels, outChannels, inSize, outSize }: ConvolutionGeometry) {
  const random = randomStream(1, 'operands');
  const values = (length: number, scale: number) =>
    Float64Array.from({ length }, () => Math.fround(scale * (2 * random.uniform() - 1)));
  return {
    weight: values(kernel ** 2 * inChannels * outChannels, 0.1),
    x: values(COUNT * inSize ** 2 * inChannels, 1),
    dy: values(COUNT * outSize ** 2 * outChannels, 1),
  };
}

/** A convolution and its gradients with two normalisations: of y, and of x, which is its own ŷ. */
function programOf(conv: ConvolutionGeometry): Program {
  const { kernel, inChannels, outChannels, inSize, outSize } = conv;
  const weights = kernel ** 2 * inChannels * outChannels;
  const parameters = weights + 2 * outChannels + 2 * inChannels;
  const elements: Record<(typeof BUFFERS)[number], number> = {
    parameters,
    gradients: parameters,
    running: 2 * outChannels + 2 * inChannels,
    x: BATCH * inSize ** 2 * inChannels,
    y: BATCH * outSize ** 2 * outChannels,
    dy: BATCH * outSize ** 2 * outChannels,
    dx: BATCH * inSize ** 2 * inChannels,
  };
  const [parametersId, gradients, running, x, y, dy, dx] = BUFFERS.map((_, id) => id) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const norm = (channels: number, size: number, first: number, firstRunning: number) => ({
    ...{ name: 'norm', channels, size, gamma: first, beta: first + channels },
    ...{ runningMean: firstRunning, runningVariance: firstRunning + channels },
  });
  const input = { kind: 'buffer', x } as const;
  return {
    mode: 'train',
    network: createNetwork('plain8'),
    batchSize: BATCH,
    // Persistent ones, so that each has a buffer of its own that can be read.
    buffers: BUFFERS.map((name) => ({
      ...{ name, role: 'output', type: 'f32', elements: elements[name], perImage: 0, offset: 0 },
    })) as Program['buffers'],
    norms: [
      norm(outChannels, outSize, weights, 0),
      norm(inChannels, inSize, weights + 2 * outChannels, 2 * outChannels),
    ],
    slots: [],
    named: {
      ...{ parameters: parametersId, gradients, running },
      ...{ images: x, augmentation: x, labels: x, normalization: x, logits: x },
    },
    setup: [],
    body: [
      { kind: 'convolution', conv, input, output: y, norm: 0 },
      { kind: 'normStatistics', norm: 0 },
      {
        kind: 'convolutionBackward',
        conv,
        input,
        outputGradient: { dz: dy, y, norm: 0 },
        inputGradient: { output: dx, sums: [{ norm: 1, y: x }] },
      },
      { kind: 'normGradient', norm: 1 },
    ],
    bytes: 0,
    labelSmoothing: 0,
  };
}

async function compute(
  device: Device,
  conv: ConvolutionGeometry,
  { weight, x, dy }: Operands,
  size: MatrixSize | undefined,
): Promise<Results> {
  const program = programOf(conv);
  const { maxComputeWorkgroupStorageSize: workgroupBytes } = device.limits;
  const candidates = size
    ? tileCandidates({ matrices: emulatedUnit(size), workgroupBytes, onlyMatrices: true })
    : tileCandidates({ halfStaging: true });
  const tiles: TileChoice = {
    ...defaultTiles(candidates),
    product: (shape, direction) =>
      candidates
        .product(shape, direction)
        .find(({ matrices, staging }) => (size ? matrices : staging === 'f16'))!,
  };
  const compiled = compileKernels(program, { tiles, hideBounds: true });
  const products = compiled.body.filter(({ source }) =>
    /var<workgroup> (operands|staged: array<vec4h)/.test(source),
  );
  expect(products.map(({ label }) => label)).toEqual([
    'convolution conv',
    ...(size ? ['convolutionBackward conv weight'] : []),
    'convolutionBackward conv input',
  ]);
  const { plan, buffers, body } = await bindProgram(device, program, compiled);
  const { queue } = device.gpu;
  const bufferOf = (name: (typeof BUFFERS)[number]) =>
    buffers.persistent.get(BUFFERS.indexOf(name))!;
  queue.writeBuffer(bufferOf('parameters'), 0, Float32Array.from(weight));
  queue.writeBuffer(bufferOf('x'), 0, Float32Array.from(x));
  queue.writeBuffer(bufferOf('dy'), 0, Float32Array.from(dy));
  // dy is taken as it is (k1 = 1), and x has mean 0 and deviation 1.
  const ones = (norm: 0 | 1, row: keyof typeof NORM_ROWS) => {
    const { channels } = program.norms[norm]!;
    const rows = new Float32Array(NORM_ROW_COUNT * channels);
    rows.fill(1, NORM_ROWS[row] * channels, (NORM_ROWS[row] + 1) * channels);
    queue.writeBuffer(buffers.norms, plan.normOffsets[norm]!, rows);
  };
  ones(0, 'k1');
  ones(1, 'inverseDeviation');
  const step = new Uint32Array(STEP_BYTES / 4).fill(0xffffffff);
  step[0] = COUNT;
  queue.writeBuffer(buffers.step, 0, step);

  const readback = new ReadbackPool(device);
  const encoder = device.gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const { kernel, pipeline, bindGroup } of body) {
    const [width, height] = kernel.workgroups(COUNT);
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(width, height);
  }
  pass.end();
  const copies = (['y', 'dx', 'gradients', 'running'] as const).map((name) => {
    const { elements } = program.buffers[BUFFERS.indexOf(name)]!;
    return readback.copy(encoder, bufferOf(name), 4 * elements);
  });
  queue.submit([encoder.finish()]);
  const [y, dx, gradients, running] = (await Promise.all(copies.map((copy) => copy.values()))).map(
    (values) => Float64Array.from(values),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array];
  readback.dispose();
  const { outChannels, inChannels } = conv;
  const first = weight.length + 2 * outChannels;
  return {
    y: y.subarray(0, dy.length),
    dx: dx.subarray(0, x.length),
    dw: gradients.subarray(0, weight.length),
    // Momentum 0.1 towards the batch's, from zero.
    mean: running.subarray(0, outChannels).map((value) => value / 0.1),
    variance: running.subarray(outChannels, 2 * outChannels).map((value) => value / 0.1),
    productSum: gradients.subarray(first, first + inChannels),
    sum: gradients.subarray(first + inChannels, first + 2 * inChannels),
  };
}

/** The definition, in float64. */
function expectedResults(conv: ConvolutionGeometry, { weight, x, dy }: Operands): Results {
  const { kernel, stride, inSize, outSize, inChannels, outChannels } = conv;
  const before = (kernel - 1) / 2;
  const y = new Float64Array(dy.length);
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(weight.length);
  for (let pixel = 0; pixel < COUNT * outSize ** 2; pixel++) {
    const image = Math.floor(pixel / outSize ** 2);
    const row = Math.floor(pixel / outSize) % outSize;
    const column = pixel % outSize;
    for (let tap = 0; tap < kernel ** 2; tap++) {
      const from = stride * row + Math.floor(tap / kernel) - before;
      const beside = stride * column + (tap % kernel) - before;
      if (from < 0 || from >= inSize || beside < 0 || beside >= inSize) continue;
      for (let c = 0; c < inChannels; c++) {
        const at = ((image * inSize + from) * inSize + beside) * inChannels + c;
        const w = (tap * inChannels + c) * outChannels;
        for (let o = 0; o < outChannels; o++) {
          const d = dy[pixel * outChannels + o]!;
          y[pixel * outChannels + o]! += x[at]! * weight[w + o]!;
          dx[at]! += d * weight[w + o]!;
          dw[w + o]! += d * x[at]!;
        }
      }
    }
  }
  const perChannel = (values: Float64Array, channels: number, of: (i: number) => number) => {
    const sums = new Float64Array(channels);
    values.forEach((_, i) => {
      sums[i % channels]! += of(i);
    });
    return sums;
  };
  const count = COUNT * outSize ** 2;
  const mean = perChannel(y, outChannels, (i) => y[i]! / count);
  const variance = perChannel(
    y,
    outChannels,
    (i) => (y[i]! - mean[i % outChannels]!) ** 2 / (count - 1),
  );
  const sum = perChannel(dx, inChannels, (i) => dx[i]!);
  const productSum = perChannel(dx, inChannels, (i) => dx[i]! * x[i]!);
  return { y, dx, dw, mean, variance, sum, productSum };
}

/** ‖a − b‖ / ‖b‖ */
function distance(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  let [difference, square] = [0, 0];
  b.forEach((value, i) => {
    difference += (a[i]! - value) ** 2;
    square += value ** 2;
  });
  return Math.sqrt(difference / square);
}
