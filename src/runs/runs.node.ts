// Run folders on Node.js: the functions of `run.ts` and `reader.ts` with this host's file system
// and process.

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { TrainConfig } from '../train/config.ts';
import { systemCode } from '../util/system-errors.ts';
import { nodeFileSystem } from './file-system.node.ts';
import type { ProcessIdentity } from './lock.ts';
import * as reader from './reader.ts';
import * as runs from './run.ts';

const self: ProcessIdentity = {
  pid: process.pid,
  host: hostname(),
  isAlive(pid) {
    try {
      process.kill(pid, 0);
      return !isZombie(pid);
    } catch (error) {
      // It lives, and belongs to someone else.
      return systemCode(error) === 'EPERM';
    }
  },
  now: Date.now,
};

/**
 * Whether a process has ended and only waits for its parent to notice, which in a container without
 * an init process may be for ever. Linux tells; elsewhere none is one.
 */
function isZombie(pid: number): boolean {
  try {
    // "pid (name) state …"; the name may hold anything, also parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return /^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1));
  } catch {
    return false;
  }
}

export const nodeHost: runs.RunHost = { files: nodeFileSystem, self };

/** See `run.ts`. */
export function createRun(options: runs.CreateRunOptions): Promise<runs.Run> {
  return runs.createRun(nodeHost, options);
}

/** See `run.ts`. */
export function resumeRun(dir: string, changes?: Partial<TrainConfig>): Promise<runs.Run> {
  return runs.resumeRun(nodeHost, dir, changes);
}

/** See `reader.ts`. */
export function openRun(dir: string): Promise<reader.RunView> {
  return reader.openRun(nodeFileSystem, dir);
}

/** See `reader.ts`. */
export function isRun(dir: string): Promise<boolean> {
  return reader.isRun(nodeFileSystem, dir);
}
