// JSON files with a checksum of what they say: a digit that flipped in an error or a seed would be
// reported without a word. The checksum is an entry of the object; files of older versions have none.

import type * as z from 'zod/mini';
import { sha256Hex } from '../formats/sha256.ts';
import { check, problemText } from '../util/check.ts';
import { messageOf, UserError } from '../util/errors.ts';
import { type FileSystem, writeAtomically } from './file-system.ts';

const KEY = 'checksum';
const ALGORITHM = 'sha256:';

/** The text of a file that says `value` and a checksum of it; first, so that its line can be deleted. */
export async function sealJson(value: object): Promise<string> {
  return `${JSON.stringify({ [KEY]: await jsonChecksum(value), ...value }, null, 2)}\n`;
}

/** Replaces a file by one that says `value` and a checksum of it. */
export async function writeSealedJson(
  files: FileSystem,
  path: string,
  value: object,
): Promise<void> {
  await writeAtomically(files, path, await sealJson(value));
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

/** Far more than a description can hold. */
const MOST_BYTES = 2 ** 26;

export interface SealedJson {
  /** What the file says, without its checksum. */
  readonly json: unknown;
  readonly hasChecksum: boolean;
}

/**
 * A file's JSON, or undefined where there is no file.
 * @param isEdited people write or change files of this kind
 * @throws UserError if it is no JSON, or does not match the checksum in it
 */
export async function readSealedJson(
  files: FileSystem,
  path: string,
  isEdited = false,
): Promise<SealedJson | undefined> {
  const size = await files.size(path);
  if (size > MOST_BYTES) throw new UserError(`"${path}" is damaged: it has ${size} bytes.`);
  const bytes = await files.read(path);
  if (!bytes) return undefined;
  const json = parse(bytes, path, isEdited ? ': repair it, or put a copy of it back' : '');
  if (typeof json !== 'object' || json === null || !(KEY in json)) {
    return { json, hasChecksum: false };
  }
  const { [KEY]: checksum, ...rest } = json;
  if (checksum === (await jsonChecksum(rest))) return { json: rest, hasChecksum: true };
  throw new UserError(
    isEdited
      ? `"${path}" is damaged or was changed, since what it says does not match its checksum: put a copy of it back, or delete its line "${KEY}" if you changed it yourself.`
      : `"${path}" is damaged: what it says does not match its checksum.`,
  );
}

function parse(bytes: Uint8Array, path: string, advice: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    // The engine quotes the file's lines; an error here is one line.
    const reason = messageOf(error).replaceAll(/\s+/g, ' ');
    throw new UserError(`"${path}" is damaged: it is not JSON (${reason})${advice}.`);
  }
}

/** What a file says; see `readSealedJson`. */
export async function readJson(
  files: FileSystem,
  path: string,
  isEdited = false,
): Promise<unknown> {
  return (await readSealedJson(files, path, isEdited))?.json;
}

/**
 * What a file says, checked against a schema; undefined where there is no file.
 * @param advice what to do with a file that says something else
 * @throws UserError as `readSealedJson`, and where the file does not fit the schema
 */
export async function readChecked<T>(
  files: FileSystem,
  path: string,
  schema: z.ZodMiniType<T>,
  advice = '',
): Promise<T | undefined> {
  const json = await readJson(files, path);
  if (json === undefined) return undefined;
  const { data, problem } = check(schema, json);
  if (problem === undefined) return data;
  const what = [problemText(problem), advice].filter((part) => part !== '').join('; ');
  throw new UserError(`"${path}" is damaged: ${what}.`);
}
