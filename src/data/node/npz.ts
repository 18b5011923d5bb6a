// A .npz from the disk; what is in it is npz.ts's.

import { readFile, stat } from 'node:fs/promises';
import { UserError } from '../../util/errors.ts';
import { readNpz } from '../npz.ts';

/** Node.js reads no more at once. */
const MOST_BYTES = 2 * 2 ** 30;

/** @throws UserError as `readNpz`, and for a file that is too large */
export async function loadNpz(path: string): ReturnType<typeof readNpz> {
  const { size } = await stat(path);
  if (size >= MOST_BYTES) {
    throw new UserError(`${path} is larger than a data set in memory can be: split it.`);
  }
  return readNpz(await readFile(path), path);
}
