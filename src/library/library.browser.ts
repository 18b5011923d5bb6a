// The library in a browser: weights from addresses, pictures from the page, Web Workers as threads
// where the page may share memory with them, else this thread alone.

import { createBrowserHost, mayShareMemory } from '../engine/wasm/host.browser.ts';
import type { Model } from '../runs/model.ts';
import { UserError } from '../util/errors.ts';
import { type Classifier, makeClassifier } from './classifier.ts';
import { type BrowserBackendOptions, openBackend } from './open-backend.browser.ts';
import { isRawImage, type RawImage, toNetworkInput } from './pixels.ts';
import { type LoadOptions, modelFromAddress, modelFromBytes, type WeightsBytes } from './source.ts';

/** What a canvas can draw: <img>, <canvas>, ImageBitmap, VideoFrame ... */
export interface DrawablePicture {
  readonly width: number;
  readonly height: number;
}

/** An encoded image (a file that was chosen or dropped), pixels, or what a canvas can draw. */
export type BrowserPicture = Blob | RawImage | DrawablePicture;

/**
 * How `openBackend` takes them, with other defaults for single pictures: the CPU, which starts at once,
 * and four threads at most where the page is cross-origin isolated, else this thread alone.
 */
export type BrowserClassifierOptions = BrowserBackendOptions;

/**
 * Loads weights: an address (of .safetensors, .th, .pth), a file that was chosen, or bytes.
 * @throws UserError saying in one sentence what is wrong
 */
export async function loadWeights(
  source: string | URL | WeightsBytes,
  options: LoadOptions = {},
): Promise<Model> {
  if (typeof source === 'string' || source instanceof URL) {
    return modelFromAddress(String(source), options);
  }
  return modelFromBytes(source, options);
}

/**
 * A classifier from weights (`loadWeights`). Its `description` says what computes.
 * @throws UserError where threads are asked for on a page that may not have them
 */
export async function createClassifier(
  model: Model,
  options: BrowserClassifierOptions = {},
): Promise<Classifier<BrowserPicture>> {
  const threads = mayShareMemory() ? Math.min(4, createBrowserHost().cores) : 1;
  const backend = await openBackend({ device: 'cpu', threads, ...options });
  return makeClassifier(model, backend, readPicture);
}

/** The parts of the DOM that are used; the library's types must not ask for the whole of it. */
interface Canvas {
  getContext(kind: '2d'): {
    drawImage(image: object, x: number, y: number): void;
    getImageData(x: number, y: number, width: number, height: number): RawImage;
  } | null;
}
interface Dom {
  createImageBitmap(blob: Blob): Promise<DrawablePicture & { close(): void }>;
  readonly OffscreenCanvas: new (width: number, height: number) => Canvas;
}
const dom = globalThis as unknown as Dom;

async function readPicture(picture: BrowserPicture): Promise<Uint8Array> {
  if (isRawImage(picture)) return toNetworkInput(picture);
  if (!(picture instanceof Blob)) return toNetworkInput(drawn(picture));
  const bitmap = await dom.createImageBitmap(picture).catch((error: unknown) => {
    throw new UserError('The picture cannot be read as an image.', { cause: error });
  });
  const image = drawn(bitmap);
  bitmap.close();
  return toNetworkInput(image);
}

/** All of its pixels; an <img> has those of the file, not those of its place on the page. */
function drawn(picture: DrawablePicture): RawImage {
  const { naturalWidth, naturalHeight } = picture as {
    readonly naturalWidth?: number;
    readonly naturalHeight?: number;
  };
  const width = naturalWidth ?? picture.width;
  const height = naturalHeight ?? picture.height;
  if (!(width >= 1 && height >= 1)) {
    throw new UserError('The picture has no pixels: wait until it is loaded (await img.decode()).');
  }
  const context = new dom.OffscreenCanvas(width, height).getContext('2d');
  if (!context) throw new UserError('This browser has no canvas to read the picture with.');
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, width, height);
}
