// Operands that other backends make while they read them, here made in full: the augmented and
// normalised image, and relu(scale·y + shift + shortcut).

import { CROP_PADDING } from '../../data/batches.ts';
import { IMAGE_BYTES, IMAGE_CHANNELS, IMAGE_SIZE } from '../../data/dataset.ts';
import type { Activation, NormId, ReluGate, Shortcut } from '../operations/operands.ts';
import { bufferOf, namedOf, normOf, type ReferenceState } from './state.ts';

/** The operand's values for the first `count` images, NHWC. */
export function materialize(state: ReferenceState, activation: Activation): Float64Array {
  switch (activation.kind) {
    case 'image':
      return augmentedImages(state);
    case 'buffer':
      return bufferOf(state, activation.x);
    case 'normalized': {
      const values = normalized(state, activation.y, activation.norm);
      if (activation.shortcut) addShortcut(state, values, activation.shortcut);
      for (let i = 0; i < values.length; i++) values[i] = Math.max(0, values[i]!);
      if (activation.keep !== undefined) bufferOf(state, activation.keep).set(values);
      return values;
    }
    default:
      throw new Error(`unknown activation ${activation satisfies never}`);
  }
}

/** scale·y + shift, for the images of the batch. */
function normalized(state: ReferenceState, y: number, norm: NormId): Float64Array {
  const { spec, scale, shift } = normOf(state, norm);
  const length = state.batch.count * spec.size * spec.size * spec.channels;
  const values = bufferOf(state, y).slice(0, length);
  for (let i = 0; i < length; i++) {
    const c = i % spec.channels;
    values[i] = scale[c]! * values[i]! + shift[c]!;
  }
  return values;
}

/** Adds the shortcut to a block's output, which has `values.length / count` values an image. */
export function addShortcut(state: ReferenceState, values: Float64Array, shortcut: Shortcut): void {
  if (shortcut.kind === 'identity') {
    const x = bufferOf(state, shortcut.x);
    for (let i = 0; i < values.length; i++) values[i]! += x[i]!;
  } else if (shortcut.kind === 'projection') {
    const projected = normalized(state, shortcut.y, shortcut.norm);
    for (let i = 0; i < values.length; i++) values[i]! += projected[i]!;
  } else {
    const { inChannels, channelsBefore } = shortcut;
    const outChannels = 2 * inChannels;
    const x = bufferOf(state, shortcut.x);
    const size = Math.sqrt(values.length / state.batch.count / outChannels);
    for (let n = 0; n < state.batch.count; n++) {
      for (let row = 0; row < size; row++) {
        for (let column = 0; column < size; column++) {
          const from = ((n * 2 * size + 2 * row) * 2 * size + 2 * column) * inChannels;
          const to = ((n * size + row) * size + column) * outChannels + channelsBefore;
          for (let c = 0; c < inChannels; c++) values[to + c]! += x[from + c]!;
        }
      }
    }
  }
}

/** 1 where the ReLU let its input through, else 0. */
export function gateValue(state: ReferenceState, gate: ReluGate): (index: number) => boolean {
  if (gate.kind === 'buffer') {
    const x = bufferOf(state, gate.x);
    return (index) => x[index]! > 0;
  }
  const y = bufferOf(state, gate.y);
  const { spec, scale, shift } = normOf(state, gate.norm);
  return (index) => {
    const c = index % spec.channels;
    return scale[c]! * y[index]! + shift[c]! > 0;
  };
}

function augmentedImages(state: ReferenceState): Float64Array {
  const { count, images, augmentation } = state.batch;
  const normalization = namedOf(state, 'normalization');
  const values = new Float64Array(count * IMAGE_BYTES);
  for (let n = 0; n < count; n++) {
    const rowShift = augmentation[3 * n]! - CROP_PADDING;
    const columnShift = augmentation[3 * n + 1]! - CROP_PADDING;
    const flip = augmentation[3 * n + 2]! !== 0;
    for (let row = 0; row < IMAGE_SIZE; row++) {
      for (let column = 0; column < IMAGE_SIZE; column++) {
        const fromRow = row + rowShift;
        const fromColumn = (flip ? IMAGE_SIZE - 1 - column : column) + columnShift;
        const inside =
          fromRow >= 0 && fromRow < IMAGE_SIZE && fromColumn >= 0 && fromColumn < IMAGE_SIZE;
        for (let c = 0; c < IMAGE_CHANNELS; c++) {
          const from = n * IMAGE_BYTES + (fromRow * IMAGE_SIZE + fromColumn) * IMAGE_CHANNELS + c;
          const place = (row * IMAGE_SIZE + column) * IMAGE_CHANNELS + c;
          const byte = inside ? images[from]! : 0;
          values[n * IMAGE_BYTES + place] =
            byte * normalization[c]! + normalization[IMAGE_CHANNELS + place]!;
        }
      }
    }
  }
  return values;
}
