// A checksum inside a safetensors file, so that damage is found: a flipped bit in a weight is as good a number
// as the right one, and a network trains on with it. It is an entry of the metadata, the SHA-256 of the whole
// file with zeros in the place of that number, so that nothing in the file is left out, the metadata and the
// padding not either. Other programs read such files as any other.

import { sha256Hex } from '../../formats/sha256.ts';
import { UserError } from '../../util/errors.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

/** Entries of the metadata: the checksum, and that there is one, in case its own name is damaged. */
const CHECKSUM_KEY = 'table6_checksum';
const SEALED_KEY = 'table6_sealed';
export const SEAL_KEYS = [CHECKSUM_KEY, SEALED_KEY] as const;

const ALGORITHM = 'sha256:';
const DIGITS = 64;
const BLANK = '0'.repeat(DIGITS);
/** In the header's JSON; a quotation mark within a text would be escaped. */
const BEGINNING = new TextEncoder().encode(`"${CHECKSUM_KEY}":"${ALGORITHM}`);
const SEALED = new TextEncoder().encode(`"${SEALED_KEY}":`);
const PREFIX_BYTES = 8;

/**
 * The same file with a checksum; one that it has already is made anew.
 * @throws UserError if it is no safetensors file
 */
export async function sealSafetensors(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const { tensors, metadata } = readSafetensors(bytes);
  const seal = { [SEALED_KEY]: 'yes', [CHECKSUM_KEY]: ALGORITHM + BLANK };
  const file = writeSafetensors(tensors, { ...metadata, ...seal });
  const at = findDigits(file);
  if (at === undefined) throw new Error('the place of the checksum was lost');
  file.set(new TextEncoder().encode(await sha256Hex(file)), at);
  return file;
}

/**
 * Whether a file is what it was when it was written.
 * @returns 'none' for a file without a checksum: nothing can be said
 */
export async function checkSeal(bytes: Uint8Array): Promise<'whole' | 'damaged' | 'none'> {
  const at = findDigits(bytes);
  if (at === undefined) return findInHeader(bytes, SEALED, 0) === undefined ? 'none' : 'damaged';
  const file = new Uint8Array(bytes);
  const digits = new TextDecoder('latin1').decode(file.subarray(at, at + DIGITS));
  file.set(new TextEncoder().encode(BLANK), at);
  return (await sha256Hex(file)) === digits ? 'whole' : 'damaged';
}

/**
 * Before a file is used.
 * @param where how errors call it
 * @throws UserError if its content does not match its checksum
 */
export async function refuseDamaged(bytes: Uint8Array, where: string): Promise<void> {
  if ((await checkSeal(bytes)) !== 'damaged') return;
  throw new UserError(
    `${where} is damaged: its content does not match its checksum, so at least one bit is not as it was written; restore it from a copy, or use another file.`,
  );
}

function findDigits(bytes: Uint8Array): number | undefined {
  return findInHeader(bytes, BEGINNING, DIGITS);
}

/** The end of the first place of `text` in the header with so many bytes behind it; else undefined. */
function findInHeader(bytes: Uint8Array, text: Uint8Array, behind: number): number | undefined {
  if (bytes.length < PREFIX_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = Math.min(bytes.length, PREFIX_BYTES + Number(view.getBigUint64(0, true)));
  const first = text[0] as number;
  for (let at = bytes.indexOf(first, PREFIX_BYTES); at >= 0; at = bytes.indexOf(first, at + 1)) {
    const found = at + text.length;
    if (found + behind > end) return undefined;
    if (text.every((byte, i) => bytes[at + i] === byte)) return found;
  }
  return undefined;
}
