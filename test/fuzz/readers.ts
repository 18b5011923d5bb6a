// The readers that are fuzzed, each with a corpus of small valid files made in memory. A reader that
// takes bytes from outside belongs here: one entry is all it needs.

import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CIFAR_LAYOUTS, type CifarLayout, readCifar } from '../../src/data/cifar.ts';
import { IMAGE_BYTES } from '../../src/data/dataset.ts';
import {
  encodePrepared,
  type PreparedKey,
  readPreparedFile,
} from '../../src/data/node/prepared-cache.ts';
import { readNpz } from '../../src/data/npz.ts';
import { crc32 } from '../../src/formats/checksum.ts';
import { rawTensor } from '../../src/formats/dtypes.ts';
import { PickleWriter } from '../../src/formats/pickle-writer.ts';
import { writeZip } from '../../src/formats/zip-writer.ts';
import { readPyTorch } from '../../src/interop/pytorch/read.ts';
import { writePyTorch } from '../../src/interop/pytorch/write.ts';
import { matchNetwork } from '../../src/interop/recognize.ts';
import {
  readSafetensors,
  toNamedTensors,
  writeSafetensors,
} from '../../src/interop/safetensors/safetensors.ts';
import { UserError } from '../../src/util/errors.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';
import { encodeLegacy, floatStorage } from '../interop/legacy-encoder.ts';
import { NAMINGS, type Naming, renamedWeights } from '../interop/naming.ts';
import { tensorsIn } from '../interop/tensors.ts';
import { TorchFile } from '../interop/torch-file.ts';

export interface FuzzedReader {
  readonly name: string;
  corpus(): readonly Uint8Array[];
  /** Reads a file and returns how many bytes its result takes; throws UserError when refused. */
  read(bytes: Uint8Array): number | Promise<number>;
}

const small: NamedTensors = new Map([
  ['conv1.weight', { shape: [2, 3, 3, 3], data: Float32Array.from({ length: 54 }, (_, i) => i) }],
  ['bn1.running_var', { shape: [2], data: Float32Array.of(1, 2) }],
  ['linear.bias', { shape: [3], data: Float32Array.of(0.5, -1, 2) }],
]);

