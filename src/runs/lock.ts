// One process in a run folder at a time: two that train in it would overwrite each other's
// checkpoints. The lock is a file that names its holder (holder.ts), who renews it for as long as he lives;
// a holder that was killed leaves it behind, so a lock whose process is gone is taken over. Of many that find
// it stale at once, one may: the one that first creates the claim file named after that very lock (and if
// that one is killed too, the first that creates the claim after the claim).

import { UserError } from '../util/errors.ts';
import { type FileSystem, writeAtomically, writeError } from './file-system.ts';
import {
  decodeHolder,
  encodeHolder,
  type Holder,
  isProbablyHeld,
  lifeOf,
  type ProcessIdentity,
} from './holder.ts';

const LOCK_NAME = 'lock.json';

const RENEW_EVERY_MS = 15_000;
/** Network file systems show others' changes up to a minute late. */
const WATCH_FOR_MS = 90_000;
const LOOK_EVERY_MS = 2_000;

export interface RunLock {
  /**
   * Shows others that the holder lives, where that is due.
   * @throws UserError if the lock was taken over meanwhile
   */
  renew(): Promise<void>;
  /** @throws UserError if the lock is no longer ours: whoever has it must not be written over */
  check(): Promise<void>;
  release(): Promise<void>;
}

export interface LockOptions {
  /** Told before waiting to see whether a holder that cannot be asked is alive. */
  readonly onWait?: (line: string) => void;
}

/** Many more than happen: a try is only repeated when another process came or went meanwhile. */
const MOST_TRIES = 20;

/**
 * Takes a run folder for this process. May wait some ninety seconds to see whether a holder elsewhere lives.
 * @throws UserError naming the process that holds it
 */
export async function lockRun(
  files: FileSystem,
  dir: string,
  self: ProcessIdentity,
  { onWait }: LockOptions = {},
): Promise<RunLock> {
  const path = `${dir}/${LOCK_NAME}`;
  const id = crypto.randomUUID();
  const content = () => encodeHolder(self, id);
  try {
    for (let tries = 0; !(await files.createWhole(path, content())); tries++) {
      if (await takeOver({ files, dir, self, onWait }, content)) break;
      if (tries === MOST_TRIES) throw heldError(dir, undefined);
    }
  } catch (error) {
    throw writeError(error, path);
  }
  return keepLock(files, dir, self, id);
}

/** The lock that was just taken, renewed until it is released. */
function keepLock(files: FileSystem, dir: string, self: ProcessIdentity, id: string): RunLock {
  const path = `${dir}/${LOCK_NAME}`;
  let renewed = self.now();
  let working: Promise<void> = Promise.resolve();
  const isOurs = async () => {
    const found = await files.read(path);
    // One that nobody can read is not somebody else's.
    return found !== undefined && decodeHolder(found, path)?.id === id;
  };
  const check = async () => {
    // This process slept for so long that others had to think it gone.
    if (!(await isOurs())) throw lostError(dir);
  };
  const renew = () => {
    working = working
      .catch(() => {})
      .then(async () => {
        if (Math.abs(self.now() - renewed) < RENEW_EVERY_MS) return;
        await check();
        renewed = self.now();
        await writeAtomically(files, path, encodeHolder(self, id));
      });
    return working;
  };
  // A step or an evaluation may take minutes. What goes wrong here is met again by the next to ask.
  const timer = setInterval(() => void renew().catch(() => {}), RENEW_EVERY_MS) as unknown;
  // The process may end although it holds a lock; browsers know no such thing.
  (timer as { unref?: () => void }).unref?.();
  return {
    renew,
    check,
    async release() {
      clearInterval(timer as ReturnType<typeof setInterval>);
      await working.catch(() => {});
      if (await isOurs()) await files.remove(path);
    },
  };
}

/** The other live process that holds a run folder, as far as can be told at once; only to be shown. */
export async function lockHolder(
  files: FileSystem,
  dir: string,
  self: ProcessIdentity,
): Promise<{ readonly pid: number; readonly host: string } | undefined> {
  const path = `${dir}/${LOCK_NAME}`;
  const holder = decodeHolder(await files.read(path), path);
  return holder && isProbablyHeld(holder, self) ? holder : undefined;
}

interface Taking extends LockOptions {
  readonly files: FileSystem;
  readonly dir: string;
  readonly self: ProcessIdentity;
}

/**
 * Puts our lock in the place of a stale one.
 * @returns false where it is no longer there, or no longer the same: look again
 * @throws UserError where it is held, or another live process is taking it over
 */
async function takeOver(taking: Taking, ours: () => Uint8Array): Promise<boolean> {
  const { files, dir } = taking;
  const path = `${dir}/${LOCK_NAME}`;
  const found = await files.read(path);
  const claims: string[] = [];
  let at = path;
  for (let stale = found; ; ) {
    if (!stale) return false;
    const holder = decodeHolder(stale, at);
    if (holder && !(await isGone(taking, at, holder))) return false;
    at = claimAfter(path, holder);
    claims.push(at);
    if (await files.createWhole(at, ours())) break;
    stale = await files.read(at);
  }
  try {
    // Another one may have taken the lock over, and removed its claim, before we made ours.
    if (!isSame(found, await files.read(path))) {
      await files.remove(claims.at(-1)!);
      return false;
    }
    await writeAtomically(files, path, ours());
  } catch (error) {
    await files.remove(claims.at(-1)!).catch(() => {});
    throw error;
  }
  for (const claim of claims) await files.remove(claim);
  return true;
}

/**
 * Whether the holder of a lock is gone. One that cannot be asked is watched: nobody's clock is compared.
 * @returns false where the lock went or changed hands meanwhile: look again
 * @throws UserError where it is held
 */
async function isGone(taking: Taking, path: string, holder: Holder): Promise<boolean> {
  const { files, dir, self } = taking;
  const life = lifeOf(holder, self);
  if (life === 'held') throw heldError(dir, holder);
  if (life === 'gone') return true;
  const who = `process ${holder.pid} on ${holder.host}`;
  taking.onWait?.(
    `The run "${dir}" was last held by ${who}, which cannot be asked from here: watching for up to ${WATCH_FOR_MS / 1000} seconds whether it renews its lock.`,
  );
  const wait = self.wait?.bind(self) ?? sleep;
  for (let watched = 0; watched < WATCH_FOR_MS; watched += LOOK_EVERY_MS) {
    await wait(LOOK_EVERY_MS);
    const now = decodeHolder(await files.read(path), path);
    if (now?.id !== holder.id) return false;
    if (now?.renewed !== holder.renewed) throw heldError(dir, holder);
  }
  return true;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function claimAfter(path: string, holder: Holder | undefined): string {
  const name = holder ? (holder.id ?? `${holder.pid}-${holder.renewed}`) : 'damaged';
  return `${path}.after-${name}`;
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a?.length === b?.length && (a?.every((byte, i) => byte === b?.[i]) ?? true);
}

function heldError(dir: string, holder: Holder | undefined): UserError {
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
