// Weights from a path, for Node; what a file is and holds is decided in weights.ts.

import { readFile } from 'node:fs/promises';
import { messageOf, UserError } from '../util/errors.ts';
import { readWeights, type Weights } from './weights.ts';

/** What the operating system's error codes mean for somebody who named a file. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist: check the path',
  EISDIR: 'is a folder: name the weights file in it',
  EACCES: 'cannot be read: you have no permission',
};

/**
 * Reads a weights file (see `readWeights`).
 * @throws UserError if it cannot be read or is not a weights file
 */
export async function readWeightsFile(path: string): Promise<Weights> {
  return readWeights(await readBytes(path), path);
}

/**
 * The bytes of a file that somebody named.
 * @throws UserError saying why it cannot be read
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new UserError(`${path} ${REASONS[code] ?? `cannot be read: ${messageOf(error)}`}.`);
  }
}
