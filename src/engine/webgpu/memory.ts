// Which device buffers a program needs. Parameters, inputs and outputs have one each. Activations and
// partial sums live from the first kernel that binds them to the last, and share "slots": buffers
// given to one after the other. (One large arena, as in WebAssembly, will not do: a WebGPU kernel may
// not read and write the same buffer through two bindings, and a binding has a largest size.)

import { align, bufferBytes } from '../plan.ts';
import type { BufferId, Program } from '../program.ts';
import type { CompiledProgram } from './compile.ts';
import type { Kernel, Resource } from './kernel.ts';
import { NORM_ROW_COUNT } from './kernel.ts';
import { elementBytes } from './storage.ts';

/** Bindings of uniform buffers start at multiples of this. */
export const UNIFORM_ALIGNMENT = 256;

export interface MemoryPlan {
  /** Bytes of each slot. */
  readonly slots: readonly number[];
  /** Slot of each activation and scratch buffer, by `resourceKey`. */
  readonly slotOf: ReadonlyMap<string, number>;
  /** Bytes of the buffers that live as long as the program. */
  readonly persistent: ReadonlyMap<BufferId, number>;
  /** Byte offset of each norm's coefficients in their buffer, and that buffer's size. */
  readonly normOffsets: readonly number[];
  readonly normBytes: number;
  /** Loss and rank of every image. */
  readonly resultBytes: number;
  /** Bytes of each kernel's own constants, all in one buffer. */
  readonly constantBytes: number;
  /** All of it. */
  readonly bytes: number;
}

export function resourceKey(resource: Resource): string {
  return 'id' in resource ? `${resource.kind} ${resource.id}` : resource.kind;
}

/** Bytes of an activation or scratch buffer as it is stored. */
export function transientBytes(
  program: Program,
  compiled: CompiledProgram,
  resource: Resource,
): number {
  if (resource.kind === 'scratch') return 4 * compiled.scratchElements[resource.id]!;
  if (resource.kind !== 'buffer') throw new Error(`${resource.kind} is not in a slot`);
  const { elements } = program.buffers[resource.id]!;
  return elements * elementBytes(compiled.formatOf(resource.id));
}

/** Bytes of one image, of every buffer of images that a kernel is bound to, as they are stored. */
export function boundBytesPerImage(
  program: Program,
  { formatOf }: CompiledProgram,
  { bindings }: Kernel,
): number {
  let bytes = 0;
  for (const { resource } of bindings) {
    if (resource.kind !== 'buffer') continue;
    const buffer = program.buffers[resource.id]!;
    if (buffer.perImage === 0) continue;
    bytes +=
      buffer.role === 'activation'
        ? buffer.perImage * elementBytes(formatOf(resource.id))
        : (buffer.perImage * bufferBytes(buffer)) / buffer.elements;
  }
  return bytes;
}

interface Life {
  readonly key: string;
  readonly bytes: number;
  readonly first: number;
  last: number;
}

/** Plans a program's device memory. */
export function planDeviceMemory(program: Program, compiled: CompiledProgram): MemoryPlan {
  const kernels = [...compiled.setup, ...compiled.body];
  const lives = new Map<string, Life>();
  kernels.forEach(({ bindings }, time) => {
    for (const { resource } of bindings) {
      const isTransient =
        resource.kind === 'scratch' ||
        (resource.kind === 'buffer' && program.buffers[resource.id]!.role === 'activation');
      if (!isTransient) continue;
      const key = resourceKey(resource);
      const life = lives.get(key);
      if (life) life.last = time;
      else {
        const bytes = transientBytes(program, compiled, resource);
        lives.set(key, { key, bytes, first: time, last: time });
      }
    }
  });
  const { slots, slotOf } = assignSlots([...lives.values()]);

  const persistent = new Map<BufferId, number>();
  program.buffers.forEach((buffer, id) => {
    if (buffer.role !== 'activation') persistent.set(id, align(bufferBytes(buffer), 4));
  });
  let normBytes = 0;
  const normOffsets = program.norms.map(({ channels }) => {
    const offset = normBytes;
    normBytes += align(4 * NORM_ROW_COUNT * channels, UNIFORM_ALIGNMENT);
    return offset;
  });
  const constantBytes = kernels.reduce(
    (sum, { constants }) => sum + align(4 * constants.length, UNIFORM_ALIGNMENT),
    0,
  );
  const resultBytes = 8 * program.batchSize;
  const bytes =
    sum(slots) + sum([...persistent.values()]) + normBytes + constantBytes + resultBytes;
  return { slots, slotOf, persistent, normOffsets, normBytes, resultBytes, constantBytes, bytes };
}

/** Largest first, each into the smallest slot that is free for its whole life. */
function assignSlots(lives: Life[]): { slots: number[]; slotOf: Map<string, number> } {
  const slots: { readonly bytes: number; readonly taken: Life[] }[] = [];
  const slotOf = new Map<string, number>();
  lives.sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  for (const life of lives) {
    let best = -1;
    slots.forEach(({ bytes, taken }, index) => {
      const free = taken.every(({ first, last }) => last < life.first || life.last < first);
      if (free && (best < 0 || bytes < slots[best]!.bytes)) best = index;
    });
    if (best < 0) best = slots.push({ bytes: align(life.bytes, 4), taken: [] }) - 1;
    slots[best]!.taken.push(life);
    slotOf.set(life.key, best);
  }
  return { slots: slots.map(({ bytes }) => bytes), slotOf };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
