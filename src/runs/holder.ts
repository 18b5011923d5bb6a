// Who holds a run folder, as its lock names him, and whether he still lives. Host and process number do not
// tell: two containers may share a name and count their processes apart, a number is given again, and clocks
// of two hosts differ. So a holder also says in which boot and PID namespace his number counts, and when his
// process began. Where ours counts the same, the system is asked; elsewhere only watching the lock helps:
// one that is renewed is alive, wherever that is.

import * as z from 'zod/mini';
import { UserError } from '../util/errors.ts';

/** Who we are, and who else lives here. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Names the boot and the PID namespace in which process numbers count; absent where none is known. */
  readonly space?: string;
  /** When this process began, in the system's own count. */
  readonly begun?: string;
  /** @param begun what the process said of its beginning */
  isAlive(pid: number, begun?: string): boolean;
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after so many milliseconds (default: a timer). */
  wait?(milliseconds: number): Promise<void>;
}

/** What locks were named by before they had identifiers, and what identifiers are. */
const ID = /^[0-9A-Za-z-]{1,64}$/;

const lockSchema = z.object({
  pid: z.int(),
  host: z.string(),
  /** When the holder last said that it lives, by its own clock; only older versions judge by it. */
  renewed: z.number(),
  /** Of this one locking, and part of a file's name; older versions wrote none. */
  id: z.optional(z.string().check(z.regex(ID))),
  space: z.optional(z.string()),
  begun: z.optional(z.string()),
});
export type Holder = z.infer<typeof lockSchema>;

/** A lock that says who `self` is. */
export function encodeHolder(self: ProcessIdentity, id: string): Uint8Array {
  const { pid, host, space, begun } = self;
  const holder: Holder = {
    ...{ pid, host, renewed: self.now(), id },
    ...(space !== undefined && { space }),
    ...(begun !== undefined && { begun }),
  };
  return new TextEncoder().encode(JSON.stringify(holder));
}

/**
 * @returns undefined for a lock that is cut short: its writer died between creating and filling it
 * @throws UserError for one that no version of this program writes
 */
export function decodeHolder(bytes: Uint8Array | undefined, path: string): Holder | undefined {
  if (!bytes) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  const { data } = lockSchema.safeParse(json);
  if (data) return data;
  throw new UserError(
    `"${path}" is damaged: it is no lock that table6 wrote; if no other process trains in this run, delete it.`,
  );
}

export type Life = 'held' | 'gone' | 'unknown';

/** Whether a holder lives, as far as that can be told at once. */
export function lifeOf(holder: Holder, self: ProcessIdentity): Life {
  const countsHere =
    holder.space === undefined || self.space === undefined
      ? holder.host === self.host
      : holder.space === self.space;
  if (!countsHere) return 'unknown';
  // Our own number in an old lock: the holder is gone and we were given its number (containers).
  if (holder.pid === self.pid) return 'gone';
  return self.isAlive(holder.pid, holder.begun) ? 'held' : 'gone';
}

/** A lock that was not renewed for longer is shown as one of a run that stopped. */
const PROBABLY_GONE_MS = 5 * 60_000;

/** What is probable of a holder that cannot be asked, without waiting; only for what is shown. */
export function isProbablyHeld(holder: Holder, self: ProcessIdentity): boolean {
  const life = lifeOf(holder, self);
  if (life !== 'unknown') return life === 'held';
  return Math.abs(self.now() - holder.renewed) < PROBABLY_GONE_MS;
}
