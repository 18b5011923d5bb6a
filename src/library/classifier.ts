/// <reference lib="esnext.disposable" preserve="true" />
// A trained network as a function from pictures to classes, for programs that use table6 as a library.
// How a picture is read is the host's (a path on Node, an <img> in a browser); the rest is here.

import { IMAGE_BYTES } from '../data/dataset.ts';
import type { Backend, Executable } from '../engine/backend.ts';
import { classNames, type Model } from '../runs/model.ts';
import { predictImages } from '../train/evaluate.ts';
import { createInference } from '../train/executables.ts';
import type { RankedClass } from '../train/softmax.ts';

export interface Prediction {
  /** Class name; `class 3` where the weights have no names. */
  readonly name: string;
  readonly probability: number;
  /** Place among the logits. */
  readonly index: number;
}

export interface ClassifyOptions {
  /** How many classes to give for each picture (default 5, or all where there are fewer). */
  readonly top?: number;
}

export interface Classifier<Picture> extends AsyncDisposable {
  /** `resnet20` */
  readonly arch: string;
  /** Names in the order of the logits. */
  readonly classes: readonly string[];
  /** One line on what computes: engine, threads. */
  readonly description: string;
  /** The likeliest classes of a picture, likeliest first. */
  classify(picture: Picture, options?: ClassifyOptions): Promise<Prediction[]>;
  /** The same for many pictures, in their order. */
  classify(pictures: readonly Picture[], options?: ClassifyOptions): Promise<Prediction[][]>;
  /** Ends the engine's threads and frees its memory. */
  dispose(): Promise<void>;
}

/** Pictures that run through the network together. */
const BATCH = 32;

/**
 * Makes a classifier.
 * @param backend is the classifier's from now on, and ends with it
 * @param read brings a picture into 32 × 32 × 3 bytes
 */
export async function makeClassifier<Picture>(
  model: Model,
  backend: Backend,
  read: (picture: Picture) => Promise<Uint8Array>,
): Promise<Classifier<Picture>> {
  const { network, weights, normalization } = model;
  try {
    const executable = await createInference(backend, network, weights, normalization, BATCH);
    return new NetworkClassifier(model, backend, executable, read);
  } catch (error) {
    await backend.dispose();
    throw error;
  }
}

class NetworkClassifier<Picture> implements Classifier<Picture> {
  readonly arch: string;
  readonly classes: readonly string[];
  readonly description: string;
  private readonly backend: Backend;
  private readonly executable: Executable;
  private readonly read: (picture: Picture) => Promise<Uint8Array>;
  /** Calls take turns: one executable has one place for logits. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    model: Model,
    backend: Backend,
    executable: Executable,
    read: (picture: Picture) => Promise<Uint8Array>,
  ) {
    const { network } = model;
    this.arch = network.arch;
    this.classes = classNames(model);
    this.description = backend.description;
    this.backend = backend;
    this.executable = executable;
    this.read = read;
  }

  classify(picture: Picture, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(pictures: readonly Picture[], options?: ClassifyOptions): Promise<Prediction[][]>;
  async classify(
    given: Picture | readonly Picture[],
    { top = 5 }: ClassifyOptions = {},
  ): Promise<Prediction[] | Prediction[][]> {
    const pictures: readonly Picture[] = Array.isArray(given) ? given : [given as Picture];
    const images = new Uint8Array(pictures.length * IMAGE_BYTES);
    for (const [place, picture] of pictures.entries()) {
      images.set(await this.read(picture), place * IMAGE_BYTES);
    }
    const ranked = this.turn.then(() => predictImages(this.executable, images, top));
    this.turn = ranked.catch(() => {});
    const predictions = (await ranked).map((classes) => classes.map((one) => this.named(one)));
    return Array.isArray(given) ? predictions : (predictions[0] as Prediction[]);
  }

  async dispose(): Promise<void> {
    await this.turn;
    await this.executable.dispose();
    await this.backend.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private named({ index, probability }: RankedClass): Prediction {
    return { name: this.classes[index] as string, probability, index };
  }
}
