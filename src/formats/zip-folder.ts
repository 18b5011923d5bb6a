// A folder as one ZIP file, there and back: how a page hands over a run folder, and takes one in that
// may come from anywhere. What an archive claims is checked as a whole before anything is inflated.

import { UserError } from '../util/errors.ts';
import { looksLikeZip, ZipArchive } from './zip.ts';
import { writeDeflatedZip } from './zip-writer.ts';

/** Files of a folder by their path in it, with `/` between folders: `checkpoints/last.safetensors`. */
export type FolderFiles = ReadonlyMap<string, Uint8Array>;

export interface UnpackLimits {
  /** Most bytes that all files together may have. */
  readonly maxBytes?: number;
  readonly maxFiles?: number;
}

const DEFAULT_LIMITS = { maxBytes: 2 ** 30, maxFiles: 10_000 };

/**
 * A ZIP file of a folder's files, deflated where that makes them smaller.
 * @throws UserError for 4 GiB and for paths that `unpackFolder` would refuse
 */
export async function packFolder(files: FolderFiles): Promise<Uint8Array<ArrayBuffer>> {
  checkPaths([...files.keys()]);
  return await writeDeflatedZip(files);
}

/**
 * The files in a ZIP file, without its entries for folders. Stored ones are views of it.
 * @throws UserError if it is no archive or a damaged one, if a path leads out of the folder or occurs
 * twice, if an entry is encrypted or compressed other than by deflate, or if it holds more than
 * `limits` (1 GiB, 10,000 files) allow
 */
export async function unpackFolder(
  zip: Uint8Array,
  limits: UnpackLimits = {},
): Promise<Map<string, Uint8Array>> {
  const { maxBytes, maxFiles } = { ...DEFAULT_LIMITS, ...limits };
  if (!looksLikeZip(zip)) throw new UserError('not a zip archive: choose a .zip file');
  const archive = new ZipArchive(zip);
  const names = archive.names().filter((name) => !name.endsWith('/'));
  if (names.length > maxFiles) {
    throw new UserError(
      `the archive holds ${names.length} files; no more than ${maxFiles} are read`,
    );
  }
  checkPaths(names);
  const bytes = names.reduce((sum, name) => sum + archive.size(name), 0);
  if (!(bytes <= maxBytes)) {
    throw new UserError(`the archive holds ${bytes} bytes; no more than ${maxBytes} are read`);
  }
  const files = new Map<string, Uint8Array>();
  for (const name of names) files.set(name, await archive.inflate(name));
  return files;
}

/** What no file system takes, or takes for something else: backslashes, drives, control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const UNSAFE = /[\\:\u0000-\u001f\u007f]/;

/** Longer than the paths of any run; file systems end at 4,096. */
const LONGEST_PATH = 1024;

function checkPaths(paths: readonly string[]): void {
  const known = new Set(paths);
  for (const path of paths) {
    const parts = path.length > LONGEST_PATH ? [''] : path.split('/');
    if (UNSAFE.test(path) || parts.some((part) => ['', '.', '..'].includes(part))) {
      throw new UserError(
        `the archive's entry ${JSON.stringify(path.slice(0, 80))} is no path inside a folder`,
      );
    }
    for (let end = 1; end < parts.length; end++) {
      const folder = parts.slice(0, end).join('/');
      if (known.has(folder)) {
        throw new UserError(
          `the archive's entry ${JSON.stringify(folder.slice(0, 80))} is both a file and a folder`,
        );
      }
    }
  }
}
