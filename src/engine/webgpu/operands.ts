// Operands that are made while they are read, as WGSL: the augmented and normalised image,
// relu(norm(y) + shortcut), and the gradient that enters a convolution. Kernels stage them into
// workgroup memory with `stagePatch`, four channels of a pixel at a time.

import { CROP_PADDING } from '../../data/batches.ts';
import { IMAGE_CHANNELS, IMAGE_SIZE } from '../../data/dataset.ts';
import type { Activation, MapShape, OutputGradient, ProgramBuffers, Shortcut } from '../program.ts';
import type { KernelBuilder } from './kernel.ts';

/** Where a value is: expressions (u32) for image, row, column and vector of four channels. */
export interface Place {
  readonly image: string;
  readonly row: string;
  readonly column: string;
  readonly c4: string;
}

export interface Operand extends MapShape {
  /** Statements, once a thread and chunk: loads what depends on the channels alone. */
  prepare(c4: string): string;
  /** Statements that set `v`, a vec4f. */
  load(place: Place): string;
  /** Statements that store `v` where the operand is kept, if it is. */
  readonly keep?: (place: Place) => string;
}

/** The place that variables of these names say. */
export const HERE: Place = { image: 'image', row: 'row', column: 'column', c4: 'c4' };

/** Index (u32 expression) of four channels in an NHWC tensor. */
export function at({ size, channels }: MapShape, { image, row, column, c4 }: Place): string {
  return `((${image} * ${size}u + ${row}) * ${size}u + ${column}) * ${channels / 4}u + ${c4}`;
}

export function activationOperand(
  builder: KernelBuilder,
  activation: Activation,
  shape: MapShape,
  named: ProgramBuffers,
): Operand {
  switch (activation.kind) {
    case 'image':
      return imageOperand(builder, named);
    case 'buffer': {
      const x = builder.tensor('x', activation.x, 'read');
      return {
        ...shape,
        prepare: () => '',
        load: (place) => `v = ${x.load(at(shape, place))};`,
      };
    }
    case 'normalized': {
      const { y, norm, shortcut, keep } = activation;
      const output = builder.tensor('y', y, 'read');
      const coefficients = builder.norm('norm', norm, shape.channels);
      const added = shortcut && shortcutTerm(builder, shortcut, shape);
      const kept = keep === undefined ? undefined : builder.tensor('keep', keep, 'read_write');
      return {
        ...shape,
        prepare: (c4) => `
          let scale = ${coefficients.row('scale', c4)};
          let shift = ${coefficients.row('shift', c4)};
          ${added?.prepare(c4) ?? ''}`,
        load: (place) => `
          v = scale * ${output.load(at(shape, place))} + shift;
          ${added?.add(place) ?? ''}
          v = select(v, vec4f(), v < vec4f());`,
        keep: kept && ((place) => kept.store(at(shape, place), 'v')),
      };
    }
    default:
      throw new Error(`unknown activation ${activation satisfies never}`);
  }
}

/** Adds a shortcut to `v`, which has the given shape. */
export function shortcutTerm(
  builder: KernelBuilder,
  shortcut: Shortcut,
  shape: MapShape,
): { prepare(c4: string): string; add(place: Place): string } {
  switch (shortcut.kind) {
    case 'identity': {
      const x = builder.tensor('shortcut', shortcut.x, 'read');
      return { prepare: () => '', add: (place) => `v += ${x.load(at(shape, place))};` };
    }
    case 'projection': {
      const y = builder.tensor('projected', shortcut.y, 'read');
      const norm = builder.norm('projectionNorm', shortcut.norm, shape.channels);
      return {
        prepare: (c4) => `
          let projectionScale = ${norm.row('scale', c4)};
          let projectionShift = ${norm.row('shift', c4)};`,
        add: (place) => `v += projectionScale * ${y.load(at(shape, place))} + projectionShift;`,
      };
    }
    case 'pad': {
      const { inChannels, channelsBefore } = shortcut;
      const x = builder.tensor('shortcut', shortcut.x, 'read');
      const from = { size: 2 * shape.size, channels: inChannels };
      const before = channelsBefore / 4;
      return {
        prepare: () => '',
        add: ({ image, row, column, c4 }) => `
          if (${c4} >= ${before}u && ${c4} < ${before + inChannels / 4}u) {
            v += ${x.load(at(from, { image, row: `(2u * ${row})`, column: `(2u * ${column})`, c4: `(${c4} - ${before}u)` }))};
          }`,
      };
    }
    default:
      throw new Error(`unknown shortcut ${shortcut satisfies never}`);
  }
}

