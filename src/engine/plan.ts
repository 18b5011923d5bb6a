// The memory plan: a byte offset for every buffer. Parameters, inputs and outputs live as long as
// the program; activations live from the first operation that touches them to the last, and those
// whose lives do not overlap share memory. Larger buffers are placed first, each at the lowest
// offset that is free for its whole life ("greedy by size", Pisarchyk & Lee, 2020).

import { buffersOf } from './operations/index.ts';
import type { BufferId, BufferSpec, Operation } from './program.ts';

/** Alignment of every buffer: two cache lines, so that neighbours never share one. */
export const BUFFER_ALIGNMENT = 128;

const ELEMENT_BYTES = { f32: 4, i32: 4, u8: 1 } as const;

/** The next multiple, by default where a buffer may begin. */
export function align(bytes: number, to = BUFFER_ALIGNMENT): number {
  return Math.ceil(bytes / to) * to;
}

/** Bytes a buffer occupies, without alignment. */
export function bufferBytes(buffer: Pick<BufferSpec, 'type' | 'elements'>): number {
  return buffer.elements * ELEMENT_BYTES[buffer.type];
}

interface Placement {
  readonly id: BufferId;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
  offset: number;
}

/**
 * Places buffers.
 * @returns the buffers with their offsets, and the bytes all of them need together
 */
export function planMemory(
  buffers: readonly Omit<BufferSpec, 'offset'>[],
  setup: readonly Operation[],
  body: readonly Operation[],
): { buffers: BufferSpec[]; bytes: number } {
  const operations = [...setup, ...body];
  const first = new Map<BufferId, number>();
  const last = new Map<BufferId, number>();
  operations.forEach((operation, time) => {
    for (const id of buffersOf(operation)) {
      if (!first.has(id)) first.set(id, time);
      last.set(id, time);
    }
  });

  const offsets = new Array<number>(buffers.length).fill(0);
  let end = 0;
  const transient: Placement[] = [];
  buffers.forEach((buffer, id) => {
    const bytes = align(bufferBytes(buffer));
    if (buffer.role === 'activation') {
      const start = first.get(id);
      if (start === undefined) throw new Error(`buffer ${buffer.name} is never used`);
      transient.push({ id, bytes, first: start, last: last.get(id) as number, offset: 0 });
    } else {
      offsets[id] = end;
      end += bytes;
    }
  });

  const base = end;
  const placed: Placement[] = []; // sorted by offset
  transient.sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  for (const buffer of transient) {
    let offset = base;
    for (const other of placed) {
      if (other.offset >= offset + buffer.bytes) break;
      const overlaps = other.first <= buffer.last && buffer.first <= other.last;
      if (overlaps) offset = Math.max(offset, other.offset + other.bytes);
    }
    buffer.offset = offset;
    offsets[buffer.id] = offset;
    end = Math.max(end, offset + buffer.bytes);
    const position = placed.findIndex((other) => other.offset > offset);
    placed.splice(position < 0 ? placed.length : position, 0, buffer);
  }
  return {
    buffers: buffers.map((buffer, id) => ({ ...buffer, offset: offsets[id] as number })),
    bytes: end,
  };
}
