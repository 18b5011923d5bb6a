// A folder of images as a data set, wherever it lies; how it is laid out is folder-layout.ts's. Its files are
// decoded by what the host has; what is said of those that cannot be, and of classes with too few, is here.

import { messageOf, UserError } from '../util/errors.ts';
import { CIFAR10_CLASSES } from './cifar.ts';
import { classCounts, emptySplit, IMAGE_BYTES, type Split } from './dataset.ts';
import { type FolderFiles, placeIn } from './folder-files.ts';
import { type FolderLayout, type ImageFile, SPLIT_ROLES, type SplitRole } from './folder-layout.ts';
import type { LoadOptions } from './load-options.ts';

type Place = Pick<FolderFiles, 'place'>;

/** A file that could not be read as an image. */
export interface Skipped {
  readonly path: string;
  readonly reason: string;
}

/** The images of a folder, decoded. */
export interface Prepared {
  /** Those that the folder has. */
  readonly splits: Readonly<Partial<Record<SplitRole, Split>>>;
  readonly skipped: readonly Skipped[];
}

export interface ImageFolder {
  readonly title: string;
  readonly classes: readonly string[];
  /** Where the images of a split lie; `.` where the classes are in the folder itself. */
  readonly folders: FolderLayout['folders'];
  readonly splits: Prepared['splits'];
}

export interface Decoding {
  /** @returns 32 × 32 × 3 bytes; rejects with the reason where a file is no image */
  readonly decode: (path: string) => Promise<Uint8Array>;
  /** Files that are decoded at the same time. */
  readonly atOnce: number;
}

/** Tells what is not used of a folder, before its images are read. */
export function tellLayout(
  { place }: Place,
  { notices, others }: FolderLayout,
  { onNotice }: LoadOptions,
): void {
  for (const line of notices) onNotice?.(line);
  if (others > 0) {
    onNotice?.(`ignored in ${place}, being no images (PNG, JPEG, WebP ...): ${others}`);
  }
}

/** @throws UserError, with `strict`, for the first image that cannot be read */
export async function decodeFolder(
  folder: Place,
  { files }: FolderLayout,
  { decode, atOnce }: Decoding,
  options: LoadOptions,
): Promise<Prepared> {
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
          split.images.set(await decode(path), index * IMAGE_BYTES);
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
          options.onProgress?.({ kind: 'decode', file: folder.place, done, total });
        }
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
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

/**
 * The data set that a folder's images are.
 * @throws UserError for a class or a split without images; with `strict`, also for an image that cannot be
 * read and for a class with a single image
 */
export function imageFolder(
  folder: Place,
  layout: FolderLayout,
  prepared: Prepared,
  options: LoadOptions,
): ImageFolder {
  const { classes, folders } = layout;
  reportSkipped(folder, prepared.skipped, options);
  const splits = withNames(prepared, layout);
  if (splits.train) {
    checkClasses(placeIn(folder, folders.train ?? ''), classes, splits.train, options);
  }
  for (const role of ['validation', 'test'] as const) {
    if (splits[role]?.count !== 0) continue;
    throw new UserError(`${placeIn(folder, folders[role] ?? '')} holds no readable images`);
  }
  return { title: imageFolderTitle(folder.place, layout), classes, folders, splits };
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

function unreadable(folder: Place, { path, reason }: Skipped): UserError {
  const problem = `${placeIn(folder, path)} cannot be read as an image (${reason})`;
  return new UserError(`${problem}: repair or remove it, or allow images to be skipped`, {
    code: 'unreadable-image',
    facts: { problem },
  });
}

/** Most unreadable images that are named one by one. */
const NAMED = 20;

function reportSkipped(folder: Place, skipped: readonly Skipped[], options: LoadOptions): void {
  if (options.strict && skipped[0]) throw unreadable(folder, skipped[0]);
  for (const { path, reason } of skipped.slice(0, NAMED)) {
    options.onNotice?.(
      `skipped ${placeIn(folder, path)}: it cannot be read as an image (${reason})`,
    );
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
 * @param place the whole path of the folder, or its name
 */
export function imageFolderTitle(
  place: string,
  { classes, files: { train = [], test } }: Pick<FolderLayout, 'classes' | 'files'>,
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
  return place.split(/[/\\]/).findLast((name) => name !== '') ?? place;
}
