// A folder of images on the disk. Decoding tens of thousands of files takes a minute, so the bytes are kept in
// the cache (prepared-cache.ts) and used again for as long as the listing (names, sizes, times) is the same.

import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { type FolderLayout, readFolderLayout, SPLIT_ROLES } from '../folder-layout.ts';
import {
  decodeFolder,
  type ImageFolder,
  imageFolder,
  imageFolderTitle,
  tellLayout,
} from '../image-folder.ts';
import type { LoadOptions } from '../load-options.ts';
import { imageDecoder } from './decode-image.ts';
import { diskFolder } from './folder-files.ts';
import { readPrepared, writePrepared } from './prepared-cache.ts';

/**
 * Reads, or takes from the cache, all images of a folder.
 * @param before is told the layout before images are read, and may refuse it
 * @returns undefined where it holds none in a layout that is known
 * @throws UserError for a structure that cannot be used; with `strict`, also for the first
 * image that cannot be read and for a class with a single image
 */
export async function loadImageFolder(
  folder: string,
  options: LoadOptions,
  before: (layout: FolderLayout) => void = () => {},
): Promise<ImageFolder | undefined> {
  const files = diskFolder(folder);
  const layout = await readFolderLayout(files);
  if (layout === undefined) return undefined;
  before(layout);
  tellLayout(files, layout, options);
  const digest = digestOf(folder, layout);
  let prepared = await readPrepared({ folder, digest, classes: layout.classes.length });
  if (prepared === undefined) {
    const decoder = await imageDecoder();
    const decode = (path: string) => decoder(join(folder, path));
    const decoding = { decode, atOnce: 2 * availableParallelism() };
    prepared = await decodeFolder(files, layout, decoding, options);
    const problem = await writePrepared(folder, digest, prepared);
    if (problem) options.onNotice?.(`${problem}: the images will be decoded again next time`);
  }
  const found = imageFolder(files, layout, prepared, options);
  // `.` has no name of its own.
  return { ...found, title: imageFolderTitle(resolve(folder), layout) };
}

/** Changes whenever an image is added, removed, changed, or said to show something else. */
function digestOf(folder: string, { files }: FolderLayout): string {
  const hash = createHash('sha256');
  for (const role of SPLIT_ROLES) {
    for (const { path, label } of files[role] ?? []) {
      const found = statSync(`${folder}/${path}`, { throwIfNoEntry: false });
      hash.update(`${role}\0${label}\0${path}\0${found?.size}\0${found?.mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}
