// One process in a run folder at a time: two that train in it would overwrite each other's
// checkpoints. The lock is a file that names its holder; a holder that was killed leaves it behind,
// so a lock whose process is gone is taken over.

import { z } from 'zod';
import { UserError } from '../util/errors.ts';
import { type FileSystem, writeAtomically, writeError } from './file-system.ts';

const LOCK_NAME = 'lock.json';

const lockSchema = z.object({
  pid: z.int(),
  host: z.string(),
  /** Milliseconds since 1970 when the holder last said that it lives. */
  renewed: z.number(),
});
type LockContent = z.infer<typeof lockSchema>;

/** Who we are, and who else lives on this host. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  isAlive(pid: number): boolean;
  /** Milliseconds since 1970. */
  now(): number;
}

/** Other hosts cannot be asked whether a process lives; its lock must be this fresh. */
const STALE_AFTER_MS = 5 * 60_000;
const RENEW_EVERY_MS = 30_000;

export interface RunLock {
  /** Shows other hosts that the holder lives; cheap to call often. */
  renew(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes a run folder for this process.
 * @throws UserError naming the process that holds it
 */
export async function lockRun(
  files: FileSystem,
  dir: string,
  self: ProcessIdentity,
): Promise<RunLock> {
  const path = `${dir}/${LOCK_NAME}`;
  const content = () => JSON.stringify({ pid: self.pid, host: self.host, renewed: self.now() });
  for (let attempt = 0; ; attempt++) {
    const file = await files.create(path, { exclusive: true }).catch((error) => {
      throw writeError(error, path);
    });
    if (file) {
      try {
        await file.write(new TextEncoder().encode(content()));
      } catch (error) {
        throw writeError(error, path);
      } finally {
        await file.close();
      }
      break;
    }
    const found = await files.read(path);
    const holder = parseLock(found);
    if (attempt > 2 || (holder && isHeld(holder, self))) throw heldError(dir, holder);
    await removeStale(files, path, found, self);
  }
  let renewed = self.now();
  return {
    async renew() {
      if (self.now() - renewed < RENEW_EVERY_MS) return;
      renewed = self.now();
      await writeAtomically(files, path, content());
    },
    release: () => files.remove(path),
  };
}

/** The other live process that holds a run folder; undefined where there is none. */
export async function lockHolder(
  files: FileSystem,
  dir: string,
  self: ProcessIdentity,
): Promise<{ readonly pid: number; readonly host: string } | undefined> {
  const holder = parseLock(await files.read(`${dir}/${LOCK_NAME}`));
  return holder && isHeld(holder, self) ? holder : undefined;
}

function parseLock(bytes: Uint8Array | undefined): LockContent | undefined {
  if (!bytes) return undefined;
  try {
    return lockSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    // Its writer died between creating and filling it.
    return undefined;
  }
}

function isHeld(holder: LockContent, self: ProcessIdentity): boolean {
  if (holder.host !== self.host) return self.now() - holder.renewed < STALE_AFTER_MS;
  // Our own number in an old lock: the holder is gone and we were given its number (containers).
  return holder.pid !== self.pid && self.isAlive(holder.pid);
}

/** Moves the lock aside first, so that of two processes that find it stale only one goes on. */
async function removeStale(
  files: FileSystem,
  path: string,
  found: Uint8Array | undefined,
  self: ProcessIdentity,
): Promise<void> {
  if (!found) return;
  const aside = `${path}.${self.host}-${self.pid}`;
  try {
    await files.rename(path, aside);
  } catch {
    // The other one was quicker; the next attempt meets its lock.
    return;
  }
  const moved = await files.read(aside);
  const same = moved && new TextDecoder().decode(moved) === new TextDecoder().decode(found);
  if (same) await files.remove(aside);
  else await files.rename(aside, path);
}

function heldError(dir: string, holder: LockContent | undefined): UserError {
  const who = holder ? `process ${holder.pid} on ${holder.host}` : 'another process';
  return new UserError(
    `The run "${dir}" is in use by ${who}: wait for it to finish or stop it first (if it is certainly gone, delete "${dir}/${LOCK_NAME}").`,
  );
}
