import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PickleWriter } from '../../../src/formats/pickle-writer.ts';
import { writeZip } from '../../../src/formats/zip-writer.ts';
import { readPyTorch } from '../../../src/interop/pytorch/read.ts';
import { writePyTorch } from '../../../src/interop/pytorch/write.ts';
import { UserError } from '../../../src/util/errors.ts';
import { sharedFile } from '../../support/shared.ts';
import { encodeLegacy, floatStorage, type LegacyStorage } from '../legacy-encoder.ts';
import { tensorsIn } from '../tensors.ts';

const values = (file: Uint8Array, name: string) => [...(tensorsIn(file).get(name)?.data ?? [])];

describe('legacy files', () => {
  const storages = { s: floatStorage([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) };
  const whole = { name: 'a', storage: 's', shape: [3, 4], stride: [4, 1] };

  it('reads a bare state_dict', () => {
    const { format, metadata } = readPyTorch(encodeLegacy(storages, [whole]));
    const tensors = tensorsIn(encodeLegacy(storages, [whole]));
    expect(format).toBe('legacy');
    expect(metadata).toEqual({});
    expect(tensors.get('a')?.shape).toEqual([3, 4]);
    expect([...(tensors.get('a')?.data ?? [])]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('finds a wrapped state_dict and the values beside it', () => {
    const file = encodeLegacy(storages, [whole], { wrap: true });
    expect(readPyTorch(file).metadata).toEqual({ epoch: '7', best_prec1: '91.5' });
    expect([...tensorsIn(file).keys()]).toEqual(['state_dict.a']);
  });

  it('copies strided, transposed, shared and offset tensors out row-major', () => {
    const file = encodeLegacy(storages, [
      { name: 'transposed', storage: 's', shape: [4, 3], stride: [1, 4] },
      { name: 'columns', storage: 's', shape: [3, 2], stride: [4, 2] },
      { name: 'row', storage: 's', shape: [4], stride: [1], offset: 8 },
      { name: 'repeated', storage: 's', shape: [2, 2], stride: [0, 1], offset: 1 },
      { name: 'scalar', storage: 's', shape: [], stride: [], offset: 5 },
      { name: 'empty', storage: 's', shape: [0, 3], stride: [3, 1] },
    ]);
    expect(values(file, 'transposed')).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
    expect(values(file, 'columns')).toEqual([0, 2, 4, 6, 8, 10]);
    expect(values(file, 'row')).toEqual([8, 9, 10, 11]);
    expect(values(file, 'repeated')).toEqual([1, 2, 1, 2]);
    expect(values(file, 'scalar')).toEqual([5]);
    expect(values(file, 'empty')).toEqual([]);
  });

  it('follows storage views, as PyTorch 0.4 wrote them', () => {
    const view = { name: 'v', storage: 's', shape: [2], stride: [1], offset: 1 };
    expect(values(encodeLegacy(storages, [{ ...view, view: [4, 3] }]), 'v')).toEqual([5, 6]);
    const beyond = encodeLegacy(storages, [{ ...view, view: [10, 3] }]);
    expect(() => readPyTorch(beyond)).toThrow('a storage view is malformed');
  });

  it('reads what a big-endian machine wrote: counts in its order, elements little-endian', () => {
    expect(values(encodeLegacy(storages, [whole], { bigEndian: true }), 'a')[5]).toBe(5);
  });

  const of = (className: string, array: { buffer: ArrayBufferLike; length: number }) =>
    ({ className, elements: array.length, bytes: new Uint8Array(array.buffer) }) as LegacyStorage;
  it.each([
    ['DoubleStorage', of('DoubleStorage', Float64Array.of(1.5, -2))],
    ['HalfStorage', of('HalfStorage', Uint16Array.of(0x3e00, 0xc000))],
    ['BFloat16Storage', of('BFloat16Storage', Uint16Array.of(0x3fc0, 0xc000))],
  ])('converts %s to float32', (_name, storage) => {
    const tensor = { name: 'a', storage: 's', shape: [2], stride: [1] };
    expect(values(encodeLegacy({ s: storage }, [tensor]), 'a')).toEqual([1.5, -2]);
  });

  it.each([
    ['LongStorage', of('LongStorage', BigInt64Array.of(3n, -2n))],
    ['IntStorage', of('IntStorage', Int32Array.of(3, -2))],
    ['ShortStorage', of('ShortStorage', Int16Array.of(3, -2))],
    ['CharStorage', of('CharStorage', Int8Array.of(3, -2))],
  ])('converts %s to float32', (_name, storage) => {
    const tensor = { name: 'a', storage: 's', shape: [2], stride: [1] };
    expect(values(encodeLegacy({ s: storage }, [tensor]), 'a')).toEqual([3, -2]);
  });

  describe('are refused when damaged', () => {
    it('truncated anywhere: one sentence, never a crash', () => {
      const file = encodeLegacy(storages, [whole], { wrap: true });
      for (let length = 0; length < file.length; length++) {
        expect(() => readPyTorch(file.subarray(0, length)), `${length} bytes`).toThrow(UserError);
      }
      expect(() => readPyTorch(file.subarray(0, file.length - 1))).toThrow(/the file is truncated/);
    });

    it.each([
      ['beyond the storage', { shape: [3, 5], stride: [4, 1] }, /reaches beyond its storage/],
      ['far offset', { shape: [1], stride: [1], offset: 12 }, /reaches beyond its storage/],
      ['ranks that differ', { shape: [3, 4], stride: [1] }, /malformed shape/],
      ['a fractional extent', { shape: [1.5], stride: [1] }, /malformed shape/],
      ['expansion', { shape: [1e6, 1e6], stride: [0, 0] }, /far more than its size/],
    ])('a tensor with %s', (_name, layout, message) => {
      expect(() => tensorsIn(encodeLegacy(storages, [{ ...whole, ...layout }]))).toThrow(message);
    });

    it('with a storage missing', () => {
      const file = encodeLegacy(storages, [whole], { omit: ['s'] });
      expect(() => tensorsIn(file)).toThrow('storage s is missing');
    });
  });
});

describe('zip files', () => {
  const pickle = (build: (writer: PickleWriter) => PickleWriter) =>
    build(new PickleWriter()).finish();
  const tensorPickle = (storageClass: string, elements: number) =>
    pickle((w) => {
      w.emptyDict().mark().string('a').global('torch._utils', '_rebuild_tensor_v2').mark();
      w.mark().string('storage').global('torch', storageClass).string('0').string('cpu');
      w.number(elements).tuple().persistentId().number(0).numbers([elements]).numbers([1]);
      w.boolean(false).global('collections', 'OrderedDict').emptyTuple().reduce();
      return w.tuple().reduce().setItems();
    });
  const text = (line: string) => new TextEncoder().encode(line);

  it('reads big-endian records when the file says so', () => {
    const data = new Uint8Array(8);
    new DataView(data.buffer).setFloat32(0, 1.5, false);
    new DataView(data.buffer).setFloat32(4, -2, false);
    const archive = (order: string) =>
      writeZip(
        new Map([
          ['x/data.pkl', tensorPickle('FloatStorage', 2)],
          ['x/byteorder', text(order)],
          ['x/data/0', data],
        ]),
      );
    expect(values(archive('big'), 'a')).toEqual([1.5, -2]);
    expect(() => readPyTorch(archive('middle'))).toThrow("unknown byte order 'middle'");
  });

  it('refuses a record of another size than its tensors need', () => {
    const archive = writeZip(
      new Map([
        ['x/data.pkl', tensorPickle('FloatStorage', 3)],
        ['x/data/0', new Uint8Array(8)],
      ]),
    );
    expect(() => tensorsIn(archive)).toThrow('storage 0 has 8 bytes');
  });

  it('says what is missing, compressed, or damaged', () => {
    const weights = new Map([['a', { shape: [2], data: Float32Array.of(1, 2) }]]);
    const file = writePyTorch(weights);
    expect(() => readPyTorch(file.subarray(0, file.length - 30))).toThrow(/no directory/);
    const flipped = file.slice();
    flipped[file.indexOf(0x80) + 3] = 0xff;
    expect(() => readPyTorch(flipped)).toThrow(/'weights\/data.pkl' does not match its checksum/);
    const numpy = writeZip(new Map([['arr_0.npy', new Uint8Array(3)]]));
    expect(() => readPyTorch(numpy)).toThrow('there is no data.pkl');
    const script = new Map([
      ['x/data.pkl', new Uint8Array(1)],
      ['x/constants.pkl', new Uint8Array(1)],
    ]);
    expect(() => readPyTorch(writeZip(script))).toThrow('TorchScript program');
  });

  it('refuses a dictionary that holds no weights, and names what it holds', () => {
    const file = (build: (writer: PickleWriter) => PickleWriter) =>
      writeZip(new Map([['x/data.pkl', pickle(build)]]));
    const lonely = file((w) => w.emptyDict().mark().string('epoch').number(3).setItems());
    expect(() => readPyTorch(lonely)).toThrow('has the entries epoch');
    expect(() => readPyTorch(file((w) => w.number(3)))).toThrow('no dictionary of weights');
  });
});

describe('hostile pickles are refused by name and run nothing', () => {
  const attacks: [string, string][] = [
    ['os', 'system'],
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['__builtin__', 'exec'],
    ['subprocess', 'Popen'],
    ['torch.storage', '_load_from_bytes'],
    ['torch.hub', 'load'],
    ['argparse', 'Namespace'],
    ['collections', 'OrderedDict.__init__'],
  ];
  it.each(attacks)('%s.%s', (module, name) => {
    const attack = new PickleWriter()
      .global(module, name)
      .mark()
      .string('touch /tmp/owned')
      .tuple();
    const pickle = attack.reduce().finish();
    const zip = writeZip(new Map([['x/data.pkl', pickle]]));
    expect(() => readPyTorch(zip)).toThrow(UserError);
    expect(() => readPyTorch(zip)).toThrow(
      `the file asks for ${module}.${name}, which is not allowed in a weights file`,
    );
    expect(() => readPyTorch(pickle)).toThrow(`${module}.${name}`);
  });

  it('cannot grow dictionaries beyond the file by calling OrderedDict again and again', () => {
    const bomb = new PickleWriter().raw(0x5d).mark();
    for (let i = 0; i < 200; i++) bomb.numbers([i, i]);
    bomb.raw(0x65, 0x71, 0); // APPENDS, BINPUT 0
    for (let i = 0; i < 20_000; i++) {
      bomb.global('collections', 'OrderedDict').raw(0x68, 0, 0x85).reduce(); // BINGET 0, TUPLE1
    }
    const zip = writeZip(new Map([['x/data.pkl', bomb.finish()]]));
    expect(() => readPyTorch(zip)).toThrow('it unpacks to far more than its size');
  });

  it('cannot make a message of text that doubles with every level of nesting', () => {
    const laughs = new PickleWriter().emptyDict().mark().string('x').raw(0x85);
    for (let level = 0; level < 60; level++) laughs.raw(0x32, 0x86); // DUP, TUPLE2
    const zip = writeZip(new Map([['x/data.pkl', laughs.number(1).setItems().finish()]]));
    expect(() => readPyTorch(zip)).toThrow('no named entries');
  });
});

const resnet20 = sharedFile('data/pretrained/resnet20-12fca82f.th');

describe.skipIf(resnet20 === undefined)('the published weights', () => {
  it.each([
    ['resnet20-12fca82f.th', 97, 91.78],
    ['resnet56-4bfd9763.th', 277, 93.62],
  ])('%s', (file, count, best) => {
    const bytes = readFileSync(sharedFile(`data/pretrained/${file}`) as string);
    const { metadata, format } = readPyTorch(bytes);
    const tensors = tensorsIn(bytes);
    expect({ format, count: tensors.size }).toEqual({ format: 'legacy', count });
    expect(Number(metadata.best_prec1)).toBeCloseTo(best, 4);
    expect(tensors.get('state_dict.module.conv1.weight')?.shape).toEqual([16, 3, 3, 3]);
    expect(tensors.get('state_dict.module.linear.weight')?.shape).toEqual([10, 64]);
  });

  it('resnet20 has the values that PyTorch reads', () => {
    const tensors = tensorsIn(readFileSync(resnet20 as string));
    const digest = createHash('sha256');
    for (const { data } of tensors.values()) digest.update(new Uint8Array(data.buffer));
    expect(digest.digest('hex')).toBe(
      '55fa4ffa8345bfb167b8f5f3a05cba788b5ee87bbed6c716a6342c1616ee109f',
    );
  });
});
