// One image on its way through a network, for people to look at: the maps of each block before and
// after its shortcut, and the arithmetic of a single pixel. Plain loops that follow the formulas; sums
// are taken in float64 and maps kept in float32, so values agree with every backend's to about 1e-6.

import { IMAGE_BYTES, IMAGE_CHANNELS, IMAGE_SIZE } from '../data/dataset.ts';
import type { Normalization } from '../data/normalization.ts';
import { NORM_EPSILON } from '../engine/constants.ts';
import { normalizationValues } from '../engine/inputs.ts';
import type { Block, ConvNorm, ConvolutionLayer, Network } from '../nn/network.ts';
import { checkWeights } from '../nn/parameters.ts';
import { softmax } from '../train/softmax.ts';
import { UserError } from '../util/errors.ts';
import type { NamedTensors } from '../util/tensor.ts';

/** Values of one layer for one image: rows from the top, the channels of a pixel together. */
export interface FeatureMap {
  /** Height and width. */
  readonly size: number;
  readonly channels: number;
  readonly values: Float32Array<ArrayBuffer>;
}

/** What a block, or the stem, makes of an image. */
export interface BlockMaps {
  /** `conv1` for the stem, else `layer1.0` ... */
  readonly block: string;
  /** What comes in; the normalised image for the stem. */
  readonly input: FeatureMap;
  /** After the first convolution, its normalisation and ReLU; absent for the stem. */
  readonly middle?: FeatureMap;
  /** After the last normalisation, before the shortcut is added. */
  readonly residual: FeatureMap;
  /** What is added; absent for the stem and in plain nets. */
  readonly shortcut?: FeatureMap;
  /** After the addition and ReLU. */
  readonly output: FeatureMap;
}

/** The arithmetic of one pixel of one channel. */
export interface PixelArithmetic {
  /** `layer1.0.conv1` ... */
  readonly convolution: string;
  readonly kernel: number;
  readonly stride: number;
  readonly inputChannels: number;
  /** kernel × kernel × inputChannels values that the weights see; zero outside the map. */
  readonly patch: Float32Array<ArrayBuffer>;
  /** In the order of `patch`. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** Σ weights · patch. */
  readonly sum: number;
  /** Batch normalisation: scale · (sum − mean) / √(variance + epsilon) + shift. */
  readonly mean: number;
  readonly variance: number;
  readonly epsilon: number;
  readonly scale: number;
  readonly shift: number;
  readonly normalized: number;
  /** What the shortcut adds, where this convolution is a block's last. */
  readonly shortcut?: number;
  /** After ReLU; of a projection, which has none, what is added to the block's residual. */
  readonly output: number;
}

/** A part of a network that can be looked into. */
export interface BlockName {
  /** `conv1` for the stem, else `layer1.0` ... */
  readonly block: string;
  readonly convolutions: readonly string[];
  /** Of its output. */
  readonly size: number;
  readonly channels: number;
}

/** The stem and the blocks, in order. */
export function blockNames({ stem, blocks }: Network): BlockName[] {
  const named = (block: string, layers: readonly ConvNorm[]): BlockName => {
    const { outSize, outChannels } = layers.at(-1)!.conv;
    const convolutions = layers.map(({ conv }) => conv.name);
    return { block, convolutions, size: outSize, channels: outChannels };
  };
  return [
    named(stem.conv.name, [stem]),
    ...blocks.map((block) =>
      named(block.name, [...projectionOf(block), block.first, block.second]),
    ),
  ];
}

/** An image's pass through a network; blocks are computed when they are asked for, in order. */
export class ImagePass {
  private readonly network: Network;
  private readonly weights: NamedTensors;
  private readonly done: BlockMaps[] = [];
  private readonly image: FeatureMap;

  /**
   * @param pixels 32 × 32 × 3 bytes
   * @throws UserError if the weights are not the network's
   */
  constructor(
    network: Network,
    weights: NamedTensors,
    normalization: Normalization,
    pixels: Uint8Array,
  ) {
    checkWeights(network, weights, 'What was loaded');
    if (pixels.length !== IMAGE_BYTES) {
      throw new UserError(`An image has ${IMAGE_BYTES} bytes, not ${pixels.length}.`);
    }
    this.network = network;
    this.weights = weights;
    const factors = normalizationValues(normalization);
    const values = Float32Array.from(pixels, (byte, place) => {
      const factor = factors[place % IMAGE_CHANNELS]!;
      return byte * factor + factors[IMAGE_CHANNELS + place]!;
    });
    this.image = { size: IMAGE_SIZE, channels: IMAGE_CHANNELS, values };
  }

