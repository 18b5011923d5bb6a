// Weights from wherever a program has them: bytes, a Blob, or an address.

import { type Model, readWholeModel } from '../runs/model.ts';
import { messageOf, UserError } from '../util/errors.ts';

export interface LoadOptions {
  /** What the network is, where the weights do not tell: a plain net looks like a residual one. */
  readonly arch?: string;
}

/** Weights in memory. */
export type WeightsBytes = Uint8Array | ArrayBuffer | Blob;

export async function modelFromBytes(source: WeightsBytes, options: LoadOptions): Promise<Model> {
  const bytes = source instanceof Blob ? await source.arrayBuffer() : source;
  return await readWholeModel(new Uint8Array(bytes as ArrayBuffer), 'The weights', options);
}

/** @throws UserError where the address does not answer, or with something else than weights */
export async function modelFromAddress(address: string, options: LoadOptions): Promise<Model> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch (error) {
    throw new UserError(`${address} cannot be fetched (${messageOf(error)}): check the address.`);
  }
  if (!response.ok) {
    throw new UserError(`${address} cannot be fetched: the answer was ${response.status}.`);
  }
  return await readWholeModel(new Uint8Array(await response.arrayBuffer()), address, options);
}
