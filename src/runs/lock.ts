// One process in a run folder at a time: two that train in it would overwrite each other's
// checkpoints. The lock is a file that names its holder; a holder that was killed leaves it behind,
// so a lock whose process is gone is taken over. Of many that find it stale at once, one may: the
// one that first creates the claim file named after that very lock (and if that one is killed too,
// the first that creates the claim after the claim).

import * as z from 'zod/mini';
import { UserError } from '../util/errors.ts';
import { type FileSystem, writeAtomically, writeError } from './file-system.ts';

const LOCK_NAME = 'lock.json';

const lockSchema = z.object({
  pid: z.int(),
  host: z.string(),
  /** Milliseconds since 1970 when the holder last said that it lives. */
  renewed: z.number(),
  /** Of this one locking; older versions wrote none. */
  id: z.optional(z.string()),
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

/** Many more than happen: a try is only repeated when another process came or went meanwhile. */
const MOST_TRIES = 20;

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
  const id = crypto.randomUUID();
  const content = () => encode({ pid: self.pid, host: self.host, renewed: self.now(), id });
  try {
    for (let tries = 0; !(await files.createWhole(path, content())); tries++) {
      if (await takeOver(files, dir, self, content())) break;
      if (tries === MOST_TRIES) throw heldError(dir, undefined);
    }
  } catch (error) {
    throw writeError(error, path);
  }
  let renewed = self.now();
  const isOurs = async () => parseLock(await files.read(path))?.id === id;
  return {
    async renew() {
      if (self.now() - renewed < RENEW_EVERY_MS) return;
      // This process slept for so long that another host had to think it gone.
      if (!(await isOurs())) throw lostError(dir);
      renewed = self.now();
      await writeAtomically(files, path, content());
    },
    async release() {
      if (await isOurs()) await files.remove(path);
    },
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

/**
 * Puts our lock in the place of a stale one.
 * @returns false where it is no longer there, or no longer the same: look again
 * @throws UserError where it is held, or another live process is taking it over
 */
async function takeOver(
  files: FileSystem,
  dir: string,
  self: ProcessIdentity,
  ours: Uint8Array,
): Promise<boolean> {
  const path = `${dir}/${LOCK_NAME}`;
  const found = await files.read(path);
  const claims: string[] = [];
  for (let stale = found; ; ) {
    if (!stale) return false;
    const holder = parseLock(stale);
    if (holder && isHeld(holder, self)) throw heldError(dir, holder);
    const claim = claimAfter(path, holder);
    claims.push(claim);
    if (await files.createWhole(claim, ours)) break;
    stale = await files.read(claim);
  }
  try {
    // Another one may have taken the lock over, and removed its claim, before we made ours.
    if (!isSame(found, await files.read(path))) {
      await files.remove(claims.at(-1)!);
      return false;
    }
    await writeAtomically(files, path, ours);
  } catch (error) {
    await files.remove(claims.at(-1)!).catch(() => {});
    throw error;
  }
  for (const claim of claims) await files.remove(claim);
  return true;
}

function claimAfter(path: string, holder: LockContent | undefined): string {
  const name = holder ? (holder.id ?? `${holder.pid}-${holder.renewed}`) : 'damaged';
  return `${path}.after-${name}`;
}

function encode(content: LockContent): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(content));
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a?.length === b?.length && (a?.every((byte, i) => byte === b?.[i]) ?? true);
}

function heldError(dir: string, holder: LockContent | undefined): UserError {
  const who = holder ? `process ${holder.pid} on ${holder.host}` : 'another process';
  return new UserError(
    `The run "${dir}" is in use by ${who}: wait for it to finish or stop it first (if it is certainly gone, delete "${dir}/${LOCK_NAME}").`,
  );
}

function lostError(dir: string): UserError {
  return new UserError(
    `Another process took over the run "${dir}" while this one was suspended, so this one stops; what it saved before is in the run folder.`,
  );
}
