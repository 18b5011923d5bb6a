// Lays out the executor's memory and gathers what schedules are built from. Run in the main thread
// to learn sizes and kernels, then in every worker with real memory; see `arena.ts`.

import { align } from '../../plan.ts';
import { type BufferId, namedBuffer, type Program } from '../../program.ts';
import { wasmOperation } from '../operations/table.ts';
import type { ConvolutionAlgorithm, StepSettings } from '../protocol.ts';
import { Arena } from './arena.ts';
import { blockCount, gradientBlock, inferenceBlock, MOST_BLOCKS } from './blocks.ts';
import {
  bufferSpec,
  type Context,
  type KernelLookup,
  type MemoryViews,
  type NormAddresses,
  PlacedBuffer,
  tileOf,
} from './context.ts';
import { CONTROL_BYTES, Control } from './control.ts';
import { convolutionsOf, layOutScratch } from './scratch.ts';
import { preparedBytes } from './weights.ts';

export interface ContextInputs {
  readonly program: Program;
  readonly algorithm: ConvolutionAlgorithm;
  readonly kernel: KernelLookup;
  /** Absent in the main thread's planning run. */
  readonly buffer?: ArrayBufferLike;
  /** First byte of the shared region and of this thread's scratch. */
  readonly sharedBase: number;
  readonly scratchBase: number;
}

export interface BuiltContext extends Context {
  readonly scratchArena: Arena;
}

export function buildContext(inputs: ContextInputs): BuiltContext {
  const { program, algorithm, kernel, buffer } = inputs;
  const tile = tileOf(algorithm);
  const shared = new Arena(inputs.sharedBase);
  const scratchArena = new Arena(inputs.scratchBase);
  const infer = program.mode === 'infer';
  const batch = program.batchSize;
  const blockImages = infer ? inferenceBlock(batch) : gradientBlock(batch);

  const controlAddress = shared.allocate(CONTROL_BYTES);
  const control = buffer
    ? new Control(buffer, controlAddress)
    : new Control(new ArrayBuffer(CONTROL_BYTES), 0);
  const norms = infer ? [] : program.norms.map(({ channels }) => allocateNorm(shared, channels));
  const widest = program.norms.reduce((most, { channels }) => Math.max(most, channels), 0);
  const sumStride = align(2 * widest * 8);
  const sumBytes = infer ? 0 : sumStride * Math.min(batch, MOST_BLOCKS);
  const sumSlots = [shared.allocate(sumBytes), shared.allocate(sumBytes)] as const;

  const gradientStride = infer ? 0 : largestGradient(program);
  const gradientBytes = gradientStride * blockCount(batch, blockImages);
  const gradientSlots = [shared.allocate(gradientBytes), shared.allocate(gradientBytes)] as const;
  const weightBytes = infer
    ? 0
    : Math.max(...convolutionsOf(program).map((conv) => preparedBytes({ tile }, conv)));
  const weightSlots = [shared.allocate(weightBytes), shared.allocate(weightBytes)] as const;

  const scratch = layOutScratch(scratchArena, program, tile, blockImages);
  const times = scratchArena.allocate(program.body.length * 8);
  const window = { first: 0 };
  const everything = { first: 0 };
  const local = infer ? localActivations(program, blockImages, scratchArena) : undefined;
  let gathered: PlacedBuffer | undefined;

  return {
    program,
    tile,
    kernel,
    memory: viewsOf(buffer),
    control,
    shared,
    scratch,
    scratchArena,
    norms,
    sumSlots,
    sumStride,
    gradientStride,
    preparedWeights: new Map(),
    times,
    window,
    step: { settings: { count: 0 } as StepSettings },
    blockImages,
    takeWeightSlot: inTurn(weightSlots),
    takeGradientSlot: inTurn(gradientSlots),
    ownMemory: (bytes) => scratchArena.allocate(bytes),
    flat: (buffer) => {
      const id = typeof buffer === 'string' ? namedBuffer(program, buffer) : buffer;
      return bufferSpec(program, id).offset;
    },
    images: (id) => {
      const { role, type, perImage, offset } = bufferSpec(program, id);
      const stride = perImage * (type === 'u8' ? 1 : 4);
      const address = role === 'activation' ? local?.get(id) : undefined;
      return address === undefined
        ? new PlacedBuffer(offset, stride, everything)
        : new PlacedBuffer(address, stride, window);
    },
    gathered: () => {
      // Any convolution's output fits; one block's shortcuts are used before the next are made.
      const stride = scratch.imageBytes;
      gathered ??= new PlacedBuffer(scratchArena.allocate(stride * blockImages), stride, window);
      return gathered;
    },
  };
}

/** Gives the two addresses in turn. */
function inTurn([first, second]: readonly [number, number]): () => number {
  let turn = 0;
  return () => (turn++ % 2 === 0 ? first : second);
}

function allocateNorm(arena: Arena, channels: number): NormAddresses {
  return {
    forward: arena.allocate(2 * channels * 4),
    backward: arena.allocate(3 * channels * 4),
    moments: arena.allocate(2 * channels * 8),
    totals: arena.allocate(2 * channels * 8),
  };
}

/** Bytes of the largest weight gradient of one block. */
function largestGradient({ body }: Program): number {
  const sizes = body.map((operation) => wasmOperation(operation).gradientBytes?.(operation) ?? 0);
  return align(Math.max(...sizes));
}

/**
 * Bytes of what the program keeps in the memory that all threads share: everything in training; in
 * inference what lies before the activations, of which each thread has its own (`localActivations`).
 */
export function storedBytes({ mode, buffers, bytes }: Program): number {
  if (mode === 'train') return bytes;
  const offsets = buffers.flatMap(({ role, offset }) => (role === 'activation' ? [offset] : []));
  return Math.min(bytes, ...offsets);
}

/**
 * In inference a block of images passes through the whole network without meeting the others, so
 * each thread keeps the activations of one block only, and they stay in its cache. The program's
 * plan is for a full batch; scaled down it is a plan for a block, since the scaling keeps intervals
 * apart: every activation is a multiple of a cache line an image.
 */
function localActivations(
  program: Program,
  blockImages: number,
  arena: Arena,
): Map<BufferId, number> {
  const line = 64;
  const activations = program.buffers.flatMap((buffer, id) =>
    buffer.role === 'activation' ? [{ ...buffer, id }] : [],
  );
  const start = storedBytes(program);
  const place = (offset: number) =>
    Math.ceil(((offset - start) * blockImages) / (program.batchSize * line)) * line;
  const end = Math.max(
    ...activations.map(({ offset, perImage }) => place(offset) + perImage * blockImages * 4),
  );
  const base = arena.allocate(end);
  return new Map(
    activations.map(({ id, name, offset, perImage }) => {
      if ((perImage * 4) % line !== 0) throw new Error(`${name} is not made of whole lines`);
      return [id, base + place(offset)];
    }),
  );
}

function viewsOf(buffer: ArrayBufferLike = new ArrayBuffer(0)): MemoryViews {
  return {
    i32: new Int32Array(buffer),
    f32: new Float32Array(buffer),
    f64: new Float64Array(buffer),
  };
}
