// CIFAR's python layout: pickles read without Python, by an allow-list of four harmless names.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Split } from '../../src/data/dataset.ts';
import { loadDataset } from '../../src/data/load.node.ts';
import { planes, putAll, randomSplit, temporaryFolder } from './fixtures.ts';

const root = temporaryFolder();
let folders = 0;
function folderOf(files: Record<string, Uint8Array>): string {
  const folder = join(root, `python-${folders++}`);
  putAll(folder, files);
  return folder;
}

// A small encoder of the instructions that the official files are made of (protocol 2, Python 2).
const raw = (text: string) => Buffer.from(text, 'latin1');
const int = (value: number) => {
  const bytes = Buffer.from('J....');
  bytes.writeInt32LE(value, 1);
  return bytes;
};
const str = (value: string | Uint8Array) => {
  const content = typeof value === 'string' ? raw(value) : Buffer.from(value);
  const head = Buffer.from('T....');
  head.writeUInt32LE(content.length, 1);
  return Buffer.concat([head, content]);
};
const list = (items: Buffer[]) => Buffer.concat([raw(']('), ...items, raw('e')]);
const tuple = (items: Buffer[]) => Buffer.concat([raw('('), ...items, raw('t')]);
const global = (module: string, name: string) => raw(`c${module}\n${name}\n`);
const dict = (entries: Record<string, Buffer>) =>
  Buffer.concat([
    raw('}('),
    ...Object.entries(entries).flatMap(([key, value]) => [str(key), value]),
    raw('u'),
  ]);
const file = (value: Buffer) => Buffer.concat([raw('\x80\x02'), value, raw('.')]);

interface ArrayOptions {
  core?: string;
  type?: string;
  order?: string;
  bytes?: Buffer;
}
/** numpy.ndarray of shape [rows, 3072], as numpy pickles it. */
function ndarray(split: Split, options: ArrayOptions = {}): Buffer {
  const { core = 'numpy.core', type = 'u1', order = '\x89' } = options;
  const content = Buffer.concat(Array.from({ length: split.count }, (_, i) => planes(split, i)));
  return Buffer.concat([
    global(`${core}.multiarray`, '_reconstruct'),
    tuple([global('numpy', 'ndarray'), tuple([int(0)]), str('b')]),
    raw('R'),
    tuple([
      int(1),
      tuple([int(split.count), int(3072)]),
      global('numpy', 'dtype'),
      tuple([str(type), int(0), int(1)]),
      raw('R'),
      tuple([int(3), str('|'), raw('NNN'), int(-1), int(-1), int(0)]),
      raw('b'),
      raw(order),
      options.bytes ?? str(content),
    ]),
    raw('b'),
  ]);
}

/** A numpy array of one dimension. */
function numbers(type: string, values: BigInt64Array): Buffer {
  return Buffer.concat([
    global('numpy.core.multiarray', '_reconstruct'),
    tuple([global('numpy', 'ndarray'), tuple([int(0)]), str('b')]),
    raw('R'),
    tuple([
      int(1),
      tuple([int(values.length)]),
      global('numpy', 'dtype'),
      tuple([str(type), int(0), int(1)]),
      raw('R'),
      tuple([int(3), str('<'), raw('NNN'), int(-1), int(-1), int(0)]),
      raw('b'),
      raw('\x89'),
      str(new Uint8Array(values.buffer)),
    ]),
    raw('b'),
  ]);
}

function batch(split: Split, options: ArrayOptions = {}): Buffer {
  return file(
    dict({
      batch_label: str('training batch'),
      labels: list(Array.from(split.labels, int)),
      data: ndarray(split, options),
      filenames: list([str('a.png')]),
    }),
  );
}

function tinyPython(options: ArrayOptions = {}): Record<string, Buffer> {
  const files: Record<string, Buffer> = {};
  for (let i = 1; i <= 5; i++) files[`data_batch_${i}`] = batch(randomSplit(4, 10, i), options);
  files.test_batch = batch(randomSplit(4, 10, 6), options);
  return files;
}

