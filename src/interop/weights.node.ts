// Weights from a path, for Node; what a file is and holds is decided in weights.ts.

import { readFile, stat } from 'node:fs/promises';
import { UserError } from '../util/errors.ts';
import { fileError, systemCode } from '../util/system-errors.ts';
import type { SelectOptions } from './select.ts';
import { readWeights, type Weights } from './weights.ts';

/** No network is larger; Node.js reads no more at once. */
const MOST_BYTES = 2 * 2 ** 30;

/**
 * Reads a weights file (see `readWeights`).
 * @throws UserError if it cannot be read or is not a weights file
 */
export async function readWeightsFile(path: string, options: SelectOptions = {}): Promise<Weights> {
  return readWeights(await readBytes(path), path, options);
}

/**
 * The bytes of a file that somebody named.
 * @throws UserError saying why it cannot be read
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      throw new UserError(`${path} is a folder: name the weights file in it.`);
    }
    // Reading a pipe or a device waits for ever, or fills the memory.
    if (!found.isFile()) {
      throw new UserError(`${path} is no regular file: name a weights file.`);
    }
    if (found.size >= MOST_BYTES) {
      throw new UserError(
        `${path} is larger than the weights of any network: name a weights file.`,
      );
    }
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      throw new UserError(`${path} does not exist: check the path.`, { cause: error });
    }
    throw fileError(error, { path, doing: 'read' });
  }
}
