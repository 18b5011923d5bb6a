// CIFAR-10 and CIFAR-100 in their official layouts (A. Krizhevsky, "Learning Multiple Layers of
// Features from Tiny Images", 2009): which files there are, what is in them, and what is wrong when
// they are damaged. Where the bytes come from (folder, archive) is the caller's business.

import { UserError } from '../util/errors.ts';
import { readPythonBatch, readPythonNames } from './cifar-python.ts';
import { emptySplit, IMAGE_BYTES, interleave, type Split } from './dataset.ts';

export interface CifarLayout {
  readonly dataset: 'cifar10' | 'cifar100';
  readonly format: 'binary' | 'python';
  /** The folder's name in the official archive. */
  readonly folder: string;
  readonly trainFiles: readonly string[];
  readonly testFile: string;
  readonly namesFile: string;
  /** Binary: label bytes before the pixels; the last one is the class used. */
  readonly labelBytes: number;
  /** Python: the dictionary's key of the labels, and of the class names. */
  readonly labelsKey: string;
  readonly namesKey: string;
  /** Images in each training file and in the test file, when complete. */
  readonly perTrainFile: number;
  readonly perTestFile: number;
}

const CIFAR10 = {
  dataset: 'cifar10',
  labelBytes: 1,
  labelsKey: 'labels',
  namesKey: 'label_names',
  perTrainFile: 10_000,
  perTestFile: 10_000,
} as const;
const CIFAR100 = {
  dataset: 'cifar100',
  labelBytes: 2, // the coarse label (of 20), then the fine one (of 100)
  labelsKey: 'fine_labels',
  namesKey: 'fine_label_names',
  perTrainFile: 50_000,
  perTestFile: 10_000,
} as const;
const FIVE = [1, 2, 3, 4, 5];

/** Every official layout; where a folder has several of one data set, the first is read. */
export const CIFAR_LAYOUTS: readonly CifarLayout[] = [
  {
    ...CIFAR10,
    format: 'binary',
    folder: 'cifar-10-batches-bin',
    trainFiles: FIVE.map((i) => `data_batch_${i}.bin`),
    testFile: 'test_batch.bin',
    namesFile: 'batches.meta.txt',
  },
  {
    ...CIFAR10,
    format: 'python',
    folder: 'cifar-10-batches-py',
    trainFiles: FIVE.map((i) => `data_batch_${i}`),
    testFile: 'test_batch',
    namesFile: 'batches.meta',
  },
  {
    ...CIFAR100,
    format: 'binary',
    folder: 'cifar-100-binary',
    trainFiles: ['train.bin'],
    testFile: 'test.bin',
    namesFile: 'fine_label_names.txt',
  },
  {
    ...CIFAR100,
    format: 'python',
    folder: 'cifar-100-python',
    trainFiles: ['train'],
    testFile: 'test',
    namesFile: 'meta',
  },
];

/** CIFAR-10's classes, in label order. */
export const CIFAR10_CLASSES: readonly string[] = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];

const FILE_NAMES = new Set(
  CIFAR_LAYOUTS.flatMap(({ trainFiles, testFile, namesFile }) => [
    ...trainFiles,
    testFile,
    namesFile,
  ]),
);

/** Whether a path ends in the name of one of the official files. */
export function isCifarFile(path: string): boolean {
  return FILE_NAMES.has(nameOf(path));
}

/**
 * The layout of which there are files, and all files beside them by name.
 * @param files by path, with `/` between folders
 */
