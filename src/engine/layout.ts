// Between PyTorch's tensors and the engine's flat buffers. The engine keeps convolution weights as
// [kh][kw][in][out], because the innermost loop of every kernel runs over output channels; PyTorch
// and all files keep [out][in][kh][kw]. Everything else has one order.

import { UserError } from '../util/errors.ts';
import type { NamedTensors } from '../util/tensor.ts';
import type { Program, TensorSlot } from './program.ts';

/**
 * Copies tensors into a flat buffer image.
 * @param tensors by PyTorch name; every slot of `buffer` must be there
 * @returns values for `Executable.write`
 */
export function packTensors(
  program: Program,
  buffer: 'parameters' | 'running',
  tensors: NamedTensors,
): Float32Array {
  const flat = new Float32Array(flatLength(program, buffer));
  for (const slot of slotsOf(program, buffer)) {
    const tensor = tensors.get(slot.name);
    if (!tensor) throw new UserError(`The weights have no tensor "${slot.name}".`);
    if (tensor.data.length !== slot.length) {
      throw new UserError(
        `The tensor "${slot.name}" has ${tensor.data.length} values instead of ${slot.length}.`,
      );
    }
    transpose(slot, tensor.data, flat.subarray(slot.offset, slot.offset + slot.length), 'pack');
  }
  return flat;
}

/** The inverse of `packTensors`; also for gradients and momentum, which share the parameters' slots. */
export function unpackTensors(
  program: Program,
  buffer: 'parameters' | 'running',
  flat: Float32Array,
): NamedTensors {
  const tensors: NamedTensors = new Map();
  for (const slot of slotsOf(program, buffer)) {
    const data = new Float32Array(slot.length);
    transpose(slot, flat.subarray(slot.offset, slot.offset + slot.length), data, 'unpack');
    tensors.set(slot.name, { shape: slot.shape, data });
  }
  return tensors;
}

/** Whether two programs keep a buffer's tensors at the same places, so that one's values are the other's. */
export function hasSameLayout(a: Program, b: Program, buffer: 'parameters' | 'running'): boolean {
  const [slots, others] = [slotsOf(a, buffer), slotsOf(b, buffer)];
  return (
    slots.length === others.length &&
    slots.every(({ name, offset, length }, i) => {
      const other = others[i];
      return other?.name === name && other.offset === offset && other.length === length;
    })
  );
}

function slotsOf(program: Program, buffer: 'parameters' | 'running'): TensorSlot[] {
  return program.slots.filter((slot) => slot.buffer === buffer);
}

function flatLength(program: Program, buffer: 'parameters' | 'running'): number {
  return program.buffers[program.named[buffer]]!.elements;
}

function transpose(
  slot: TensorSlot,
  from: Float32Array,
  to: Float32Array,
  direction: 'pack' | 'unpack',
): void {
  if (slot.shape.length !== 4) {
    to.set(from);
    return;
  }
  const [outChannels, inChannels, height, width] = slot.shape as [number, number, number, number];
  const taps = height * width;
  for (let o = 0; o < outChannels; o++) {
    for (let i = 0; i < inChannels; i++) {
      for (let tap = 0; tap < taps; tap++) {
        const torch = (o * inChannels + i) * taps + tap;
        const engine = (tap * inChannels + i) * outChannels + o;
        if (direction === 'pack') to[engine] = from[torch]!;
        else to[torch] = from[engine]!;
      }
    }
  }
}
