// The library on Node.js: weights from paths, pictures from files, threads of its own.

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { imageDecoder } from '../data/node/decode-image.ts';
import { decodePicture, decodePictureBytes } from '../data/node/picture.ts';
import { isRawImage, type RawImage, toNetworkInput } from '../data/pixels.ts';
import type { BackendOptions } from '../engine/backend-options.ts';
import { openModel } from '../runs/model.node.ts';
import type { Model } from '../runs/model.ts';
import { UserError } from '../util/errors.ts';
import { type Classifier, makeClassifier } from './classifier.ts';
import { openBackend } from './open-backend.node.ts';
import type { DrawablePicture } from './picture.browser.ts';
import {
  type LoadOptions,
  modelFromAddress,
  modelFromBytes,
  modelOptions,
  type WeightsBytes,
} from './source.ts';

/**
 * A file (PNG, JPEG, WebP, GIF, AVIF, TIFF), its content, or pixels. Files are read by the optional package sharp.
 *
 * What a page draws (`<img>`, `<canvas>`) is in it because type checkers take these types for bundles, too,
 * which run with the browser's build; on Node.js it is an error.
 */
export type NodePicture = string | URL | Blob | RawImage | DrawablePicture;

/**
 * How `openBackend` takes them, with other defaults for single pictures: the CPU, which starts at once,
 * and four threads at most.
 */
export type ClassifierOptions = BackendOptions;

/**
 * Loads weights: a run folder, a file (.safetensors, .th, .pth), an http(s) address, or bytes.
 * Nothing in them is executed.
 * @throws UserError saying in one sentence what is wrong
 */
export async function loadWeights(
  source: string | URL | WeightsBytes,
  options: LoadOptions = {},
): Promise<Model> {
  if (typeof source !== 'string' && !(source instanceof URL))
    return modelFromBytes(source, modelOptions(options));
  const name = String(source);
  if (/^https?:/.test(name)) return modelFromAddress(name, modelOptions(options));
  return openModel(name.startsWith('file:') ? fileURLToPath(name) : name, modelOptions(options));
}

/**
 * A classifier from weights (`loadWeights`).
 *
 *     const classifier = await createClassifier(await loadWeights('resnet20-12fca82f.th'));
 *     const [best] = await classifier.classify('cat.jpg');
 */
export async function createClassifier(
  model: Model,
  options: ClassifierOptions = {},
): Promise<Classifier<NodePicture>> {
  const threads = Math.min(4, availableParallelism());
  const backend = await openBackend({ device: 'cpu', threads, ...options });
  return makeClassifier(model, backend, readPicture);
}

async function readPicture(picture: NodePicture): Promise<Uint8Array> {
  if (isRawImage(picture)) return toNetworkInput(picture);
  if (typeof picture !== 'string' && !(picture instanceof URL) && !(picture instanceof Blob)) {
    throw new UserError(
      'A picture is a path, an address of a file (file:), a Blob or pixels ({ data, width, height }) on Node.js: elements of a page are read by the build for browsers, table6/browser.',
    );
  }
  const decode = await imageDecoder();
  if (picture instanceof Blob) {
    const bytes = new Uint8Array(await picture.arrayBuffer());
    return await decodePictureBytes(decode, bytes, 'The picture');
  }
  return await decodePicture(decode, picture instanceof URL ? fileURLToPath(picture) : picture);
}
