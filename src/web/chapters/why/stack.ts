// A small stack of blocks that is really computed, for the chapter's diagram: fully connected layers of
// random weights, as they are before training, in the arrangement of the paper's blocks, with a batch
// of random inputs going forward and a random gradient coming back. This is small enough to be done
// while a slider moves (some ten milliseconds for 54 layers; stack-worker.ts does it beside the page).
//
// A matrix of the batch has one row an input, WIDTH values each.

import { randomStream } from '../../../util/random.ts';

const WIDTH = 32;
const BATCH = 32;
const EPSILON = 1e-5;

export interface StackSettings {
  /** Of two layers each. */
  readonly blocks: number;
  /**
   * What each layer multiplies by. At 1 its weights have the spread of He et al. (2015, "Delving deep
   * into rectifiers"), which keeps the size of signals through a ReLU.
   */
  readonly gain: number;
  /** Whether each layer's outputs are brought to mean 0 and spread 1 over the batch before the gain. */
  readonly normalized: boolean;
  readonly shortcut: boolean;
  readonly seed: number;
}

/** Sizes are root mean squares over all inputs of the batch and all values of a layer. */
export interface StackTrace {
  /** Of what enters each block, and of what leaves the last one; the first is 1. */
  readonly signal: readonly number[];
  /** Of what the two layers of each block give, in the same unit. */
  readonly residual: readonly number[];
  /** Of the gradient at the same places as `signal`; the last is 1. */
  readonly gradient: readonly number[];
}

/** Sends a batch forward and a gradient back. */
export function traceStack(settings: StackSettings): StackTrace {
  const input = normals(settings.seed, 'input', BATCH * WIDTH).map(relu);
  const passes = forward(settings, input);
  const output = passes.at(-1)!.output;
  const gradients = backward(settings, passes, normals(settings.seed, 'gradient', output.length));
  const unit = rootMeanSquare(input);
  const gradientUnit = rootMeanSquare(gradients.at(-1)!);
  return {
    signal: [input, ...passes.map((pass) => pass.output)].map((x) => rootMeanSquare(x) / unit),
    residual: passes.map(({ second }) => rootMeanSquare(second.output) / unit),
    gradient: gradients.map((gradient) => rootMeanSquare(gradient) / gradientUnit),
  };
}

/** What a layer gave, and what its gradient needs. */
interface LayerPass {
  readonly weights: Float64Array;
  /** After normalisation and gain. */
  readonly output: Float64Array;
  /** One over the deviation of each value over the batch, where it was normalised. */
  readonly scales?: Float64Array;
}

/** What a block gave: relu(second(relu(first(x))) [+ x]). */
export interface BlockPass {
  readonly first: LayerPass;
  readonly second: LayerPass;
  readonly output: Float64Array;
}

/** Every block's values, for an input of BATCH rows. */
export function forward(settings: StackSettings, input: Float64Array): BlockPass[] {
  const passes: BlockPass[] = [];
  let x = input;
  for (let block = 0; block < settings.blocks; block++) {
    const first = layerForward(settings, 2 * block, x);
    const second = layerForward(settings, 2 * block + 1, first.output.map(relu));
    const before = x;
    const output = second.output.map((value, i) =>
      relu(settings.shortcut ? value + before[i]! : value),
    );
    passes.push({ first, second, output });
    x = output;
  }
  return passes;
}

/**
 * Gradients of Σ last output · `top`: before the first block, between blocks, and behind the last one
 * (`top` itself).
 */
export function backward(
  settings: StackSettings,
  passes: readonly BlockPass[],
  top: Float64Array,
): Float64Array[] {
  const gradients = [top];
  for (const { first, second, output } of passes.toReversed()) {
    const sum = gradients[0]!.map((value, i) => (output[i]! > 0 ? value : 0));
    const middle = layerBackward(settings, second, sum);
    const gated = middle.map((value, i) => (first.output[i]! > 0 ? value : 0));
    const below = layerBackward(settings, first, gated);
    gradients.unshift(settings.shortcut ? below.map((value, i) => value + sum[i]!) : below);
  }
  return gradients;
}

function layerForward(settings: StackSettings, layer: number, x: Float64Array): LayerPass {
  const { gain, normalized, seed } = settings;
  const weights = weightsOf(seed, layer);
  const output = new Float64Array(BATCH * WIDTH);
  const scales = normalized ? new Float64Array(WIDTH) : undefined;
  for (let o = 0; o < WIDTH; o++) {
    let total = 0;
    let squares = 0;
    for (let b = 0; b < BATCH; b++) {
      let sum = 0;
      for (let i = 0; i < WIDTH; i++) sum += weights[o * WIDTH + i]! * x[b * WIDTH + i]!;
      output[b * WIDTH + o] = sum;
      total += sum;
      squares += sum * sum;
    }
    const mean = scales ? total / BATCH : 0;
    const scale = scales ? 1 / Math.sqrt(squares / BATCH - mean ** 2 + EPSILON) : 1;
    if (scales) scales[o] = scale;
    for (let b = 0; b < BATCH; b++) {
      output[b * WIDTH + o] = gain * scale * (output[b * WIDTH + o]! - mean);
    }
  }
  return { weights, output, scales };
}

/** From the gradient of a layer's output to that of its input. */
function layerBackward(
  { gain }: StackSettings,
  { weights, output, scales }: LayerPass,
  gradient: Float64Array,
): Float64Array {
  const below = new Float64Array(BATCH * WIDTH);
  for (let o = 0; o < WIDTH; o++) {
    let mean = 0;
    let product = 0;
    for (let b = 0; scales && b < BATCH; b++) {
      const value = gradient[b * WIDTH + o]! / BATCH;
      mean += value;
      product += (value * output[b * WIDTH + o]!) / gain;
    }
    const scale = gain * (scales ? scales[o]! : 1);
    for (let b = 0; b < BATCH; b++) {
      const at = b * WIDTH;
      const value = scale * (gradient[at + o]! - mean - (product * output[at + o]!) / gain);
      for (let i = 0; i < WIDTH; i++) below[at + i]! += value * weights[o * WIDTH + i]!;
    }
  }
  return below;
}

/** Drawn once: a slider that moves asks for the same weights again and again. */
let kept: { readonly seed: number; readonly layers: Float64Array[] } = { seed: -1, layers: [] };

function weightsOf(seed: number, layer: number): Float64Array {
  if (kept.seed !== seed) kept = { seed, layers: [] };
  const spread = Math.sqrt(2 / WIDTH);
  kept.layers[layer] ??= normals(seed, `layer ${layer}`, WIDTH * WIDTH).map((x) => spread * x);
  return kept.layers[layer];
}

function normals(seed: number, purpose: string, count: number): Float64Array {
  const random = randomStream(seed, purpose);
  return Float64Array.from({ length: count }, () => random.normal());
}

function relu(x: number): number {
  return Math.max(0, x);
}

function rootMeanSquare(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum / values.length);
}
