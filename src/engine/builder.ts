// What lowering for training and for inference have in common: the flat parameter and statistics
// buffers with a slot for each PyTorch tensor, the inputs and outputs, and bookkeeping for buffers
// and norms.

import { IMAGE_BYTES, IMAGE_CHANNELS } from '../data/dataset.ts';
import type { ConvNorm, ConvolutionLayer, Network } from '../nn/network.ts';
import { convNormLayers } from '../nn/network.ts';
import { parameterSpecs, runningStatisticSpecs } from '../nn/parameters.ts';
import { elementCount } from '../util/tensor.ts';
import { align, planMemory } from './plan.ts';
import type {
  BufferId,
  BufferRole,
  BufferSpec,
  ConvolutionGeometry,
  LinearGeometry,
  NormId,
  NormSpec,
  Operation,
  Program,
  ProgramBuffers,
  TensorSlot,
} from './program.ts';

/** Tensors start at multiples of this many floats (64 bytes), so kernels may use whole vectors. */
const SLOT_ALIGNMENT = 16;

export class ProgramBuilder {
  readonly network: Network;
  readonly batchSize: number;
  readonly setup: Operation[] = [];
  readonly body: Operation[] = [];
  readonly named: ProgramBuffers;
  private readonly buffers: Omit<BufferSpec, 'offset'>[] = [];
  private readonly norms: NormSpec[] = [];
  private readonly normIds = new Map<string, NormId>();
  private readonly slots: TensorSlot[] = [];
  private readonly offsets = new Map<string, number>();

  constructor(network: Network, batchSize: number, mode: 'train' | 'infer') {
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new RangeError(`batch size ${batchSize} is not a positive integer`);
    }
    this.network = network;
    this.batchSize = batchSize;
    const parameters = this.addSlots('parameters', parameterSpecs(network));
    const running = this.addSlots('running', runningStatisticSpecs(network));
    const training =
      mode === 'train'
        ? {
            gradients: this.addBuffer('gradients', 'gradients', 'f32', parameters.elements),
            momentum: this.addBuffer('momentum', 'momentum', 'f32', parameters.elements),
          }
        : {};
    this.named = {
      parameters: parameters.id,
      running: running.id,
      ...training,
      images: this.addImages('images', 'input', 'u8', IMAGE_BYTES),
      augmentation: this.addImages('augmentation', 'input', 'i32', 3),
      labels: this.addImages('labels', 'input', 'i32', 1),
      normalization: this.addBuffer('normalization', 'input', 'f32', IMAGE_CHANNELS + IMAGE_BYTES),
      logits: this.addImages('logits', 'output', 'f32', network.classes),
    };
    for (const { conv, norm } of convNormLayers(network)) {
      this.normIds.set(norm.name, this.norms.length);
      this.norms.push({
        name: norm.name,
        channels: norm.channels,
        size: conv.outSize,
        gamma: this.offsetOf(`${norm.name}.weight`),
        beta: this.offsetOf(`${norm.name}.bias`),
        runningMean: this.offsetOf(`${norm.name}.running_mean`),
        runningVariance: this.offsetOf(`${norm.name}.running_var`),
      });
    }
  }

  /** A buffer that is not made of images. */
  addBuffer(name: string, role: BufferRole, type: BufferSpec['type'], elements: number): BufferId {
    return this.buffers.push({ name, role, type, elements, perImage: 0 }) - 1;
  }

  /** A buffer with one row an image. */
  addImages(name: string, role: BufferRole, type: BufferSpec['type'], perImage: number): BufferId {
    const elements = perImage * this.batchSize;
    return this.buffers.push({ name, role, type, elements, perImage }) - 1;
  }

  /** A float activation. */
  addActivation(name: string, perImage: number): BufferId {
    return this.addImages(name, 'activation', 'f32', perImage);
  }

  /** One that is shaped like the output of `conv`. */
  addOutput(name: string, { outSize, outChannels }: ConvolutionLayer): BufferId {
    return this.addActivation(name, outSize * outSize * outChannels);
  }

  /** Offset of a tensor in its flat buffer. */
  offsetOf(tensor: string): number {
    const offset = this.offsets.get(tensor);
    if (offset === undefined) throw new Error(`no tensor ${tensor}`);
    return offset;
  }

  normOf({ norm }: ConvNorm): NormId {
    return this.normIds.get(norm.name) as NormId;
  }

  geometryOf({ conv }: ConvNorm): ConvolutionGeometry {
    return { ...conv, weight: this.offsetOf(`${conv.name}.weight`) };
  }

  /** The classifier's place and shape, for the linear operations. */
  linearGeometry(): LinearGeometry {
    const { name, inFeatures, outFeatures } = this.network.classifier;
    const weight = this.offsetOf(`${name}.weight`);
    return { weight, bias: this.offsetOf(`${name}.bias`), inFeatures, outFeatures };
  }

  finish(mode: Program['mode'], labelSmoothing: number): Program {
    const { buffers, bytes } = planMemory(this.buffers, this.setup, this.body);
    const { network, batchSize, norms, slots, named, setup, body } = this;
    return {
      mode,
      network,
      batchSize,
      buffers,
      norms,
      slots,
      named,
      setup,
      body,
      bytes,
      labelSmoothing,
    };
  }

  private addSlots(
    buffer: 'parameters' | 'running',
    specs: readonly { name: string; shape: readonly number[] }[],
  ): { id: BufferId; elements: number } {
    let offset = 0;
    for (const { name, shape } of specs) {
      const length = elementCount(shape);
      this.slots.push({ name, shape, buffer, offset, length });
      this.offsets.set(name, offset);
      offset += align(length, SLOT_ALIGNMENT);
    }
    return { id: this.addBuffer(buffer, buffer, 'f32', offset), elements: offset };
  }
}
