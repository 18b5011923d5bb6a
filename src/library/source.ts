// Weights from wherever a program has them: bytes, a Blob, or an address.

import {
  fixedNormalization,
  type Normalization,
  parseNormalization,
} from '../data/normalization.ts';
import type { ShortcutOption } from '../nn/network.ts';
import { type Model, type ModelOptions, readWholeModel } from '../runs/model.ts';
import { joined } from '../util/bytes.ts';
import { messageOf, UserError } from '../util/errors.ts';

/** What weights of other programs do not say themselves. */
export interface LoadOptions {
  /** What the network is, where the weights do not tell: a plain net looks like a residual one. */
  readonly arch?: string;
  /** Where the zeros of padded shortcuts are: `A` (both sides) or `A-end` (behind). */
  readonly shortcut?: ShortcutOption;
  /** Which of the networks in the file: `ema`, `student`. */
  readonly key?: string;
  /**
   * How the images were normalised: `imagenet`, `cifar10`, `half`, numbers as `MEAN/DEVIATION`
   * (`0.5,0.5,0.5/0.2,0.2,0.2`), or what `makeNormalization` makes of training images.
   */
  readonly normalization?: string | Normalization;
}

/** @throws UserError for a normalisation that is none, or that needs images */
export function modelOptions({ normalization, ...options }: LoadOptions): ModelOptions {
  if (typeof normalization !== 'string') return { ...options, normalization };
  return { ...options, normalization: normalizationOf(normalization) };
}

function normalizationOf(text: string): Normalization {
  let known: Normalization | undefined;
  try {
    known = fixedNormalization(parseNormalization(text));
  } catch (error) {
    throw new UserError(`The normalisation ${messageOf(error)}.`, { cause: error });
  }
  if (known) return known;
  throw new UserError(
    `The normalisation "${text}" is made from training images: give makeNormalization("${text}", dataset.train) instead.`,
  );
}

/** Weights in memory. */
export type WeightsBytes = Uint8Array | ArrayBuffer | Blob;

export async function modelFromBytes(source: WeightsBytes, options: ModelOptions): Promise<Model> {
  const bytes = source instanceof Blob ? await source.arrayBuffer() : source;
  return await readWholeModel(new Uint8Array(bytes as ArrayBuffer), 'The weights', options);
}

/** @throws UserError where the address does not answer, or with something else than weights */
export async function modelFromAddress(address: string, options: ModelOptions): Promise<Model> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch (error) {
    throw new UserError(`${address} cannot be fetched (${messageOf(error)}): check the address.`);
  }
  if (!response.ok) {
    throw new UserError(`${address} cannot be fetched: the answer was ${response.status}.`);
  }
  return await readWholeModel(await bodyOf(response, address), address, options);
}

/** Larger than the weights of any network. */
const MOST_BYTES = 2 ** 31;

/** What an address answers, which may have no end. */
async function bodyOf(response: Response, address: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || !value) break;
    parts.push(value);
    size += value.length;
    if (size < MOST_BYTES) continue;
    await reader?.cancel();
    throw new UserError(`${address} is larger than the weights of any network: check the address.`);
  }
  return joined(parts);
}