export function findCifar<T>(
  files: ReadonlyMap<string, T>,
): { layout: CifarLayout; files: Map<string, T> } | undefined {
  for (const layout of CIFAR_LAYOUTS) {
    const data = [...layout.trainFiles, layout.testFile];
    const anchor = [...files.keys()].find((path) => data.includes(nameOf(path)));
    if (anchor === undefined) continue;
    const folder = anchor.slice(0, -nameOf(anchor).length);
    const inside = [...files].filter(([path]) => path === folder + nameOf(path));
    return { layout, files: new Map(inside.map(([path, file]) => [nameOf(path), file])) };
  }
  return undefined;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The files of one layout, wherever they are. */
export interface CifarFiles {
  /** The folder or archive, for messages. */
  readonly place: string;
  /** The bytes of a file, or undefined when it is not there. */
  read(name: string): Promise<Uint8Array | undefined>;
}

/** What the files of a layout hold. */
export interface CifarContents {
  readonly classes: readonly string[];
  readonly train: Split;
  readonly test: Split;
  /** The images of each file, in the layout's order, the test file last. */
  readonly batches: readonly Split[];
}

/**
 * Reads a whole data set.
 * @throws UserError that names the file which is missing, cut off or not what it should be
 */
export async function readCifar(layout: CifarLayout, files: CifarFiles): Promise<CifarContents> {
  const classCount = layout.dataset === 'cifar10' ? 10 : 100;
  const readOne = async (name: string) => {
    const bytes = await files.read(name);
    if (bytes === undefined) {
      throw new UserError(
        `${name} is missing in ${files.place}: unpack the official archive again, all of ` +
          `${[...layout.trainFiles, layout.testFile].join(', ')} are needed`,
      );
    }
    const path = `${files.place}/${name}`;
    const records =
      layout.format === 'binary'
        ? readBinaryBatch(bytes, layout.labelBytes, path)
        : readPythonBatch(bytes, layout.labelsKey, path);
    const wrong = records.labels.findIndex((label) => label >= classCount);
    if (wrong >= 0) {
      throw new UserError(
        `${path} is damaged: image ${wrong} has label ${records.labels[wrong]}, ` +
          `and labels go from 0 to ${classCount - 1}`,
      );
    }
    return records;
  };
  const batches: Split[] = [];
  for (const name of layout.trainFiles) batches.push(await readOne(name));
  const test = await readOne(layout.testFile);
  const names = await files.read(layout.namesFile);
  const classes =
    names === undefined
      ? undefined
      : layout.format === 'binary'
        ? linesOf(names)
        : readPythonNames(names, layout.namesKey, `${files.place}/${layout.namesFile}`);
  return {
    classes: checkedClasses(classes, classCount, `${files.place}/${layout.namesFile}`),
    train: concatenate(batches),
    test,
    batches: [...batches, test],
  };
}

function linesOf(bytes: Uint8Array): string[] {
  const text = new TextDecoder().decode(bytes);
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

/** The names file is small and often left behind: CIFAR-10's names are known without it. */
function checkedClasses(
  classes: readonly string[] | undefined,
  count: number,
  path: string,
): readonly string[] {
  if (classes === undefined) {
    if (count === CIFAR10_CLASSES.length) return CIFAR10_CLASSES;
    throw new UserError(`${path} is missing: it holds the names of the ${count} classes`);
  }
  if (classes.length !== count) {
    throw new UserError(`${path} is damaged: ${classes.length} class names instead of ${count}`);
  }
  return classes;
}

/** Records of label byte(s), 1,024 red, 1,024 green and 1,024 blue bytes. */
function readBinaryBatch(bytes: Uint8Array, labelBytes: number, path: string): Split {
  const recordBytes = labelBytes + IMAGE_BYTES;
  if (bytes.length === 0 || bytes.length % recordBytes !== 0) {
    const whole = Math.floor(bytes.length / recordBytes).toLocaleString('en');
    throw new UserError(
      `${path} is damaged or cut off: its ${bytes.length.toLocaleString('en')} bytes are not a ` +
        `multiple of a record's ${recordBytes.toLocaleString('en')} (${whole} whole images); ` +
        'download or unpack it again',
    );
  }
  const split = emptySplit(bytes.length / recordBytes);
  for (let i = 0; i < split.count; i++) {
    const start = i * recordBytes;
    split.labels[i] = bytes[start + labelBytes - 1] as number;
    interleave(bytes, start + labelBytes, split.images, i * IMAGE_BYTES);
  }
  return split;
}

function concatenate(splits: readonly Split[]): Split {
  const whole = emptySplit(splits.reduce((sum, split) => sum + split.count, 0));
  let count = 0;
  for (const split of splits) {
    whole.images.set(split.images, count * IMAGE_BYTES);
    whole.labels.set(split.labels, count);
    count += split.count;
  }
  return whole;
}
