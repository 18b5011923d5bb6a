// Cuts the kit into parts, for ways that carry only so much at a time. Beside them lies a script that
// needs nothing but a shell: it gathers parts where it is told, says which are missing, and when all are
// there checks, unpacks and runs them. Images of CIFAR-10 make a kit of four parts of 58 MB.

import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

export interface Parts {
  /** Paths of the parts, in order. */
  readonly parts: readonly string[];
  /** Path of the script that puts them together. */
  readonly script: string;
}

/**
 * Cuts an archive; it is gone afterwards.
 * @param partBytes the most that a part holds
 * @param folder what the archive unpacks to
 */
export function cutIntoParts(archive: string, partBytes: number, folder: string): Parts {
  const parts: string[] = [];
  const sums: string[] = [];
  const input = openSync(archive, 'r');
  try {
    const bytes = Buffer.alloc(partBytes);
    for (;;) {
      const count = readSync(input, bytes, 0, partBytes, null);
      if (count === 0) break;
      const part = `${archive}.${String(parts.length + 1).padStart(3, '0')}`;
      const content = bytes.subarray(0, count);
      writeFileSync(part, content);
      parts.push(part);
      sums.push(`${createHash('sha256').update(content).digest('hex')}  ${path.basename(part)}`);
    }
  } finally {
    closeSync(input);
  }
  rmSync(archive);
  const script = `${archive}.sh`;
  writeFileSync(script, gatherScript(path.basename(archive), sums, folder));
  chmodSync(script, 0o755);
  return { parts, script };
}

/** @param sums lines of `sha256sum`, a part each */
function gatherScript(archive: string, sums: readonly string[], folder: string): string {
  const template = readFileSync(path.join(import.meta.dirname, 'gather.sh'), 'utf8');
  return template
    .replaceAll('@ARCHIVE@', archive)
    .replaceAll('@FOLDER@', folder)
    .replace('@COMPRESSION@', archive.endsWith('.txz') ? 'J' : 'z')
    .replace('@SUMS@', sums.join('\n'));
}