  /** @throws UserError naming the blocks that exist */
  maps(block: string): BlockMaps {
    const names = blockNames(this.network).map((each) => each.block);
    const index = names.indexOf(block);
    if (index < 0) {
      throw new UserError(
        `${this.network.arch} has no block "${block}": it has ${names[0]}, ${names[1]} to ${names.at(-1)}.`,
      );
    }
    while (this.done.length <= index) this.done.push(this.next());
    return this.done[index] as BlockMaps;
  }

  /**
   * @param row, column place in the convolution's output
   * @throws UserError for a convolution or a place that does not exist
   */
  pixel(convolution: string, row: number, column: number, channel: number): PixelArithmetic {
    const { stem, blocks } = this.network;
    const block = blocks.find((each) => convolution.startsWith(`${each.name}.`));
    const layers = block ? [...projectionOf(block), block.first, block.second] : [stem];
    const layer = layers.find(({ conv }) => conv.name === convolution);
    if (!layer) {
      throw new UserError(`${this.network.arch} has no convolution "${convolution}".`);
    }
    const { conv } = layer;
    const isInside = (value: number, end: number) =>
      Number.isInteger(value) && value >= 0 && value < end;
    if (
      !isInside(row, conv.outSize) ||
      !isInside(column, conv.outSize) ||
      !isInside(channel, conv.outChannels)
    ) {
      throw new UserError(
        `${convolution} makes ${conv.outChannels} maps of ${conv.outSize} × ${conv.outSize} pixels: there is no pixel (${row}, ${column}) of channel ${channel}.`,
      );
    }
    const maps = this.maps(block?.name ?? stem.conv.name);
    const input = layer === block?.second ? maps.middle! : maps.input;
    const place = (row * conv.outSize + column) * conv.outChannels + channel;
    const { patch, weights, sum } = this.patch(conv, input, row, column, channel);
    const norm = this.normOf(layer, channel);
    const normalized = (norm.scale * (sum - norm.mean)) / norm.deviation + norm.shift;
    const { deviation: _, ...facts } = norm;
    const isLast = layer === block?.second;
    const added = isLast ? maps.shortcut?.values[place] : undefined;
    const isProjection = conv.kernel === 1;
    return {
      convolution,
      kernel: conv.kernel,
      stride: conv.stride,
      inputChannels: conv.inChannels,
      patch,
      weights,
      sum,
      ...facts,
      epsilon: NORM_EPSILON,
      normalized,
      ...(added !== undefined && { shortcut: added }),
      output: isProjection ? normalized : Math.max(0, normalized + (added ?? 0)),
    };
  }

  /** One for each class; they sum to 1. */
  probabilities(): Float64Array {
    const { blocks, classifier } = this.network;
    const { output } = this.maps(blocks.at(-1)!.name);
    const pooled = new Float64Array(output.channels);
    output.values.forEach((value, i) => {
      pooled[i % output.channels]! += value / output.size ** 2;
    });
    const weight = this.tensor(`${classifier.name}.weight`);
    const bias = this.tensor(`${classifier.name}.bias`);
    return softmax(
      bias.map((start, c) => {
        let sum = start;
        for (let i = 0; i < pooled.length; i++) sum += weight[c * pooled.length + i]! * pooled[i]!;
        return sum;
      }),
    );
  }

  private next(): BlockMaps {
    const { stem, blocks } = this.network;
    const before = this.done.at(-1);
    if (!before) {
      const residual = this.convNorm(stem, this.image);
      return { block: stem.conv.name, input: this.image, residual, output: rectified(residual) };
    }
    const block = blocks[this.done.length - 1] as Block;
    const input = before.output;
    const middle = rectified(this.convNorm(block.first, input));
    const residual = this.convNorm(block.second, middle);
    const shortcut = this.shortcut(block, input, residual);
    const output = rectified(residual, shortcut);
    return { block: block.name, input, middle, residual, ...(shortcut && { shortcut }), output };
  }

  private shortcut(
    { shortcut }: Block,
    input: FeatureMap,
    { size, channels }: FeatureMap,
  ): FeatureMap | undefined {
    switch (shortcut.kind) {
      case 'none':
        return undefined;
      case 'identity':
        return input;
      case 'projection':
        return this.convNorm(shortcut.projection, input);
      case 'pad': {
        const values = new Float32Array(size * size * channels);
        for (let pixel = 0; pixel < size * size; pixel++) {
          const [row, column] = [2 * Math.floor(pixel / size), 2 * (pixel % size)];
          const from = (row * input.size + column) * input.channels;
          const to = pixel * channels + shortcut.channelsBefore;
          values.set(input.values.subarray(from, from + input.channels), to);
        }
        return { size, channels, values };
      }
      default:
        throw new Error(`unknown shortcut ${shortcut satisfies never}`);
    }
  }

