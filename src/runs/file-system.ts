// The few things a run folder needs of a file system, so that tests can fill the disk and a browser
// can put its own storage there. Paths are joined with '/', which every host understands.

import { UserError } from '../util/errors.ts';
import { fileError, systemSentence } from '../util/system-errors.ts';

/** A file being written. */
export interface OutputFile {
  write(bytes: Uint8Array): Promise<void>;
  /** Returns when what was written survives a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileSystem {
  /**
   * The whole file, or undefined where there is none.
   * @throws UserError for a pipe or a device, which would be waited for
   */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Bytes of a file, without reading it; 0 where there is none. */
  size(path: string): Promise<number>;
  /** Names in a folder; empty where there is no folder. */
  list(path: string): Promise<string[]>;
  /** Makes a folder and those above it. @returns false if it was there already */
  makeFolder(path: string): Promise<boolean>;
  /** Opens a new file. @throws an error of the system where there is a file or a link of that name */
  create(path: string): Promise<OutputFile>;
  /**
   * Makes a small file that nobody ever sees empty or in part.
   * @returns false if there is one already; of many callers at once one gets true
   */
  createWhole(path: string, bytes: Uint8Array): Promise<boolean>;
  /**
   * Opens a file to write at its end, after cutting it to `size` bytes.
   * @throws UserError where it is a link, or no regular file: what is written must stay in its folder
   */
  append(path: string, size: number): Promise<OutputFile>;
  /** Whether this is a link, wherever that leads. */
  isLink(path: string): Promise<boolean>;
  /** Moves a file, also over another one; of a link, the link itself is replaced. */
  rename(from: string, to: string): Promise<void>;
  /** Does nothing where there is no such file. */
  remove(path: string): Promise<void>;
  /** With everything in it; does nothing where there is none. */
  removeFolder(path: string): Promise<void>;
  /** Makes renames and new files in a folder survive a power cut, where the host can. */
  syncFolder(path: string): Promise<void>;
}

const TEMPORARY = '.tmp';

/** Removes what a process that was killed while it wrote has left in a folder that is ours alone. */
export async function removeTemporaries(files: FileSystem, dir: string): Promise<void> {
  for (const name of await files.list(dir)) {
    // A lock's may be of a process that is about to ask for it.
    if (!name.endsWith(TEMPORARY) || name.startsWith('lock.')) continue;
    await files.remove(`${dir}/${name}`).catch(() => {}); // it does no harm
  }
}

/**
 * Replaces a file as a whole: whatever happens, its path holds the old content or the new one. The
 * new content is on the disk before the name moves to it.
 * @param previous where the old content is kept; should that move be the last thing that happens, it is
 *   there and nothing is at the path
 * @throws UserError for a full disk, a missing permission and the like
 */
export async function writeAtomically(
  files: FileSystem,
  path: string,
  content: Uint8Array | string,
  previous?: string,
): Promise<void> {
  // A name of its own: of two processes that write, neither may write into the other's file.
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}${TEMPORARY}`;
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  try {
    const file = await files.create(temporary);
    try {
      await file.write(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    if (previous !== undefined) await files.rename(path, previous);
    await files.rename(temporary, path);
    await files.syncFolder(folderOf(path));
  } catch (error) {
    // The full disk gets its space back; a failure to do so must not hide the first error.
    await files.remove(temporary).catch(() => {});
    throw writeError(error, path);
  }
}

function folderOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end < 0 ? '.' : path.slice(0, Math.max(end, 1));
}

/** What a person should be told when a file of a run could not be written. */
export function writeError(error: unknown, path: string): UserError {
  const problem = fileError(error, { path, doing: 'write' });
  const { coded } = problem;
  if (coded?.code !== 'system' || coded.facts.reason !== 'disk-full') return problem;
  const facts = {
    ...coded.facts,
    problem: `${coded.facts.problem}, and what was saved before is still whole; free some space and resume the run`,
    remedy: '',
  };
  return new UserError(systemSentence(facts, ''), { code: 'system', facts, cause: error });
}
