// Pictures as a person names them: files, folders of them, addresses, and standard input. Each is read when it
// is its turn, so that one that cannot be read does not stop the others.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { messageOf, UserError } from '../../util/errors.ts';
import { fileError } from '../../util/system-errors.ts';
import { IMAGE_FILES } from '../folder-files.ts';
import type { ImageDecoder } from './decode-image.ts';
import { decodePicture, decodePictureBytes } from './picture.ts';

export interface NamedPicture {
  readonly name: string;
  /**
   * @returns 32 × 32 × 3 bytes
   * @throws UserError naming it, what is wrong and what to do
   */
  read(decode: ImageDecoder): Promise<Uint8Array>;
}

const ADDRESS = /^https?:\/\//i;
/** No photograph is larger. */
const MOST_BYTES = 256 * 2 ** 20;

/** The pictures that were named, those of folders in their order. */
export async function* listPictures(
  named: readonly string[],
  { offline = false }: { readonly offline?: boolean } = {},
): AsyncGenerator<NamedPicture> {
  for (const name of named) {
    if (name === '-') {
      const read = async (decode: ImageDecoder) =>
        decodePictureBytes(decode, new Uint8Array(await buffer(process.stdin)), 'standard input');
      yield { name, read };
    } else if (ADDRESS.test(name)) {
      yield {
        name,
        read: async (decode) => decodePictureBytes(decode, await fetched(name, offline), name),
      };
    } else if (statSync(name, { throwIfNoEntry: false })?.isDirectory()) yield* folder(name);
    else yield { name, read: (decode) => decodePicture(decode, name) };
  }
}

function* folder(path: string): Generator<NamedPicture> {
  let files: string[];
  try {
    files = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();
  } catch (error) {
    yield failing(path, fileError(error, { path, doing: 'read' }));
    return;
  }
  const pictures = files.filter((file) => IMAGE_FILES.test(file) && !/(^|[/\\])\./.test(file));
  if (pictures.length === 0) {
    yield failing(path, new UserError(`${path} is a folder without pictures: name one with some.`));
  }
  for (const file of pictures) {
    const name = join(path, file);
    yield { name, read: (decode) => decodePicture(decode, name) };
  }
}

function failing(name: string, error: Error): NamedPicture {
  return { name, read: () => Promise.reject(error) };
}

/** @throws UserError where the address does not answer with something of a picture's size */
async function fetched(address: string, offline: boolean): Promise<Uint8Array> {
  if (offline) throw new UserError(`${address} is an address, and nothing may be downloaded.`);
  let response: Response;
  try {
    response = await fetch(address);
  } catch (error) {
    throw new UserError(
      `${address} cannot be fetched (${reasonOf(error)}): check the address, or download it and name the file.`,
      { cause: error },
    );
  }
  if (!response.ok) {
    throw new UserError(`${address} cannot be fetched: the answer was ${response.status}.`);
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MOST_BYTES) throw new UserError(`${address} is larger than any picture.`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** `fetch failed` has the reason behind it. */
function reasonOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause ? error.cause : error);
}
