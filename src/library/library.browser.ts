// The library in a browser: weights from addresses, pictures from the page, Web Workers as threads
// where the page may share memory with them, else this thread alone.

import { createBrowserHost, mayShareMemory } from '../engine/wasm/host.browser.ts';
import type { Model } from '../runs/model.ts';
import { type Classifier, makeClassifier } from './classifier.ts';
import { type BrowserBackendOptions, openBackend } from './open-backend.browser.ts';
import { type BrowserPicture, readPicture } from './picture.browser.ts';
import {
  type LoadOptions,
  modelFromAddress,
  modelFromBytes,
  modelOptions,
  type WeightsBytes,
} from './source.ts';

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
    return modelFromAddress(String(source), modelOptions(options));
  }
  return modelFromBytes(source, modelOptions(options));
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
