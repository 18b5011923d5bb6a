// Where a step's time goes, operation by operation, as `table6 bench --profile` prints it. The CPU
// engine's operations and a GPU's kernels are timed by themselves, and set beside what the processor
// was measured to be able to do.

import type { Backend, BatchInputs, Executable, OperationTiming } from '../../engine/backend.ts';
import type { Program } from '../../engine/program.ts';
import type { WasmBackend } from '../../engine/wasm/backend.ts';
import type { WebGpuBackend } from '../../engine/webgpu/backend.ts';
import { floorOf } from '../../engine/webgpu/ceilings.ts';
import { formatPercent } from '../../util/format.ts';
import { usageError } from '../options.ts';
import { formatTable } from './output.ts';

export interface OperationProfile {
  /** Operation and layer, such as `convolutionBackward layer1.0.conv1`. */
  readonly name: string;
  /** On the CPU the time of all threads divided by their number; median over steps. */
  readonly milliseconds: number;
  /** 10⁹ operations a second of all threads, two to a multiply-add of the direct algorithm. */
  readonly gflops: number;
  /** 10⁹ bytes a second of activations and gradients, each buffer counted once. */
  readonly gigabytesPerSecond: number;
  /**
   * Share of what the processor could do: of multiply-adds on the CPU, and on a GPU of multiply-adds or
   * of copies, whichever is more. Absent where that was not measured.
   */
  readonly ceilingShare?: number;
}

/** One operation of one step. */
interface TimedOperation extends OperationTiming {
  readonly bytes: number;
}

/** How a backend times operations. */
export interface Profiler {
  compile(program: Program): Promise<{
    readonly executable: Executable;
    /** Does a step. */
    time(batch: BatchInputs): Promise<readonly TimedOperation[]>;
  }>;
  /** Of what the processor could do in that time; undefined where it was not measured. */
  ceilingShare(operation: TimedOperation): number | undefined;
  /** What the shares are of, for people. */
  readonly ceilings?: string;
}

/**
 * @throws UserError where the backend cannot time operations: the oracle, or a GPU without timestamps
 */
export async function openProfiler(backend: Backend): Promise<Profiler> {
  if (isWasm(backend)) return wasmProfiler(backend);
  if (isWebGpu(backend)) return await webGpuProfiler(backend);
  throw usageError('bench', '--profile measures the CPU engine and GPUs, not --device reference');
}

const isWasm = (backend: Backend): backend is WasmBackend => backend.name === 'wasm';
const isWebGpu = (backend: Backend): backend is WebGpuBackend => backend.name === 'webgpu';

function wasmProfiler(backend: WasmBackend): Profiler {
  const { threads, ceiling } = backend;
  return {
    async compile(program) {
      const executable = await backend.compile(program);
      return { executable, time: (batch) => executable.profile(batch) };
    },
    ceilingShare: (operation) =>
      ceiling && operation.multiplyAdds > 0 ? gflopsOf(operation) / (threads * ceiling) : undefined,
    ceilings:
      ceiling === undefined
        ? undefined
        : `multiply-add ceiling: ${ceiling.toFixed(0)} GFLOP/s a thread, measured at the start`,
  };
}

async function webGpuProfiler(backend: WebGpuBackend): Promise<Profiler> {
  const ceilings = await backend.measureCeilings();
  const { bytes, gigabytesPerSecond } = ceilings.copies.at(-1)!;
  return {
    async compile(program) {
      const executable = await backend.compile(program);
      return { executable, time: (batch) => executable.time(batch) };
    },
    ceilingShare: (operation) => floorOf(operation, ceilings).milliseconds / operation.milliseconds,
    ceilings: `ceilings: ${ceilings.gflops.toFixed(0)} GFLOP/s of float32 multiply-adds, ${gigabytesPerSecond.toFixed(0)} GB/s of copies of ${(bytes / 2 ** 20).toFixed(0)} MiB, measured at the start; kernels were timed one at a time, which takes longer than a step`,
  };
}

/** A step is profiled at least this often. */
const LEAST_STEPS = 5;

/** Times steps for about `seconds`, after one that also does what is done once after writing weights. */
export async function profiled(
  time: (batch: BatchInputs) => Promise<readonly TimedOperation[]>,
  batch: BatchInputs,
  seconds: number,
  { ceilingShare }: Pick<Profiler, 'ceilingShare'>,
): Promise<OperationProfile[]> {
  await time(batch);
  const sizes = await time(batch);
  const times: number[][] = sizes.map(() => []);
  const end = performance.now() + 1000 * seconds;
  for (let step = 0; step < LEAST_STEPS || performance.now() < end; step++) {
    for (const [i, { milliseconds }] of (await time(batch)).entries()) times[i]!.push(milliseconds);
  }
  return sizes.map((size, i) => {
    const sorted = times[i]!.toSorted((a, b) => a - b);
    const operation = { ...size, milliseconds: sorted[Math.floor(sorted.length / 2)]! };
    const { name, milliseconds, bytes } = operation;
    return {
      name,
      milliseconds,
      gflops: gflopsOf(operation),
      gigabytesPerSecond: perSecond(bytes, milliseconds),
      ceilingShare: milliseconds > 0 ? ceilingShare(operation) : undefined,
    };
  });
}

function gflopsOf({ multiplyAdds, milliseconds }: OperationTiming): number {
  return perSecond(2 * multiplyAdds, milliseconds);
}

/** 10⁹ a second; 0 for what took no time that the clock could tell. */
function perSecond(amount: number, milliseconds: number): number {
  return milliseconds > 0 ? amount / milliseconds / 1e6 : 0;
}

/**
 * One row an operation, then their sum.
 * @param ceilings what the shares are of; see `Profiler`
 */
export function profileTable(
  operations: readonly OperationProfile[],
  ceilings: string | undefined,
): string {
  const total = operations.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const rows = operations.map(
    ({ name, milliseconds, gflops, gigabytesPerSecond, ceilingShare }) => [
      name,
      milliseconds.toFixed(milliseconds < 0.1 ? 4 : 2),
      formatPercent(milliseconds / total, 1),
      gflops > 0 ? gflops.toFixed(gflops < 10 ? 1 : 0) : '',
      gigabytesPerSecond > 0 ? gigabytesPerSecond.toFixed(1) : '',
      ceilingShare === undefined || ceilingShare === 0 ? '' : formatPercent(ceilingShare, 1),
    ],
  );
  const table = formatTable(
    ['operation', 'ms', 'of step', 'GFLOP/s', 'GB/s', 'of ceiling'],
    [...rows, ['all', total.toFixed(2), '', '', '', '']],
  );
  return ceilings === undefined ? table : `${table}\n${ceilings}`;
}
