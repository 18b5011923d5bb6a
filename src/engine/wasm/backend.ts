// The CPU backend: WebAssembly SIMD kernels, generated for the exact shapes of each program and
// compiled once, run by worker threads over one shared memory.

import { messageOf, UserError } from '../../util/errors.ts';
import { formatBytes } from '../../util/format.ts';
import type { Backend, BatchInputs, Executable, OperationTiming } from '../backend.ts';
import { outOfMemory } from '../device-error.ts';
import { checkThreads } from '../devices.ts';
import type { Program } from '../program.ts';
import { WasmExecutable } from './executable.ts';
import { measureSimd } from './features.ts';
import type { WasmHost } from './host.ts';
import type { KernelOptions, MultiplyAdd } from './kernels/context.ts';
import { generateModule } from './kernels/kernel.ts';
import { checkSize, mayRecompute, memoryPlanner, planExecutable } from './plan-executable.ts';
import { WorkerPool } from './pool.ts';
import type { ConvolutionAlgorithm } from './protocol.ts';
import { WASM_PAGE, type WasmMemory, wasm } from './webassembly.ts';

export interface WasmBackendOptions {
  readonly host: WasmHost;
  /** Default: every core. Results have the same bits for any number. */
  readonly threads?: number;
  /** How 3×3 convolutions of stride 1 are computed; 'winograd' and 'auto' (default) pick 'winograd4'. */
  readonly convolution?: ConvolutionAlgorithm | 'winograd' | 'auto';
  /**
   * One rounding (default) or two. Not chosen by measuring, though two can be as fast: a busy machine
   * would choose otherwise now and then, and the same seed would give other bits.
   */
  readonly multiplyAdd?: MultiplyAdd;
  /** Kernel variants, instead of those for the registers that are measured to be in effect. */
  readonly kernels?: KernelOptions;
}

/** An executable that can also say where its time goes. */
export interface ProfiledExecutable extends Executable {
  profile(batch: BatchInputs): Promise<OperationTiming[]>;
}

export interface WasmBackend extends Backend {
  readonly threads: number;
  /**
   * Multiply-add rate of one thread, 10⁹ operations a second; measured at the start, unless the
   * kernels were given.
   */
  readonly ceiling?: number;
  compile(program: Program): Promise<ProfiledExecutable>;
}

const ALGORITHM_TITLES: Record<ConvolutionAlgorithm, string> = {
  winograd4: 'Winograd F(4×4, 3×3)',
  winograd2: 'Winograd F(2×2, 3×3)',
  direct: 'direct convolution',
};

/** @throws UserError for a number of threads that this machine only loses time with */
export async function createWasmBackend(options: WasmBackendOptions): Promise<WasmBackend> {
  const { host, threads = host.cores } = options;
  const convolution = chooseAlgorithm(options.convolution);
  checkThreads(threads, host.cores);
  const pool = await WorkerPool.start(host, threads);
  host.prepareCompiler();
  const { kernels, ceiling } = options.kernels
    ? { kernels: options.kernels, ceiling: undefined }
    : measuredKernels(options.multiplyAdd);
  return {
    name: 'wasm',
    threads,
    ceiling,
    description: `wasm, ${threads} ${threads === 1 ? 'thread' : 'threads'}, ${kernels.simdWidth}-bit SIMD, ${ALGORITHM_TITLES[convolution]}`,
    facts: {
      backend: 'wasm',
      threads,
      convolution,
      simdWidth: kernels.simdWidth,
      multiplyAdd: kernels.multiplyAdd,
    },
    ...memoryPlanner(convolution, threads),
    compile: (program) => compile(program, convolution, kernels, pool),
    dispose: () => pool.dispose(),
  };
}

function chooseAlgorithm(choice: WasmBackendOptions['convolution'] = 'auto'): ConvolutionAlgorithm {
  return choice === 'auto' || choice === 'winograd' ? 'winograd4' : choice;
}

/** The kernel variants that suit this processor, measured for a few milliseconds. */
function measuredKernels(multiplyAdd: MultiplyAdd = 'fused'): {
  kernels: KernelOptions;
  ceiling: number;
} {
  const { width, rates } = measureSimd();
  return { kernels: { simdWidth: width, multiplyAdd }, ceiling: rates[multiplyAdd] };
}

async function compile(
  program: Program,
  convolution: ConvolutionAlgorithm,
  kernels: KernelOptions,
  pool: WorkerPool,
): Promise<ProfiledExecutable> {
  const { threads, spin } = pool;
  const plan = planExecutable(program, convolution, threads);
  checkSize(program, plan.map);
  const bytes = generateModule(plan.specs, {
    ...kernels,
    memory: { initialPages: 1, maximumPages: 65536, shared: true },
  });
  const module = new wasm.Module(bytes);
  const memory = allocate(program, plan.map.bytes);
  const id = pool.takeId();
  await pool.load(id, (thread) => ({
    kind: 'load',
    id,
    program,
    convolution,
    module,
    memory,
    map: plan.map,
    thread,
    threads,
    spin,
  }));
  return new WasmExecutable(id, plan, pool, memory);
}

function allocate(program: Program, bytes: number): WasmMemory {
  const pages = bytes / WASM_PAGE;
  try {
    return new wasm.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (error) {
    // The engine's memory takes some 10 GiB of addresses, however few bytes it has.
    const limit = bytes < 2 ** 30 ? '; is the address space limited (ulimit -v)?' : '';
    const problem = `There is not enough memory for ${formatBytes(bytes)} (${messageOf(error)}${limit})`;
    throw new UserError(...outOfMemory(problem, 'a smaller batch', mayRecompute(program)));
  }
}