describe('the python layout', () => {
  test('gives what the binary layout gives', async () => {
    const names = 'abcdefghij'.split('');
    const meta = file(dict({ label_names: list(names.map(str)), num_vis: int(3072) }));
    const folder = folderOf({ ...tinyPython(), 'batches.meta': meta });
    const data = await loadDataset(folder);
    expect(data.title).toBe('CIFAR-10 (subset: 20 + 4 images)');
    expect(data.test).toEqual(randomSplit(4, 10, 6));
    expect(data.classes).toEqual(names);
  });

  test('of CIFAR-100 uses the fine labels', async () => {
    const one = (split: Split) =>
      file(
        dict({
          fine_labels: list(Array.from(split.labels, int)),
          coarse_labels: list(Array.from(split.labels, () => int(0))),
          data: ndarray(split),
        }),
      );
    const names = Array.from({ length: 100 }, (_, i) => str(`class${i}`));
    const folder = folderOf({
      train: one(randomSplit(100, 100, 1)),
      test: one(randomSplit(20, 100, 2)),
      meta: file(dict({ fine_label_names: list(names) })),
    });
    const data = await loadDataset(folder);
    expect(data.train).toEqual(randomSplit(100, 100, 1));
    expect(data.classes[99]).toBe('class99');
  });

  test('labels may be an array of numpy, of any type of whole numbers', async () => {
    const split = randomSplit(4, 10, 6);
    const labels = numbers('i8', BigInt64Array.from(split.labels, BigInt));
    const test_batch = file(dict({ labels, data: ndarray(split) }));
    expect((await loadDataset(folderOf({ ...tinyPython(), test_batch }))).test).toEqual(split);
  });

  test("numpy 2's module names and Python 3's way of writing bytes are understood", async () => {
    const split = randomSplit(4, 10, 6);
    const content = Buffer.concat([0, 1, 2, 3].map((i) => Buffer.from(planes(split, i))));
    const utf8 = Buffer.from(content.toString('latin1'));
    const head = Buffer.from('X....');
    head.writeUInt32LE(utf8.length, 1);
    const encoded = Buffer.concat([
      global('_codecs', 'encode'),
      tuple([head, utf8, raw('X\x06\x00\x00\x00latin1')]),
      raw('R'),
    ]);
    const test_batch = batch(split, { core: 'numpy._core', bytes: encoded });
    expect((await loadDataset(folderOf({ ...tinyPython(), test_batch }))).test).toEqual(split);
  });
});

describe('a file that is not what it should be', () => {
  const load = (data_batch_3: Buffer) => {
    const folder = folderOf({ ...tinyPython(), data_batch_3 });
    return expect(loadDataset(folder)).rejects;
  };
  const where = (message: string) =>
    new RegExp(`data_batch_3 cannot be read as a CIFAR batch: ${message}`);

  test('a malicious pickle runs nothing', async () => {
    const witness = join(root, 'witness');
    const call = tuple([str(`touch ${witness}`)]);
    await load(file(Buffer.concat([global('posix', 'system'), call, raw('R')]))).toThrow(
      where('the file asks to run posix.system, which is not allowed'),
    );
    await load(file(Buffer.concat([global('builtins', 'eval'), call, raw('R')]))).toThrow(
      where('the file asks to run builtins.eval, which is not allowed'),
    );
    expect(existsSync(witness)).toBe(false);
  });

  test('a name from the allow-list under another module is not allowed', async () => {
    await load(file(Buffer.concat([global('numpy._core.evil', 'encode'), raw(')R')]))).toThrow(
      where('the file asks to run numpy._core.evil.encode, which is not allowed'),
    );
  });

  test('cut off', async () => {
    await load(tinyPython().data_batch_3!.subarray(0, 5000)).toThrow(
      where('not a readable pickle: it ends in the middle of a value, at byte 5000'),
    );
  });

  test('not a dictionary', async () => {
    await load(file(list([int(1)]))).toThrow(where('it does not hold a dictionary'));
  });

  test('an array of another type, order or size', async () => {
    const split = randomSplit(4, 10, 3);
    await load(batch(split, { type: 'i1' })).toThrow(where("its array 'data' is not of unsigned"));
    await load(batch(split, { order: '\x88' })).toThrow(
      where("its array 'data' is in column order"),
    );
    await load(batch(split, { bytes: str('short') })).toThrow(
      where('its array does not have as many bytes as its shape says'),
    );
  });

  test('an empty dictionary, or labels that do not fit', async () => {
    await load(file(raw('}'))).toThrow(/data_batch_3 has no array 'data' of images × 3072 bytes/);
    const short = dict({ labels: list([int(1)]), data: ndarray(randomSplit(4, 10, 3)) });
    await load(file(short)).toThrow(/data_batch_3 has no list 'labels' of 4 class numbers/);
  });

  test('one that encodes the same text over and over is stopped', async () => {
    const bomb = Buffer.concat([
      global('_codecs', 'encode'),
      raw('q\x00'),
      raw('X\x00\x00\x01\x00'),
      raw('a'.repeat(65_536)),
      raw('X\x06\x00\x00\x00latin1\x86q\x01'),
      ...Array.from({ length: 100 }, () => raw('h\x00h\x01R0')),
    ]);
    await load(file(bomb)).toThrow(where('it unpacks to far more than its size'));
  });

  test('class names that are nested lists are refused, not spelled out', async () => {
    // Forty lists, each with the one before it twice: written out, 2^40 words.
    const doubled = Array.from({ length: 40 }, () => raw('q\x02h\x02\x86'));
    const meta = file(dict({ label_names: list([raw(']'), ...doubled]) }));
    const folder = folderOf({ ...tinyPython(), 'batches.meta': meta });
    await expect(loadDataset(folder)).rejects.toThrow(
      `${folder}/batches.meta has no list 'label_names' of class names`,
    );
  });
});
