// Networks as ONNX models, for ONNX Runtime, browsers, phones and the rest: evaluation mode, NCHW, any
// batch size. Batch norms are folded into the convolutions before them unless asked otherwise (they
// are then two numbers a channel that cost nothing), and the normalisation of the pixels can be part
// of the model, so that whoever uses it cannot forget it.

import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import type { Block, ConvNorm, Network } from '../../nn/network.ts';
import { checkWeights } from '../../nn/parameters.ts';
import { UserError } from '../../util/errors.ts';
import type { NamedTensors } from '../../util/tensor.ts';
import { elementCount } from '../../util/tensor.ts';
import { ElementType, GraphBuilder } from './graph.ts';

export interface PixelNormalization {
  /** Subtracted from pixel / 255: one a channel, or one a place in image order (height, width, channel). */
  readonly mean: readonly number[];
  /** Divides what is left, one a channel. */
  readonly deviation: readonly number[];
}

export interface OnnxOptions {
  /** Fold batch norms into the convolutions (the default). */
  readonly foldBatchNorm?: boolean;
  /**
   * What the model takes: 'normalized' floats (the default), or pixels 0 to 255 as 'uint8' or 'float',
   * which it normalises itself.
   */
  readonly input?: 'normalized' | 'uint8' | 'float';
  /** Needed for pixels; recorded in the metadata if the input is already normalised. */
  readonly normalization?: PixelNormalization;
  /** Class names in the order of the logits. */
  readonly classNames?: readonly string[];
  /** More metadata, such as the recipe and the error. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Operators as of ONNX 1.12 (2022), which every runtime of today has. */
const OPSET = 17n;
const IR_VERSION = 8n;
/** PyTorch's default, which these networks are trained with. */
const NORM_EPSILON = 1e-5;
const BATCH = 'batch';

/**
 * An ONNX model: input `image` [batch, 3, 32, 32], output `logits` [batch, classes].
 * @param tensors parameters and running statistics under PyTorch's names
 * @throws UserError if tensors are missing, or pixels are asked for without a normalisation
 */
export function writeOnnx(
  network: Network,
  tensors: NamedTensors,
  options: OnnxOptions = {},
): Uint8Array<ArrayBuffer> {
  const { classNames, metadata = {}, normalization } = options;
  checkWeights(network, tensors, 'The network');
  if (classNames !== undefined && classNames.length !== network.classes) {
    throw new UserError(
      `${classNames.length} class names for a network of ${network.classes} classes: give one for each.`,
    );
  }
  const graph = new NetworkGraph(network, tensors, options).build();
  const properties: Record<string, string> = {
    arch: network.arch,
    shortcut: network.shortcut,
    ...(normalization && { normalization: JSON.stringify(normalization) }),
    ...(classNames && { classes: JSON.stringify(classNames) }),
    ...metadata,
  };
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    opsetImport: [{ domain: '', version: OPSET }],
    producerName: 'table6',
    graph,
    metadataProps: Object.entries(properties).map(([key, value]) => ({ key, value })),
  });
  return toBinary(ModelProtoSchema, model);
}

class NetworkGraph {
  readonly #network: Network;
  readonly #tensors: NamedTensors;
  readonly #options: OnnxOptions;
  readonly #graph: GraphBuilder;

  constructor(network: Network, tensors: NamedTensors, options: OnnxOptions) {
    this.#network = network;
    this.#tensors = tensors;
    this.#options = options;
    this.#graph = new GraphBuilder(network.arch);
  }

  build() {
    const { stem, blocks, classifier } = this.#network;
    let x = this.#convNorm(stem, this.#input());
    x = this.#graph.node('Relu', 'relu', [x]);
    for (const block of blocks) x = this.#block(block, x);
    x = this.#graph.node('GlobalAveragePool', 'pool', [x]);
    x = this.#graph.node('Flatten', 'flatten', [x], { axis: 1 });
    const weight = this.#tensor(`${classifier.name}.weight`);
    const bias = this.#tensor(`${classifier.name}.bias`);
    const logits = this.#graph.node('Gemm', 'logits', [x, weight, bias], { transB: 1 });
    this.#graph.output(logits, ElementType.FLOAT, [BATCH, this.#network.classes]);
    return this.#graph.finish();
  }

