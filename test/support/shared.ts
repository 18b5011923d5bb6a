// Where the files that are not part of the project would be: published weights, golden values and
// real images. Tests that need them skip, saying so, when they are not there.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SHARED = fileURLToPath(new URL('../../../shared', import.meta.url));

/** Absolute path of a shared file, or undefined when it is not on this machine. */
export function sharedFile(path: string): string | undefined {
  const full = `${SHARED}/${path}`;
  if (existsSync(full)) return full;
  console.warn(`skipped: ../shared/${path} is not on this machine`);
  return undefined;
}
