// A folder of images as a data set; how it is laid out is folder-layout.ts's. Decoding tens of
// thousands of files takes a minute, so the bytes are kept in the cache (prepared-cache.ts) and used
// again for as long as the listing (names, sizes, times) is the same.

import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, resolve, sep } from 'node:path';
import { messageOf, UserError } from '../../util/errors.ts';
import { CIFAR10_CLASSES } from '../cifar.ts';
import { classCounts, emptySplit, IMAGE_BYTES, type Split } from '../dataset.ts';
import type { LoadOptions } from '../load-options.ts';
import { imageDecoder } from './decode-image.ts';
import {
  type FolderLayout,
  type ImageFile,
  readFolderLayout,
  SPLIT_ROLES,
  type SplitRole,
} from './folder-layout.ts';
import { type Prepared, readPrepared, type Skipped, writePrepared } from './prepared-cache.ts';

export interface ImageFolder {
  readonly title: string;
  readonly classes: readonly string[];
  /** Where the images of a split lie; `.` where the classes are in the folder itself. */
  readonly folders: Readonly<Partial<Record<SplitRole, string>>>;
  readonly splits: Readonly<Partial<Record<SplitRole, Split>>>;
}

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
  const layout = readFolderLayout(folder);
  if (layout === undefined) return undefined;
  before(layout);
  const { classes, folders, files, others } = layout;
  for (const line of layout.notices) options.onNotice?.(line);
  if (others > 0) {
    options.onNotice?.(`ignored in ${folder}, being no images (PNG, JPEG, WebP ...): ${others}`);
  }
  const digest = digestOf(folder, layout);
  let prepared = await readPrepared({ folder, digest, classes: classes.length });
  if (prepared === undefined) {
    prepared = await decodeAll(folder, layout, options);
    const problem = await writePrepared(folder, digest, prepared);
    if (problem) options.onNotice?.(`${problem}: the images will be decoded again next time`);
  }
  reportSkipped(folder, prepared.skipped, options);
  const splits = withNames(prepared, layout);
  if (splits.train) checkClasses(join(folder, folders.train ?? ''), classes, splits.train, options);
  for (const role of ['validation', 'test'] as const) {
    if (splits[role]?.count !== 0) continue;
    throw new UserError(`${join(folder, folders[role] ?? '')} holds no readable images`);
  }
  const title = imageFolderTitle(folder, { classes, ...files });
  return { title, classes, folders, splits };
}

/** Which file each image is: those of the listing that could be read, in its order. */
function withNames({ splits, skipped }: Prepared, { files }: FolderLayout): Prepared['splits'] {
  const unread = new Set(skipped.map(({ path }) => path));
  return Object.fromEntries(
    Object.entries(splits).map(([role, split]) => {
      const paths = (files[role as SplitRole] ?? []).map(({ path }) => path);
      return [role, { ...split, names: paths.filter((path) => !unread.has(path)) }];
    }),
  );
}

