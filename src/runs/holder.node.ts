// This process as the holder of a run folder, on Node.js. Linux tells the boot, the PID namespace and when a
// process began; elsewhere number and host have to do.

import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCode } from '../util/system-errors.ts';
import type { ProcessIdentity } from './holder.ts';

/** Of /proc/<pid>/stat: the state of a process, and when it began, in ticks since the boot. */
function processStat(pid: number | 'self'): { state: string; begun: string } | undefined {
  try {
    // "pid (name) state …"; the name may hold anything, also parentheses.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', begun: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function numberSpace(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

const space = numberSpace();
const begun = processStat('self')?.begun;

export const thisProcess: ProcessIdentity = {
  pid: process.pid,
  host: hostname(),
  ...(space !== undefined && { space }),
  ...(begun !== undefined && { begun }),
  isAlive(pid, began) {
    try {
      process.kill(pid, 0);
    } catch (error) {
      // It lives, and belongs to someone else.
      if (systemCode(error) !== 'EPERM') return false;
    }
    const found = processStat(pid);
    if (!found) return true;
    // One that has ended and only waits for its parent to notice, in a container without an init process
    // perhaps for ever; or another one with the same number.
    return !/^[ZX]/.test(found.state) && (began === undefined || began === found.begun);
  },
  now: Date.now,
};
