// Pictures of any size as a data set: decoded by the browser, upright, and brought to 32 × 32 pixels as
// for prediction. Where nobody said which are for testing, a fifth of each class is held out.

import {
  type Dataset,
  emptySplit,
  IMAGE_BYTES,
  type Split,
  takeImages,
} from '../../../data/dataset.ts';
import { splitValidation } from '../../../data/validation.ts';
import { readPicture } from '../../../library/picture.browser.ts';
import { UserError } from '../../../util/errors.ts';
import type { Progress } from '../protocol.ts';

/** A data set, and sentences for people about it. */
export interface ReadData {
  readonly dataset: Dataset;
  readonly notices: readonly string[];
}

/** File names that count as images. */
export const IMAGE_FILES = /\.(png|jpe?g|webp|gif|bmp|avif)$/i;

export interface LabelledPicture {
  /** For messages. */
  readonly path: string;
  readonly file: Blob;
  /** Name of its class. */
  readonly label: string;
  readonly split?: 'train' | 'test';
}

const HELD_OUT = 0.2;
const MOST_PICTURES = 200_000;
/** Unreadable pictures that are named one by one. */
const NAMED = 5;
/** Pictures that are decoded at the same time. */
const AT_ONCE = 4;

/**
 * @param name of the data set
 * @throws UserError where there is nothing to learn: fewer than two classes, a class of one picture
 */
export async function readPictures(
  name: string,
  pictures: readonly LabelledPicture[],
  onProgress: (progress: Progress) => void,
): Promise<ReadData> {
  if (pictures.length > MOST_PICTURES) {
    throw new UserError(
      `${name} has ${pictures.length} pictures; a tab takes ${MOST_PICTURES.toLocaleString('en')} at most.`,
    );
  }
  const classes = [...new Set(pictures.map(({ label }) => label))].sort();
  if (classes.length < 2) {
    throw new UserError(
      `${name} has ${classes.length === 0 ? 'no class' : 'only one class'}: a network needs two or more to tell apart, each a folder of its own.`,
    );
  }
  const { split, isRead, skipped } = await decode(pictures, classes, onProgress);
  const wanted = (kind: 'train' | 'test' | undefined) =>
    takeImages(
      split,
      pictures.flatMap((picture, i) => (isRead[i] === 1 && picture.split === kind ? [i] : [])),
    );
  const notices = skippedNotices(skipped);
  const [train, test] = [wanted('train'), wanted('test')];
  const parts =
    test.count > 0
      ? { train, test }
      : heldOut(name, whole(train, wanted(undefined)), classes, notices);
  const found = new Set(parts.train.labels);
  const empty = classes.find((_, label) => !found.has(label));
  if (empty !== undefined) {
    throw new UserError(`"${empty}" in ${name} has no readable picture to train on: add some.`);
  }
  const dataset: Dataset = {
    source: name,
    title: name,
    isOriginalCifar10: false,
    classes,
    ...parts,
  };
  return { dataset, notices };
}

function whole(train: Split, rest: Split): Split {
  return train.count > 0 ? train : rest;
}

function heldOut(name: string, split: Split, classes: readonly string[], notices: string[]) {
  for (const [label, title] of classes.entries()) {
    const count = split.labels.filter((each) => each === label).length;
    if (count < 2) {
      throw new UserError(
        `"${title}" in ${name} has ${count === 0 ? 'no readable picture' : 'a single picture'}: two are the least, one to learn from and one to test with.`,
      );
    }
  }
  const amount = Math.max(classes.length, Math.round(HELD_OUT * split.count));
  const { train, validation } = splitValidation(split, amount, 0, classes);
  notices.push(`${validation.count} of ${split.count} pictures are held out to test with.`);
  return { train, test: validation };
}

async function decode(
  pictures: readonly LabelledPicture[],
  classes: readonly string[],
  onProgress: (progress: Progress) => void,
) {
  const split = emptySplit(pictures.length);
  const isRead = new Uint8Array(pictures.length);
  const skipped: string[] = [];
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < pictures.length) {
      const index = next++;
      const { file, label, path } = pictures[index] as LabelledPicture;
      try {
        split.images.set(await readPicture(file), index * IMAGE_BYTES);
        split.labels[index] = classes.indexOf(label);
        isRead[index] = 1;
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        skipped.push(path);
      }
      done++;
      if (done % 50 === 0 || done === pictures.length) {
        onProgress({ what: 'decode', done, total: pictures.length });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { split, isRead, skipped: skipped.sort() };
}

function skippedNotices(skipped: readonly string[]): string[] {
  if (skipped.length === 0) return [];
  const named = skipped.slice(0, NAMED).join(', ');
  const more = skipped.length > NAMED ? ` and ${skipped.length - NAMED} more` : '';
  return [`Left out, because they cannot be read as images: ${named}${more}.`];
}