/** Changes whenever an image is added, removed, changed, or said to show something else. */
function digestOf(folder: string, { files }: FolderLayout): string {
  const hash = createHash('sha256');
  for (const role of SPLIT_ROLES) {
    for (const { path, label } of files[role] ?? []) {
      const found = statSync(`${folder}${sep}${path}`, { throwIfNoEntry: false });
      hash.update(`${role}\0${label}\0${path}\0${found?.size}\0${found?.mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}

async function decodeAll(
  folder: string,
  { files }: FolderLayout,
  options: LoadOptions,
): Promise<Prepared> {
  const decode = await imageDecoder();
  const skipped: Skipped[] = [];
  const lists = SPLIT_ROLES.flatMap((role) => (files[role] ? [{ role, list: files[role] }] : []));
  const total = lists.reduce((sum, { list }) => sum + list.length, 0);
  const step = Math.max(1, Math.floor(total / 200));
  let done = 0;
  const decodeSplit = async (files: readonly ImageFile[]) => {
    const split = emptySplit(files.length);
    const isRead = new Uint8Array(files.length);
    let next = 0;
    const work = async () => {
      while (next < files.length) {
        options.signal?.throwIfAborted();
        const index = next++;
        const { path, label } = files[index] as ImageFile;
        try {
          split.images.set(await decode(join(folder, path)), index * IMAGE_BYTES);
          split.labels[index] = label;
          isRead[index] = 1;
        } catch (error) {
          const reason = messageOf(error).split('\n')[0] as string;
          if (options.strict) {
            next = files.length;
            throw unreadable(folder, { path, reason });
          }
          skipped.push({ path, reason });
        }
        done++;
        if (done % step === 0 || done === total) {
          options.onProgress?.({ kind: 'decode', file: folder, done, total });
        }
      }
    };
    await Promise.all(Array.from({ length: 2 * availableParallelism() }, work));
    return compacted(split, isRead);
  };
  const splits: Partial<Record<SplitRole, Split>> = {};
  for (const { role, list } of lists) splits[role] = await decodeSplit(list);
  skipped.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { splits, skipped };
}

/** Closes the gaps that unreadable images left. */
function compacted(split: Split, isRead: Uint8Array): Split {
  let count = 0;
  for (let i = 0; i < split.count; i++) {
    if (isRead[i] === 0) continue;
    if (count !== i) {
      split.images.copyWithin(count * IMAGE_BYTES, i * IMAGE_BYTES, (i + 1) * IMAGE_BYTES);
      split.labels[count] = split.labels[i] as number;
    }
    count++;
  }
  return {
    count,
    images: split.images.subarray(0, count * IMAGE_BYTES),
    labels: split.labels.subarray(0, count),
  };
}

function unreadable(folder: string, { path, reason }: Skipped): UserError {
  const problem = `${join(folder, path)} cannot be read as an image (${reason})`;
  return new UserError(`${problem}: repair or remove it, or allow images to be skipped`, {
    code: 'unreadable-image',
    facts: { problem },
  });
}

/** Most unreadable images that are named one by one. */
const NAMED = 20;

function reportSkipped(folder: string, skipped: readonly Skipped[], options: LoadOptions): void {
  if (options.strict && skipped[0]) throw unreadable(folder, skipped[0]);
  for (const { path, reason } of skipped.slice(0, NAMED)) {
    options.onNotice?.(`skipped ${join(folder, path)}: it cannot be read as an image (${reason})`);
  }
  if (skipped.length > NAMED) {
    options.onNotice?.(`skipped ${skipped.length - NAMED} more images that cannot be read`);
  }
}

function checkClasses(
  place: string,
  classes: readonly string[],
  train: Split,
  options: LoadOptions,
): void {
  const counts = classCounts(train, classes.length);
  classes.forEach((name, label) => {
    const which = `class '${name}' in ${place}`;
    if (counts[label] === 0) {
      throw new UserError(`${which} has no readable image: repair its images or remove the folder`);
    }
    if (counts[label] === 1) {
      const message = `${which} has a single image: a network can only memorise it, add more`;
      if (options.strict) throw new UserError(message);
      options.onNotice?.(message);
    }
  });
}

/**
 * The folder's name, except for the well-known JPEG copy of CIFAR-10, which must never pass for the
 * benchmark: all 60,000 images, ten classes, re-encoded.
 */
export function imageFolderTitle(
  folder: string,
  {
    classes,
    train = [],
    test,
  }: {
    readonly classes: readonly string[];
    readonly train?: readonly ImageFile[];
    readonly test?: readonly ImageFile[];
  },
): string {
  const isFull = (files: readonly ImageFile[] | undefined, perClass: number) => {
    const counts = new Array<number>(10).fill(0);
    for (const { label } of files ?? []) counts[label]!++;
    return counts.every((count) => count === perClass);
  };
  const isCifar10 =
    classes.length === 10 && classes.every((name, label) => name === CIFAR10_CLASSES[label]);
  const isJpeg = (file: ImageFile) => /\.jpe?g$/i.test(file.path);
  if (isCifar10 && isFull(train, 5000) && isFull(test, 1000) && train.every(isJpeg)) {
    return 'CIFAR-10 (JPEG q75)';
  }
  return basename(resolve(folder)) || sep;
}