function floatBytes(tensors: NamedTensors): number {
  return [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
}

const legacyPyTorch: FuzzedReader = {
  name: 'PyTorch legacy (.th)',
  corpus() {
    const storages = { a: floatStorage([1, 2, 3, 4, 5, 6]), b: floatStorage([7, 8]) };
    const halves = { className: 'HalfStorage', elements: 2, bytes: Uint8Array.of(0, 60, 0, 64) };
    const counts = { className: 'LongStorage', elements: 1, bytes: new Uint8Array(8) };
    const weight = { name: 'module.weight', storage: 'a', shape: [2, 3], stride: [3, 1] };
    const bias = { name: 'module.bias', storage: 'b', shape: [2], stride: [1] };
    const transposed = { name: 'module.t', storage: 'a', shape: [3, 2], stride: [1, 3] };
    const view = { name: 'module.v', storage: 'a', shape: [2], stride: [1], view: [2, 3] } as const;
    return [
      encodeLegacy(storages, [weight, bias]),
      encodeLegacy(storages, [weight, bias, transposed, view], { wrap: true }),
      encodeLegacy(storages, [weight, bias], { bigEndian: true }),
      encodeLegacy({ h: halves, n: counts }, [
        { ...bias, storage: 'h' },
        { name: 'module.n', storage: 'n', shape: [], stride: [] },
      ]),
    ];
  },
  read: (bytes) => floatBytes(tensorsIn(bytes)),
};

/** The checksums that an archive's content has, so that damage reaches what lies behind them. */
function withChecksums(archive: Uint8Array): Uint8Array {
  const result = archive.slice();
  const view = new DataView(result.buffer);
  for (let at = 0; at + 46 <= result.length; at++) {
    if (view.getUint32(at, true) !== 0x02014b50) continue;
    const header = view.getUint32(at + 42, true);
    if (header + 30 > result.length) continue;
    const names = view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
    const content = result.subarray(header + 30 + names).subarray(0, view.getUint32(at + 20, true));
    view.setUint32(at + 16, crc32(content), true);
  }
  return result;
}

const zipPyTorch: FuzzedReader = {
  name: 'PyTorch zip (.pth)',
  corpus: () => [
    writePyTorch(small),
    writePyTorch(small, { modulePrefix: true, extra: { epoch: 7, best_prec1: 91.5 } }),
  ],
  read: (bytes) => floatBytes(tensorsIn(bytes)),
};

const behindChecksums: FuzzedReader = {
  name: 'PyTorch zip behind its checksums',
  corpus: zipPyTorch.corpus,
  read: (bytes) => zipPyTorch.read(withChecksums(bytes)),
};

/** Everything that may stand beside weights, and a model that was saved whole. */
function besideWeights(): Uint8Array[] {
  const file = new TorchFile();
  file.dict({
    args: () => file.object('argparse', 'Namespace', { lr: () => file.pickle.number(0.1) }),
    best: () => file.numpyScalar(92.5),
    counts: () => file.call('collections', 'Counter', (pickle) => pickle.emptyDict()),
    ema: () => file.stateDict(small, 'module.'),
    model: () => file.module(small),
  });
  return [file.bytes(), new TorchFile().module(small).bytes()];
}

const pickledObjects: FuzzedReader = {
  name: 'PyTorch objects',
  corpus: besideWeights,
  read: (bytes) => floatBytes(tensorsIn(withChecksums(bytes))),
};

/** Names and shapes of a network whose tensors all share a few values, so that the file is small. */
function namedShapes(naming: Naming, prefix = ''): Uint8Array {
  const shapes = renamedWeights(naming, { arch: 'resnet8', shortcut: 'B' });
  const storage = floatStorage([1, 2, 3, 4]);
  const tensors = [...shapes].map(([name, { shape }]) => ({
    name: prefix + name,
    storage: 's',
    shape: [...shape],
    stride: shape.map(() => 0),
  }));
  return encodeLegacy({ s: storage }, tensors);
}

const recognition: FuzzedReader = {
  name: 'recognition by order and shape',
  corpus: () =>
    Object.values(NAMINGS).map((naming, i) => namedShapes(naming, i % 2 ? 'model.' : '')),
  read(bytes) {
    // The values are too few for the shapes, so only what these say is looked at.
    const { tensors } = readPyTorch(bytes);
    const shapes = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    return matchNetwork(shapes, {}, 'The file').names.size;
  },
};

const npz: FuzzedReader = {
  name: '.npz',
  corpus() {
    const header = (type: string, shape: string) => {
      const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }`;
      const bytes = Buffer.from(`\x93NUMPY\x01\0..${text.padEnd(117)}\n`, 'latin1');
      bytes.writeUInt16LE(118, 8);
      return bytes;
    };
    const arrays = new Map([
      ['x_train.npy', Buffer.concat([header('|u1', '2, 32, 32, 3'), pixels(2)])],
      ['y_train.npy', Buffer.concat([header('|u1', '2,'), Buffer.from([0, 1])])],
    ]);
    return [writeZip(arrays)];
  },
  async read(bytes) {
    const { train } = await readNpz(withChecksums(bytes), 'fuzz.npz');
    return train.images.byteLength + train.labels.byteLength;
  },
};

const safetensors: FuzzedReader = {
  name: 'safetensors',
  corpus() {
    const mixed = new Map([
      ['weight', rawTensor('F32', [2, 2], Float32Array.of(1, 2, 3, 4))],
      ['sum', rawTensor('F64', [], Float64Array.of(0.5))],
      ['order', rawTensor('U32', [3], Uint32Array.of(2, 0, 1))],
      ['mask', rawTensor('U8', [5], Uint8Array.of(1, 2, 3, 4, 5))],
    ]);
    return [
      writeSafetensors(mixed),
      writeSafetensors(mixed, { arch: 'resnet20', recipe: 'paper' }),
      writeSafetensors(new Map()),
    ];
  },
  read: (bytes) => floatBytes(toNamedTensors(readSafetensors(bytes).tensors)),
};

/** A CIFAR-10 data set whose every batch is the fuzzed file. */
async function readAsBatch(format: CifarLayout['format'], file: Uint8Array): Promise<number> {
  const official = CIFAR_LAYOUTS.find((l) => l.format === format && l.dataset === 'cifar10');
  const layout = { ...(official as CifarLayout), trainFiles: ['batch'], testFile: 'batch' };
  const read = async (name: string) => (name === 'batch' ? file : undefined);
  const { train } = await readCifar(layout, { place: 'fuzz', read });
  return train.images.byteLength + train.labels.byteLength;
}

const pixels = (images: number) =>
  Uint8Array.from({ length: images * IMAGE_BYTES }, (_, i) => (i * 7) & 0xff);

const cifarBinary: FuzzedReader = {
  name: 'CIFAR binary',
  corpus: () =>
    [1, 2].map((images) => {
      const file = new Uint8Array(images * (IMAGE_BYTES + 1));
      for (let i = 0; i < images; i++) {
        file[i * (IMAGE_BYTES + 1)] = i;
        file.set(pixels(1), i * (IMAGE_BYTES + 1) + 1);
      }
      return file;
    }),
  read: (bytes) => readAsBatch('binary', bytes),
};

/** A batch as Python pickles it: Python 2's strings ('T') or Python 3's bytes ('B'). */
function pythonBatch(images: number, stringOpcode: 'T' | 'B'): Uint8Array {
  const data = pixels(images);
  const pickle = new PickleWriter();
  const bytes = (content: Uint8Array) => {
    const length = new Uint8Array(Uint32Array.of(content.length).buffer);
    pickle.raw(stringOpcode.charCodeAt(0), ...length, ...content);
  };
  pickle.emptyDict().mark().string('data');
  pickle.global('numpy.core.multiarray', '_reconstruct').mark().global('numpy', 'ndarray');
  pickle.numbers([0]);
  bytes(Uint8Array.of(0x62));
  pickle.tuple().reduce().mark().number(1).numbers([images, IMAGE_BYTES]);
  pickle.global('numpy', 'dtype').mark().string('u1').number(0).number(1).tuple().reduce();
  pickle.numbers([3, -1, -1, 0]).raw(0x62).boolean(false); // BUILD of the dtype
  bytes(data);
  pickle.tuple().raw(0x62); // BUILD of the array
  pickle.string('labels').raw(0x5d).mark();
  for (let i = 0; i < images; i++) pickle.number(i);
  return pickle.raw(0x65).setItems().finish();
}

const cifarPython: FuzzedReader = {
  name: 'CIFAR python',
  corpus: () => [pythonBatch(1, 'B'), pythonBatch(2, 'T')],
  read: (bytes) => readAsBatch('python', bytes),
};

const key: PreparedKey = { folder: '/photos', digest: 'abc', classes: 3 };

/** The list of an image folder's prepared images; whatever is damaged in it is prepared again. */
const preparedImages: FuzzedReader = {
  name: 'prepared images',
  corpus() {
    const split = (count: number) => ({
      count,
      images: pixels(count),
      labels: Uint16Array.from({ length: count }, (_, i) => i),
    });
    const skipped = [{ path: 'train/cat/1.png', reason: 'it is empty' }];
    return [
      { splits: { train: split(2), validation: split(1), test: split(1) }, skipped: [] },
      { splits: { train: split(1) }, skipped },
    ].map((prepared) => Buffer.concat(encodePrepared(key.folder, key.digest, prepared)));
  },
  async read(bytes) {
    await writeFile(scratchFile(), bytes);
    const prepared = await readPreparedFile(scratchFile(), key);
    if (prepared === undefined) throw new UserError('the images are prepared again');
    let size = 0;
    for (const { labels, images } of Object.values(prepared.splits)) {
      const wrong = labels.find((label) => label >= key.classes);
      if (wrong !== undefined) throw new Error(`label ${wrong} of ${key.classes} classes`);
      size += images.byteLength + labels.byteLength;
    }
    return size;
  },
};

let scratch: string | undefined;

/** A file of this process's own, gone with it. */
function scratchFile(): string {
  if (scratch === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'table6-fuzz-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    scratch = join(folder, 'file');
  }
  return scratch;
}

export const FUZZED_READERS: readonly FuzzedReader[] = [
  legacyPyTorch,
  zipPyTorch,
  pickledObjects,
  recognition,
  npz,
  behindChecksums,
  safetensors,
  cifarBinary,
  cifarPython,
  preparedImages,
];