/** dy = k1·dz + k2·y + k3: batch normalisation's backward pass. */
export function gradientOperand(
  builder: KernelBuilder,
  { dz, y, norm }: OutputGradient,
  shape: MapShape,
): Operand {
  const gradient = builder.tensor('dz', dz, 'read');
  const output = builder.tensor('dzY', y, 'read');
  const coefficients = builder.norm('dzNorm', norm, shape.channels);
  return {
    ...shape,
    prepare: (c4) => `
      let k1 = ${coefficients.row('k1', c4)};
      let k2 = ${coefficients.row('k2', c4)};
      let k3 = ${coefficients.row('k3', c4)};`,
    load: (place) => `
      let dyPlace = ${at(shape, place)};
      v = k1 * ${gradient.load('dyPlace')} + k2 * ${output.load('dyPlace')} + k3;`,
  };
}

/**
 * input = byte · factor[c] + bias[row][column][c] of the cropped and mirrored image; the border is
 * black (byte 0) before normalisation. The fourth channel is zero.
 */
function imageOperand(builder: KernelBuilder, named: ProgramBuffers): Operand {
  const images = builder.array('images', named.images, 'read', 'u32');
  const moves = builder.array('augmentation', named.augmentation, 'read', 'i32');
  const normalization = builder.array('normalization', named.normalization, 'read', 'f32');
  const [N, C] = [IMAGE_SIZE, IMAGE_CHANNELS];
  return {
    size: N,
    channels: C,
    prepare: () => '',
    load: ({ image, row, column }) => `
      let fromRow = i32(${row}) + ${moves}[3u * ${image}] - ${CROP_PADDING};
      let mirrored = select(${column}, ${N - 1}u - ${column}, ${moves}[3u * ${image} + 2u] != 0);
      let fromColumn = i32(mirrored) + ${moves}[3u * ${image} + 1u] - ${CROP_PADDING};
      let inside = fromRow >= 0 && fromRow < ${N} && fromColumn >= 0 && fromColumn < ${N};
      let place = (${row} * ${N}u + ${column}) * ${C}u;
      let first = u32((i32(${image}) * ${N} + fromRow) * ${N} + fromColumn) * ${C}u;
      v = vec4f();
      for (var c = 0u; c < ${C}u; c++) {
        var byte = 0u;
        if (inside) { byte = extractBits(${images}[(first + c) / 4u], 8u * ((first + c) % 4u), 8u); }
        v[c] = f32(byte) * ${normalization}[c] + ${normalization}[${C}u + place + c];
      }`,
  };
}

/**
 * Statements that stage one chunk of an operand's channels over a patch of pixels into workgroup
 * memory, zero outside the map.
 * @param patch rows, columns: its size; row, column: place of its first pixel in the map (i32
 *   expressions, may be negative); quads: vectors of channels in the chunk
 * @param store statement that takes `v`, the pixel `p` of the patch (row-major) and the vector `q`
 * @param owned condition under which this workgroup stores a kept operand's pixel (patchRow,
 *   patchColumn are u32)
 */
export function stagePatch(
  builder: KernelBuilder,
  operand: Operand,
  patch: {
    readonly rows: number;
    readonly columns: number;
    readonly row: string;
    readonly column: string;
    readonly image: string;
    readonly quads: number;
    /** First vector of the chunk. */
    readonly firstQuad: string;
  },
  threads: number,
  store: string,
  owned: string,
): string {
  const { rows, columns, quads } = patch;
  const place: Place = { image: patch.image, row: 'u32(row)', column: 'u32(column)', c4: 'c4' };
  return `
    {
      let q = tid % ${quads}u;
      let c4 = ${patch.firstQuad} + q;
      ${operand.prepare('c4')}
      for (var p = tid / ${quads}u; p < ${builder.bound(rows * columns)}; p += ${threads / quads}u) {
        let patchRow = p / ${columns}u;
        let patchColumn = p % ${columns}u;
        let row = ${patch.row} + i32(patchRow);
        let column = ${patch.column} + i32(patchColumn);
        var v = vec4f();
        if (row >= 0 && row < ${operand.size} && column >= 0 && column < ${operand.size}) {
          ${operand.load(place)}
          ${operand.keep ? `if (${owned}) { ${operand.keep(place)} }` : ''}
        }
        ${store}
      }
    }`;
}
