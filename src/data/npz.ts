// Images and labels as arrays of numpy in a .npz, the way Keras keeps data sets: `x_train`, `y_train`, `x_test` and
// `y_test` of unsigned bytes. A .npz is a zip archive of .npy files, and a .npy is a line of Python that
// says type, order and shape, and then the values. The line is matched, never evaluated.

import { type NumpyArray, NumpyType, numpyArray, numpyValues } from '../formats/numpy.ts';
import { ZipArchive } from '../formats/zip.ts';
import { latin1 } from '../util/bytes.ts';
import { UserError } from '../util/errors.ts';
import { elementCount } from '../util/tensor.ts';
import { CIFAR_LAYOUTS, CIFAR10_CLASSES, type CifarLayout } from './cifar.ts';
import { cifarTitle } from './cifar-title.ts';
import {
  type Dataset,
  emptySplit,
  IMAGE_BYTES,
  IMAGE_CHANNELS,
  IMAGE_SIZE,
  interleaveAll,
  type Split,
} from './dataset.ts';

const MAGIC = '\x93NUMPY';
/** Longer than any that numpy writes for plain numbers. */
const MOST_HEADER_BYTES = 10_000;
const IMAGES = /^(x|images?|data)_?(train|test)$|^(train|test)_?(x|images?|data)$/i;
const LABELS = /^(y|labels?|targets?)_?(train|test)$|^(train|test)_?(y|labels?|targets?)$/i;

/**
 * Reads a data set out of a .npz.
 * @param path for errors and as its source
 * @throws UserError saying which array is missing or not as it must be
 */
export async function readNpz(
  bytes: Uint8Array,
  path: string,
): Promise<Omit<Dataset, 'test'> & { readonly test?: Split }> {
  const zip = await inFile(path, () => new ZipArchive(bytes));
  const arrays = zip.names().filter((name) => name.endsWith('.npy'));
  const find = (pattern: RegExp, split: string) =>
    arrays.find((name) => {
      const plain = name.slice(0, -'.npy'.length);
      return pattern.test(plain) && plain.toLowerCase().includes(split);
    });
  const read = async (split: 'train' | 'test'): Promise<Split | undefined> => {
    const [images, labels] = [find(IMAGES, split), find(LABELS, split)];
    if (images === undefined || labels === undefined) return undefined;
    const [x, y] = [
      await arrayIn(zip, images, path, bytes.length),
      await arrayIn(zip, labels, path, bytes.length),
    ];
    return splitOf(x, y, `${path}: ${images.slice(0, -4)}`, `${path}: ${labels.slice(0, -4)}`);
  };
  const train = await read('train');
  const test = await read('test');
  if (train === undefined) {
    const names = arrays.slice(0, 8).map((name) => name.slice(0, -4));
    throw new UserError(
      `${path} has no arrays x_train and y_train (it has ${names.join(', ') || 'no arrays'}): save images and labels by these names, and x_test and y_test.`,
    );
  }
  let classes = 2;
  for (const split of [train, test]) {
    for (const label of split?.labels ?? []) classes = Math.max(classes, label + 1);
  }
  const known = await asCifar10(train, test, classes);
  if (known) return { source: path, ...known, train, ...(test && { test }) };
  return {
    source: path,
    title: (path.split(/[/\\]/).at(-1) as string).replace(/\.npz$/i, ''),
    isOriginalCifar10: false,
    classes: Array.from({ length: classes }, (_, label) => `class ${label}`),
    train,
    ...(test && { test }),
  };
}

/** The original, whose order and labels its digests tell; others only look like it. */
async function asCifar10(train: Split, test: Split | undefined, classes: number) {
  const layout = CIFAR_LAYOUTS.find(({ dataset }) => dataset === 'cifar10') as CifarLayout;
  const { perTrainFile: size, trainFiles } = layout;
  const isComplete = train.count === size * trainFiles.length && test?.count === layout.perTestFile;
  if (!isComplete || classes !== CIFAR10_CLASSES.length || test === undefined) return undefined;
  const batches = [...trainFiles.map((_, i) => part(train, i * size, size)), test];
  const titled = await cifarTitle(layout, { train, test, batches });
  return titled.isOriginalCifar10 ? { ...titled, classes: CIFAR10_CLASSES } : undefined;
}

