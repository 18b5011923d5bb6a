// Pictures of any size as a data set: decoded by the browser and squeezed to 32 × 32 pixels as Node.js does it
// (data/image-folder.ts). Where there is nothing to test with, a fifth of each class is held out.

import type { Dataset } from '../../../data/dataset.ts';
import { type FolderFiles, listedFolder } from '../../../data/folder-files.ts';
import type { FolderLayout, ImageFile } from '../../../data/folder-layout.ts';
import { decodeFolder, imageFolder, tellLayout } from '../../../data/image-folder.ts';
import type { LoadOptions } from '../../../data/load-options.ts';
import { notPixels } from '../../../data/pixels.ts';
import { divided, type Whole } from '../../../data/splits.ts';
import { readPicture } from '../../../library/picture.browser.ts';
import { UserError } from '../../../util/errors.ts';
import type { Progress } from '../protocol.ts';

/** A data set, and sentences for people about it. */
export interface ReadData {
  readonly dataset: Dataset;
  readonly notices: readonly string[];
}

/** Pictures of a class that has its name from the reader. */
export interface OwnClass {
  readonly name: string;
  readonly pictures: readonly Blob[];
}

const HELD_OUT = 0.2;
const MOST_PICTURES = 200_000;
/** Pictures that are decoded at the same time. */
const AT_ONCE = 4;

/**
 * The pictures of a folder that is laid out in a known way.
 * @param files by path below it
 * @throws UserError where there is nothing to learn: a class without pictures, or with one
 */
export async function readImageFolder(
  folder: FolderFiles,
  layout: FolderLayout,
  files: ReadonlyMap<string, Blob>,
  onProgress: (progress: Progress) => void,
): Promise<ReadData> {
  const { place } = folder;
  const count = Object.values(layout.files).reduce((sum, { length }) => sum + length, 0);
  if (count > MOST_PICTURES) {
    throw new UserError(
      `${place} has ${count} pictures; a tab takes ${MOST_PICTURES.toLocaleString('en')} at most.`,
    );
  }
  const notices: string[] = [];
  const options: LoadOptions = {
    onNotice: (line) => notices.push(line),
    onProgress: ({ done = 0, total }) =>
      onProgress({ what: 'decode', done, ...(total !== undefined && { total }) }),
  };
  tellLayout(folder, layout, options);
  const decoding = { decode: (path: string) => decode(files.get(path) as Blob), atOnce: AT_ONCE };
  const prepared = await decodeFolder(folder, layout, decoding, options);
  const { title, classes, splits } = imageFolder(folder, layout, prepared, options);
  const whole = { source: place, isOriginalCifar10: false, title, classes, ...splits };
  return { dataset: withTest(whole, options), notices };
}

/** Pictures that were added class by class. @throws UserError as `readImageFolder` does */
export async function readOwnPictures(
  name: string,
  own: readonly OwnClass[],
  onProgress: (progress: Progress) => void,
): Promise<ReadData> {
  const classes = own.map(({ name }) => name.normalize('NFC')).sort();
  if (classes.length < 2) {
    throw new UserError(`${name} has only one class: a network needs two or more to tell apart.`);
  }
  const files = new Map<string, Blob>();
  const train: ImageFile[] = [];
  for (const { name, pictures } of own) {
    const label = classes.indexOf(name.normalize('NFC'));
    for (const [i, picture] of pictures.entries()) {
      const path = `${name} ${i + 1}`;
      files.set(path, picture);
      train.push({ path, label });
    }
  }
  const layout: FolderLayout = {
    classes,
    folders: { train: '.' },
    files: { train: train.sort((a, b) => a.label - b.label) },
    others: 0,
    notices: [],
  };
  const folder = listedFolder(name, [], () => Promise.reject(new Error('there are no texts')));
  return await readImageFolder(folder, layout, files, onProgress);
}

/** Node.js asks how many images are to be held out; a page begins with a fifth. */
export function withTest(whole: Whole, options: LoadOptions): Dataset {
  const { train, test, validation, classes } = whole;
  if (test || validation || !train) return divided(whole, { ...options, forTesting: true });
  const count = Math.max(classes.length, Math.round(HELD_OUT * train.count));
  options.onNotice?.(`${count} of ${train.count} images are held out to test with.`);
  return divided(whole, { validation: count, seed: 0 });
}

async function decode(file: Blob): Promise<Uint8Array> {
  const problem = notPixels(new Uint8Array(await file.slice(0, 16).arrayBuffer()));
  if (problem) throw new Error(problem);
  return await readPicture(file);
}