  /** Convolution and batch normalisation with running statistics. */
  private convNorm(layer: ConvNorm, input: FeatureMap): FeatureMap {
    const { kernel, stride, outSize, inChannels, outChannels, name } = layer.conv;
    // [out][in][row][column] to [row][column][in][out], so that the innermost loop runs along memory.
    const weight = this.tensor(`${name}.weight`);
    const taps = kernel * kernel;
    const inner = new Float64Array(weight.length);
    for (let i = 0; i < weight.length; i++) {
      const out = Math.floor(i / (inChannels * taps));
      const from = Math.floor(i / taps) % inChannels;
      inner[((i % taps) * inChannels + from) * outChannels + out] = weight[i]!;
    }
    const norms = Array.from({ length: outChannels }, (_, c) => this.normOf(layer, c));
    const values = new Float32Array(outSize * outSize * outChannels);
    const sums = new Float64Array(outChannels);
    const border = (kernel - 1) / 2;
    for (let pixel = 0; pixel < outSize * outSize; pixel++) {
      sums.fill(0);
      const row = Math.floor(pixel / outSize) * stride - border;
      const column = (pixel % outSize) * stride - border;
      for (let tap = 0; tap < taps; tap++) {
        const y = row + Math.floor(tap / kernel);
        const x = column + (tap % kernel);
        if (y < 0 || x < 0 || y >= input.size || x >= input.size) continue;
        for (let i = 0; i < inChannels; i++) {
          const value = input.values[(y * input.size + x) * inChannels + i]!;
          if (value === 0) continue;
          const at = (tap * inChannels + i) * outChannels;
          for (let c = 0; c < outChannels; c++) sums[c]! += value * inner[at + c]!;
        }
      }
      for (let c = 0; c < outChannels; c++) {
        const { scale, mean, deviation, shift } = norms[c]!;
        values[pixel * outChannels + c] = (scale * (sums[c]! - mean)) / deviation + shift;
      }
    }
    return { size: outSize, channels: outChannels, values };
  }

  private normOf({ norm }: ConvNorm, channel: number) {
    const value = (part: string) => this.tensor(`${norm.name}.${part}`)[channel]!;
    const variance = value('running_var');
    return {
      mean: value('running_mean'),
      variance,
      deviation: Math.sqrt(variance + NORM_EPSILON),
      scale: value('weight'),
      shift: value('bias'),
    };
  }

  private patch(
    { name, kernel, stride, inChannels }: ConvolutionLayer,
    input: FeatureMap,
    row: number,
    column: number,
    channel: number,
  ) {
    const weight = this.tensor(`${name}.weight`);
    const patch = new Float32Array(kernel * kernel * inChannels);
    const weights = new Float32Array(patch.length);
    const border = (kernel - 1) / 2;
    let sum = 0;
    for (let place = 0; place < patch.length; place++) {
      const tap = Math.floor(place / inChannels);
      const i = place % inChannels;
      const y = row * stride - border + Math.floor(tap / kernel);
      const x = column * stride - border + (tap % kernel);
      const inside = y >= 0 && x >= 0 && y < input.size && x < input.size;
      patch[place] = inside ? input.values[(y * input.size + x) * inChannels + i]! : 0;
      weights[place] = weight[(channel * inChannels + i) * kernel * kernel + tap]!;
      sum += patch[place]! * weights[place]!;
    }
    return { patch, weights, sum };
  }

  private tensor(name: string): Float32Array {
    return this.weights.get(name)!.data;
  }
}

function projectionOf({ shortcut }: Block): ConvNorm[] {
  return shortcut.kind === 'projection' ? [shortcut.projection] : [];
}

function rectified(map: FeatureMap, added?: FeatureMap): FeatureMap {
  const values = map.values.map((value, i) => Math.max(0, value + (added?.values[i] ?? 0)));
  return { ...map, values };
}

/**
 * The filters of the first convolution, which see colours.
 * @returns count × 3 × 3 × 3 values: rows from the top, the colours of a place together
 */
export function firstFilters(
  { stem }: Network,
  weights: NamedTensors,
): { readonly count: number; readonly values: Float32Array<ArrayBuffer> } {
  const { outChannels, inChannels, kernel, name } = stem.conv;
  const taps = kernel * kernel;
  const { data } = weights.get(`${name}.weight`)!;
  const values = Float32Array.from(data, (_, i) => {
    const filter = Math.floor(i / (taps * inChannels));
    const [tap, colour] = [Math.floor(i / inChannels) % taps, i % inChannels];
    return data[(filter * inChannels + colour) * taps + tap]!;
  });
  return { count: outChannels, values };
}
