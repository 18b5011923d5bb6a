// Small data sets and files for the tests of the data layer, made on the spot.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pack } from 'tar-stream';
import { afterAll } from 'vitest';
import { emptySplit, IMAGE_BYTES, type Split } from '../../src/data/dataset.ts';
import { randomStream } from '../../src/util/random.ts';

/** A folder that is removed after the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'table6-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a file, making its folder. */
export function put(path: string, content: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** `count` images of random bytes with labels 0, 1, ... classes - 1, 0, 1 ... */
export function randomSplit(count: number, classes = 10, seed = 0): Split {
  const random = randomStream(seed, 'fixture');
  const split = emptySplit(count);
  const words = new Uint32Array(split.images.buffer);
  for (let i = 0; i < words.length; i++) words[i] = random.uint32();
  for (let i = 0; i < count; i++) split.labels[i] = i % classes;
  return split;
}

/** Colour planes, as CIFAR's files store images: the inverse of what loading does. */
export function planes(split: Split, index: number): Uint8Array {
  const image = split.images.subarray(index * IMAGE_BYTES, (index + 1) * IMAGE_BYTES);
  return Uint8Array.from({ length: IMAGE_BYTES }, (_, i) => image[(i % 1024) * 3 + (i >> 10)] ?? 0);
}

/** Binary CIFAR records; `coarse` puts CIFAR-100's first label byte before the label. */
export function binaryRecords(split: Split, coarse?: number): Buffer {
  return Buffer.concat(
    Array.from({ length: split.count }, (_, i) => {
      const labels = coarse === undefined ? [split.labels[i]!] : [coarse, split.labels[i]!];
      return Buffer.concat([Buffer.from(labels), planes(split, i)]);
    }),
  );
}

/** The files of a tiny CIFAR-10 in the binary layout: five batches of ten and ten test images. */
export function tinyCifar10(): Record<string, Buffer> {
  const files: Record<string, Buffer> = {};
  for (let i = 1; i <= 5; i++) files[`data_batch_${i}.bin`] = binaryRecords(randomSplit(10, 10, i));
  files['test_batch.bin'] = binaryRecords(randomSplit(10, 10, 6));
  return files;
}

export function putAll(folder: string, files: Record<string, Uint8Array | string>): void {
  for (const [name, content] of Object.entries(files)) put(join(folder, name), content);
}

/** A tar archive of these files. */
export async function tarOf(files: Record<string, Uint8Array | string>): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) {
    archive.entry({ name }, Buffer.from(content));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A .npy as numpy.save writes it. */
export function npy(type: string, shape: readonly number[], content: Uint8Array, order = 'False') {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${type}', 'fortran_order': ${order}, 'shape': (${tuple}), }`;
  const header = `${text.padEnd(117)}\n`;
  const start = Buffer.from(`\x93NUMPY\x01\0..${header}`, 'latin1');
  start.writeUInt16LE(header.length, 8);
  return new Uint8Array(Buffer.concat([start, content]));
}

/** The arrays of a data set as Keras names them, by the names that they have in a .npz. */
export function numpyArrays(train: Split, test: Split): Record<string, Uint8Array> {
  const labels = (split: Split) =>
    new Uint8Array(BigInt64Array.from(Array.from(split.labels, BigInt)).buffer);
  return {
    'x_train.npy': npy('|u1', [train.count, 32, 32, 3], train.images),
    'y_train.npy': npy('<i8', [train.count, 1], labels(train)),
    'x_test.npy': npy('|u1', [test.count, 32, 32, 3], test.images),
    'y_test.npy': npy('<i8', [test.count], labels(test)),
  };
}
