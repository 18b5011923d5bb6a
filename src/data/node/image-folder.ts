// A folder of images, `train/<class>/*` and `test/<class>/*`, as a data set. Decoding tens of
// thousands of files takes a minute, so the bytes are kept in the cache (prepared-cache.ts) and used
// again for as long as the listing (names, sizes, times) is the same.

import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, resolve, sep } from 'node:path';
import { messageOf, UserError } from '../../util/errors.ts';
import { CIFAR10_CLASSES } from '../cifar.ts';
import { classCounts, emptySplit, IMAGE_BYTES, type Split } from '../dataset.ts';
import type { LoadOptions } from '../load-options.ts';
import { IMAGE_FILES, imageDecoder } from './decode-image.ts';
import { type Prepared, readPrepared, type Skipped, writePrepared } from './prepared-cache.ts';

/** One image file, by its path below the data set's folder. */
interface ImageFile {
  readonly path: string;
  readonly label: number;
}

interface Listing {
  readonly classes: readonly string[];
  readonly train: readonly ImageFile[];
  /** Absent without a test folder. */
  readonly test?: readonly ImageFile[];
  /** Changes whenever a file is added, removed or changed. */
  readonly digest: string;
  readonly notices: readonly string[];
}

export interface ImageFolder {
  readonly title: string;
  readonly classes: readonly string[];
  readonly train: Split;
  readonly test?: Split;
}

/** Whether the folder is meant as an image folder. */
export function isImageFolder(folder: string): boolean {
  return statSync(join(folder, 'train'), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * Reads, or takes from the cache, all images of a folder.
 * @throws UserError for a structure that cannot be trained on; with `strict`, also for the first
 * image that cannot be read and for a class with a single image
 */
export async function loadImageFolder(folder: string, options: LoadOptions): Promise<ImageFolder> {
  const listing = listImages(folder);
  for (const line of listing.notices) options.onNotice?.(line);
  const { digest, classes } = listing;
  let prepared = await readPrepared({ folder, digest, classes: classes.length });
  if (prepared === undefined) {
    prepared = await decodeAll(folder, listing, options);
    const problem = await writePrepared(folder, digest, prepared);
    if (problem) options.onNotice?.(`${problem}: the images will be decoded again next time`);
  }
  reportSkipped(folder, prepared.skipped, options);
  const { train, test } = prepared;
  checkClasses(folder, listing.classes, train, options);
  if (test !== undefined && test.count === 0) {
    throw new UserError(`${join(folder, 'test')} holds no readable images`);
  }
  return { title: imageFolderTitle(folder, listing), classes: listing.classes, train, test };
}

function directories(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => isDirectory(folder, entry) && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort();
}

/** Follows links: people collect data sets from them. */
function isDirectory(folder: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return statSync(join(folder, entry.name), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * The files below a folder, sorted, hidden ones left out. Node's own recursive listing takes six
 * times as long, which for 60,000 images is most of a start.
 */
function filesBelow(folder: string): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    if (!isDirectory(folder, entry)) files.push(entry.name);
    else if (!entry.isSymbolicLink()) {
      for (const file of filesBelow(join(folder, entry.name))) files.push(join(entry.name, file));
    }
  }
  return files.sort();
}

function listImages(folder: string): Listing {
  const notices: string[] = [];
  const hash = createHash('sha256');
  const classes = directories(join(folder, 'train'));
  if (classes.length < 2) {
    throw new UserError(
      `${join(folder, 'train')} holds ${classes.length === 0 ? 'no class folders' : 'only one class'}: ` +
        'it must have one folder of images for each of at least two classes',
    );
  }
  if (classes.length > 65_536) throw new UserError(`${folder} has more than 65,536 classes`);
  let others = 0;
  const list = (split: string) =>
    classes.flatMap((name, label) => {
      const inside = join(split, name);
      const root = join(folder, inside);
      if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) return [];
      const images: ImageFile[] = [];
      for (const file of filesBelow(root)) {
        if (!IMAGE_FILES.test(file)) {
          others++;
          continue;
        }
        const path = `${inside}${sep}${file}`;
        const found = statSync(`${folder}${sep}${path}`, { throwIfNoEntry: false });
        hash.update(`${path}\0${found?.size}\0${found?.mtimeMs}\n`);
        images.push({ path, label });
      }
      return images;
    });
  const train = list('train');
  const filled = new Set(train.map((image) => image.label));
  const empty = classes.find((_, label) => !filled.has(label));
  if (empty !== undefined) {
    throw new UserError(
      `class folder ${join(folder, 'train', empty)} holds no images (PNG, JPEG or WebP): ` +
        'add some, or remove the folder',
    );
  }
  const testFolder = join(folder, 'test');
  let test: ImageFile[] | undefined;
  if (statSync(testFolder, { throwIfNoEntry: false })?.isDirectory()) {
    const extra = directories(testFolder).filter((name) => !classes.includes(name));
    if (extra.length > 0) {
      throw new UserError(
        `${testFolder} has classes that ${join(folder, 'train')} does not have: ${extra.join(', ')}`,
      );
    }
    test = list('test');
    const found = new Set(test.map((image) => image.label));
    const missing = classes.filter((_, label) => !found.has(label));
    if (missing.length > 0 && test.length > 0) {
      notices.push(`no test images of ${missing.join(', ')}: the test error says nothing of them`);
    }
  }
  if (others > 0) notices.push(`ignored in ${folder}, being neither PNG, JPEG nor WebP: ${others}`);
  return { classes, train, test, digest: hash.digest('hex'), notices };
}

async function decodeAll(
  folder: string,
  listing: Listing,
  options: LoadOptions,
): Promise<Prepared> {
  const decode = await imageDecoder();
  const skipped: Skipped[] = [];
  const total = listing.train.length + (listing.test?.length ?? 0);
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
  const train = await decodeSplit(listing.train);
  const test = listing.test && (await decodeSplit(listing.test));
  skipped.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { train, test, skipped };
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
  folder: string,
  classes: readonly string[],
  train: Split,
  options: LoadOptions,
): void {
  const counts = classCounts(train, classes.length);
  classes.forEach((name, label) => {
    const place = `class '${name}' in ${join(folder, 'train')}`;
    if (counts[label] === 0) {
      throw new UserError(`${place} has no readable image: repair its images or remove the folder`);
    }
    if (counts[label] === 1) {
      const message = `${place} has a single image: a network can only memorise it, add more`;
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
  { classes, train, test }: Pick<Listing, 'classes' | 'train' | 'test'>,
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
