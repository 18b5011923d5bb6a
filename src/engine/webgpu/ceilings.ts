// What a device could do at best, measured: multiply-adds in registers, and copies of buffers of
// several sizes (small ones stay in a cache). A kernel cannot be faster than its arithmetic at the one
// rate and its bytes at the other; that is its floor, which profiles set its time beside.

import { UserError } from '../../util/errors.ts';
import type { Device } from './device.ts';
import { BUFFER_USAGE } from './host.ts';
import { ReadbackPool } from './readback.ts';

export interface Ceilings {
  /** 10⁹ float32 operations a second, two to a multiply-add. */
  readonly gflops: number;
  /** Rates of copies, the smallest first. */
  readonly copies: readonly CopyRate[];
}

export interface CopyRate {
  /** Read and written together. */
  readonly bytes: number;
  readonly gigabytesPerSecond: number;
}

/** What a kernel has to do at least. */
export interface Work {
  readonly multiplyAdds: number;
  readonly bytes: number;
}

/** Milliseconds below which the work cannot be done, and what decides that. */
export function floorOf(
  { multiplyAdds, bytes }: Work,
  ceilings: Ceilings,
): { readonly milliseconds: number; readonly bound: 'arithmetic' | 'bytes' } {
  const arithmetic = (2 * multiplyAdds) / ceilings.gflops / 1e6;
  const moving = bytes / copyRate(bytes, ceilings) / 1e6;
  return arithmetic > moving
    ? { milliseconds: arithmetic, bound: 'arithmetic' }
    : { milliseconds: moving, bound: 'bytes' };
}

/** The best rate of a copy that moves as much or more; of the largest, for more than that. */
function copyRate(bytes: number, { copies }: Ceilings): number {
  const large = copies.filter((copy) => copy.bytes >= bytes);
  const candidates = large.length > 0 ? large : copies.slice(-1);
  return Math.max(...candidates.map(({ gigabytesPerSecond }) => gigabytesPerSecond));
}

const THREADS = 256;
/** Of a thread: 8 vectors of 4, so many times. */
const REPEATS = 256;
const MULTIPLY_ADDS = REPEATS * 8 * 4;
const MOST_WORKGROUPS = 8192;
const COPIES = [8, 32, 128, 512].map((mebibytes) => mebibytes * 2 ** 20);
/** Milliseconds of dispatches together after which nothing larger is tried: a software adapter's way out. */
const LONG = 30;
/** Dispatches that are timed together, and how often. */
const [TOGETHER, ROUNDS] = [8, 5];
/** Neither zero nor growing: some devices are faster with zeros. */
const FACTORS = Float32Array.of(0.999, 0.998, 0.997, 0.996, 0.001, 0.002, 0.003, 0.004);

const ARITHMETIC = `
@group(0) @binding(0) var<storage, read> factors: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> results: array<vec4f>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) tid: u32) {
  let a = factors[0];
  let b = factors[1];
  ${eight((i) => `var x${i} = vec4f(f32(tid) + ${i}.0);`)}
  for (var repeat = 0u; repeat < ${REPEATS}u; repeat++) {
    ${eight((i) => `x${i} = fma(x${i}, a, b);`)}
  }
  results[group.x * ${THREADS}u + tid] = ${eight((i) => `x${i}`, ' + ')};
}`;

const COPY = `
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> copy: array<vec4f>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) tid: u32) {
  let index = (group.y * groups.x + group.x) * ${THREADS}u + tid;
  copy[index] = source[index];
}`;

/**
 * Takes less than a second on a GPU.
 * @throws UserError where the adapter has no timestamps
 */
export async function measureCeilings(device: Device): Promise<Ceilings> {
  requireTimestamps(device);
  const readback = new ReadbackPool(device);

  let gflops = 0;
  for (let workgroups = 1; workgroups <= MOST_WORKGROUPS; workgroups *= 8) {
    const bytes = 16 * THREADS * workgroups;
    const time = await fastest(device, readback, ARITHMETIC, bytes, [workgroups, 1]);
    gflops = Math.max(gflops, (2 * MULTIPLY_ADDS * THREADS * workgroups) / time / 1e6);
    if (TOGETHER * time > LONG) break;
  }

  const copies: CopyRate[] = [];
  for (const both of COPIES) {
    const bytes = both / 2;
    if (bytes > device.largestBuffer) break;
    const workgroups = bytes / 16 / THREADS;
    const rows = Math.ceil(workgroups / 32768);
    const time = await fastest(device, readback, COPY, bytes, [workgroups / rows, rows]);
    copies.push({ bytes: both, gigabytesPerSecond: both / time / 1e6 });
    if (TOGETHER * time > LONG) break;
  }
  readback.dispose();
  return { gflops, copies };
}

/** @throws UserError for an adapter without a clock */
export function requireTimestamps({ gpu, facts }: Device): void {
  if (gpu.features.has('timestamp-query')) return;
  throw new UserError(
    `The GPU "${facts.name}" has no timestamps, so that the times of its operations cannot be measured.`,
    { code: 'no-timestamps', facts: { gpu: facts.name } },
  );
}

/** Milliseconds of one dispatch over buffers of so many bytes: the least of some rounds. */
async function fastest(
  device: Device,
  readback: ReadbackPool,
  source: string,
  bytes: number,
  [x, y]: readonly [number, number],
): Promise<number> {
  const { gpu } = device;
  const bindings = [{ access: 'read' }, { access: 'read_write' }] as const;
  const kernel = { label: 'ceiling', source, bindings, constants: [] };
  const { pipeline, layout } = await device.pipeline(kernel);
  const storage = BUFFER_USAGE.storage | BUFFER_USAGE.copyTarget;
  const buffers = [0, 1].map(() => gpu.createBuffer({ size: bytes, usage: storage }));
  gpu.queue.writeBuffer(buffers[0]!, 0, FACTORS);
  const bindGroup = device.bindGroup(
    layout,
    buffers.map((buffer) => ({ buffer })),
  );
  const querySet = gpu.createQuerySet({ type: 'timestamp', count: 2 });
  const usage = BUFFER_USAGE.queryResolve | BUFFER_USAGE.copySource;
  const resolved = gpu.createBuffer({ size: 16, usage });
  let best = Number.POSITIVE_INFINITY;
  let spent = 0;
  for (let round = 0; round < ROUNDS && spent < 2 * LONG; round++) {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass({
      timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
    });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    for (let i = 0; i < TOGETHER; i++) pass.dispatchWorkgroups(x, y);
    pass.end();
    encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
    const copy = readback.copy(encoder, resolved, 16);
    gpu.queue.submit([encoder.finish()]);
    const [begin, end] = await copy.integers();
    const milliseconds = Number(end! - begin!) / 1e6;
    spent += milliseconds;
    // Some clocks stand still during a short pass.
    if (milliseconds > 0) best = Math.min(best, milliseconds / TOGETHER);
  }
  for (const buffer of [...buffers, resolved]) buffer.destroy();
  querySet.destroy();
  return best;
}

function eight(part: (i: number) => string, between = '\n  '): string {
  return Array.from({ length: 8 }, (_, i) => part(i)).join(between);
}