function part({ images, labels }: Split, from: number, count: number): Split {
  return {
    count,
    images: images.subarray(from * IMAGE_BYTES, (from + count) * IMAGE_BYTES),
    labels: labels.subarray(from, from + count),
  };
}

function arrayIn(
  zip: ZipArchive,
  name: string,
  path: string,
  bytesOfFile: number,
): Promise<NumpyArray> {
  return inFile(`${path}: ${name}`, async () => {
    // No compression makes more of less.
    if (zip.size(name) > 1100 * bytesOfFile) throw new UserError('it unpacks to more than it can');
    return parseNpy(zip.isStored(name) ? zip.read(name) : await zip.inflate(name));
  });
}

/** An array from a .npy file. */
export function parseNpy(bytes: Uint8Array): NumpyArray {
  if (latin1(bytes.subarray(0, 6)) !== MAGIC || bytes.length < 12) {
    throw new UserError('it is no array of numpy (.npy)');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isShort = bytes[6] === 1;
  const length = isShort ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = isShort ? 10 : 12;
  if (length > MOST_HEADER_BYTES || start + length > bytes.length) {
    throw new UserError('its header is longer than the file');
  }
  const header = latin1(bytes.subarray(start, start + length));
  const [, type] = /'descr':\s*'([<>|=]?[a-z]\d+)'/.exec(header) ?? [];
  const [, order] = /'fortran_order':\s*(True|False)/.exec(header) ?? [];
  const [, shape] = /'shape':\s*\(([\d,\s]*)\)/.exec(header) ?? [];
  if (type === undefined || order === undefined || shape === undefined) {
    throw new UserError('its header does not say a plain type, an order and a shape');
  }
  const extents = shape.split(',').flatMap((text) => (text.trim() === '' ? [] : [Number(text)]));
  return numpyArray(extents, new NumpyType(type), order === 'True', bytes.subarray(start + length));
}

function splitOf(x: NumpyArray, y: NumpyArray, images: string, labels: string): Split {
  if (x.type.code !== 'u1' || x.columnOrder) {
    throw new UserError(
      `${images} must be unsigned bytes (numpy uint8, 0 to 255) in row order, not ${x.columnOrder ? 'in column order' : x.type.code}`,
    );
  }
  const count = x.shape[0] ?? 0;
  const isPlanar = x.shape.length === 2 || (x.shape[1] === IMAGE_CHANNELS && x.shape.length === 4);
  const each = x.shape.slice(1).join(' × ');
  const allowed = [
    [IMAGE_SIZE, IMAGE_SIZE, IMAGE_CHANNELS],
    [IMAGE_CHANNELS, IMAGE_SIZE, IMAGE_SIZE],
    [IMAGE_BYTES],
  ].map((shape) => shape.join(' × '));
  if (count === 0 || !allowed.includes(each)) {
    throw new UserError(
      `${images} must be images × 32 × 32 × 3, not ${x.shape.join(' × ')}: bring the images to that size first`,
    );
  }
  const isLabels = elementCount(y.shape) === count && /^[BIU]/.test(y.type.dtype ?? '');
  const values = isLabels ? numpyValues(y) : undefined;
  if (!values?.every((value) => Number.isInteger(value) && value >= 0 && value < 65_536)) {
    throw new UserError(
      `${labels} must be ${count} class numbers from 0, not ${y.type.code} of ${y.shape.join(' × ')}`,
    );
  }
  const split = emptySplit(count);
  split.labels.set(values);
  if (isPlanar) interleaveAll(x.bytes(), split);
  else split.images.set(x.bytes());
  return split;
}

/** What is found wrong in a file says in which. */
async function inFile<T>(where: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${where}: ${error.message}`, { cause: error });
  }
}
