// What a run ran on, for environment.json: versions, processor, memory, and this program's commit
// where it runs from a checkout.

import { existsSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, hostname, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Facts } from './summary.ts';

/** The package's folder: two up from this file, in `src` as in `dist`. */
const PACKAGE = join(import.meta.dirname, '..', '..');

/** @param threads worker threads that train */
export function hostFacts(threads: number): Facts {
  const commit = readCommit();
  return {
    table6: packageVersion(),
    ...(commit !== undefined && { commit }),
    node: process.versions.node,
    v8: process.versions.v8,
    host: hostname(),
    platform: `${platform()} ${release()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    threads,
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
  };
}

export function packageVersion(): string {
  const json: unknown = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
  return z.object({ version: z.string() }).parse(json).version;
}

/** The checkout's commit, read without starting git. */
function readCommit(): string | undefined {
  const git = join(PACKAGE, '.git');
  try {
    const head = readFileSync(join(git, 'HEAD'), 'utf8').trim();
    const reference = /^ref: (.+)$/.exec(head)?.[1];
    if (!reference) return head;
    const loose = join(git, reference);
    if (existsSync(loose)) return readFileSync(loose, 'utf8').trim();
    const packed = readFileSync(join(git, 'packed-refs'), 'utf8');
    return packed
      .split('\n')
      .find((line) => line.endsWith(` ${reference}`))
      ?.split(' ')[0];
  } catch {
    // An installed package has no .git.
    return undefined;
  }
}