  #values(name: string): Float32Array {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw new Error(`no tensor ${name}`);
    return tensor.data;
  }

  /** A tensor of the network as a constant under its own name. */
  #tensor(name: string): string {
    const shape = this.#tensors.get(name)?.shape ?? [];
    return this.#graph.floats(name, shape, this.#values(name));
  }

  /** The input, normalised: (pixel / 255 - mean) / deviation as pixel · scale + offset. */
  #input(): string {
    const { input = 'normalized', normalization } = this.#options;
    const { inChannels, inSize } = this.#network.stem.conv;
    const shape = [inChannels, inSize, inSize];
    const type = input === 'uint8' ? ElementType.UINT8 : ElementType.FLOAT;
    let x = this.#graph.input('image', type, [BATCH, ...shape]);
    if (input === 'normalized') return x;
    if (normalization === undefined) {
      throw new UserError('A model that takes pixels needs the normalisation of its weights.');
    }
    const { mean, deviation } = normalization;
    const places = elementCount(shape);
    const isPerPixel = mean.length === places;
    if (deviation.length !== inChannels || !(isPerPixel || mean.length === inChannels)) {
      throw new UserError(
        `A normalisation has ${inChannels} or ${places} means and ${inChannels} deviations, not ${mean.length} and ${deviation.length}.`,
      );
    }
    if (input === 'uint8') x = this.#graph.node('Cast', 'float', [x], { to: ElementType.FLOAT });
    const scale = Float32Array.from(deviation, (value) => 1 / (255 * value));
    const plane = isPerPixel ? inSize * inSize : 1;
    // Image order has the channels of a pixel together; ONNX wants whole planes.
    const offset = Float32Array.from({ length: inChannels * plane }, (_, i) => {
      const channel = Math.floor(i / plane);
      const from = isPerPixel ? (i % plane) * inChannels + channel : channel;
      return -(mean[from] as number) / (deviation[channel] as number);
    });
    const side = isPerPixel ? inSize : 1;
    const scaleName = this.#graph.floats('pixels.scale', [inChannels, 1, 1], scale);
    const offsetName = this.#graph.floats('pixels.offset', [inChannels, side, side], offset);
    x = this.#graph.node('Mul', 'scaled', [x, scaleName]);
    return this.#graph.node('Add', 'normalized', [x, offsetName]);
  }

  #block({ name, first, second, shortcut }: Block, x: string): string {
    const graph = this.#graph;
    let y = graph.node('Relu', `${name}.relu1`, [this.#convNorm(first, x)]);
    y = this.#convNorm(second, y);
    if (shortcut.kind !== 'none')
      y = graph.node('Add', `${name}.add`, [y, this.#shortcut(name, shortcut, x)]);
    return graph.node('Relu', `${name}.relu2`, [y]);
  }

  #shortcut(
    name: string,
    shortcut: Exclude<Block['shortcut'], { kind: 'none' }>,
    x: string,
  ): string {
    if (shortcut.kind === 'identity') return x;
    if (shortcut.kind === 'projection') return this.#convNorm(shortcut.projection, x);
    const graph = this.#graph;
    // Every second pixel of every second row, then zero channels before and after (option A).
    const slice = [
      graph.integers('subsample.starts', [0, 0]),
      graph.integers('subsample.ends', [2 ** 31 - 1, 2 ** 31 - 1]),
      graph.integers('subsample.axes', [2, 3]),
      graph.integers('subsample.steps', [2, 2]),
    ];
    const subsampled = graph.node('Slice', `${name}.subsample`, [x, ...slice]);
    const { channelsBefore: before, channelsBehind: behind } = shortcut;
    const pads = graph.integers(`pads.${before}.${behind}`, [0, before, 0, 0, 0, behind, 0, 0]);
    return graph.node('Pad', `${name}.pad`, [subsampled, pads], { mode: 'constant' });
  }

  /** A convolution and its batch norm, as one node or two. */
  #convNorm({ conv, norm }: ConvNorm, x: string): string {
    const padding = (conv.kernel - 1) / 2;
    const attributes = {
      kernel_shape: [conv.kernel, conv.kernel],
      strides: [conv.stride, conv.stride],
      pads: [padding, padding, padding, padding],
    };
    const weightName = `${conv.name}.weight`;
    if (this.#options.foldBatchNorm === false) {
      const y = this.#graph.node('Conv', conv.name, [x, this.#tensor(weightName)], attributes);
      const inputs = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
        this.#tensor(`${norm.name}.${part}`),
      );
      const epsilon = { float: NORM_EPSILON };
      return this.#graph.node('BatchNormalization', norm.name, [y, ...inputs], { epsilon });
    }
    // gamma (w * x - mean) / sqrt(var + eps) + beta = (w s) * x + (beta - mean s), s = gamma / sqrt(...)
    const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
      (part) => this.#values(`${norm.name}.${part}`),
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];
    const scale = Float64Array.from(gamma, (g, o) => g / Math.sqrt(variance[o]! + NORM_EPSILON));
    const perOutput = conv.inChannels * conv.kernel * conv.kernel;
    const weight = this.#values(weightName).map((w, i) => w * scale[Math.floor(i / perOutput)]!);
    const bias = Float32Array.from(beta, (b, o) => b - mean[o]! * scale[o]!);
    const shape = [conv.outChannels, conv.inChannels, conv.kernel, conv.kernel];
    const constants = [
      this.#graph.floats(weightName, shape, weight),
      this.#graph.floats(`${conv.name}.bias`, [conv.outChannels], bias),
    ];
    return this.#graph.node('Conv', conv.name, [x, ...constants], attributes);
  }
}
