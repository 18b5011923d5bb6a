// JSON files of a run with a checksum of what they say: a digit that flipped in an error or a seed would be
// reported without a word. The checksum is an entry of the object; files of older versions have none.

import { sha256Hex } from '../formats/sha256.ts';
import { UserError } from '../util/errors.ts';

const KEY = 'checksum';
const ALGORITHM = 'sha256:';

/** The text of a file that says `value` and a checksum of it. */
export async function sealJson(value: object): Promise<string> {
  return `${JSON.stringify({ ...value, [KEY]: await jsonChecksum(value) }, null, 2)}\n`;
}

/** A checksum of what JSON says, whatever its white space and the order of its names. */
export async function jsonChecksum(value: unknown): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify(value, sorted));
  return ALGORITHM + (await sha256Hex(text));
}

function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * What a file says, without its checksum.
 * @param json the parsed file
 * @param where how an error calls it
 * @throws UserError if the checksum is not that of the rest
 */
export async function openSealedJson(json: unknown, where: string): Promise<unknown> {
  if (typeof json !== 'object' || json === null || !(KEY in json)) return json;
  const { [KEY]: checksum, ...rest } = json;
  if (checksum === (await jsonChecksum(rest))) return rest;
  throw new UserError(`${where} is damaged: what it says does not match its checksum.`);
}
