import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type RawTensor, rawTensor } from '../../../src/formats/dtypes.ts';
import {
  fromNamedTensors,
  readSafetensors,
  toNamedTensors,
  writeSafetensors,
} from '../../../src/interop/safetensors/safetensors.ts';
import { UserError } from '../../../src/util/errors.ts';
import { sharedFile } from '../../support/shared.ts';

const encoder = new TextEncoder();

/** A file with a header given as text or as an object. */
function file(header: string | object, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = encoder.encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const entry = (dtype: string, shape: number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('writing and reading back', () => {
  const tensors = new Map<string, RawTensor>([
    ['mask', rawTensor('U8', [3], Uint8Array.of(1, 0, 255))],
    ['weight', rawTensor('F32', [2, 2], Float32Array.of(1, -2.5, 1e-30, 3e30))],
    ['2', rawTensor('U32', [1], Uint32Array.of(4294967295))],
    ['sum', rawTensor('F64', [], Float64Array.of(Math.PI))],
    ['count', rawTensor('I64', [], BigInt64Array.of(-(2n ** 60n)))],
    ['none', rawTensor('F32', [0, 4], new Float32Array(0))],
  ]);
  const metadata = { recipe: 'paper', arch: 'resnet20', ünïcode: '"quoted"\n' };
  const bytes = writeSafetensors(tensors, metadata);

  it('keeps every type, shape, value and metadata entry', () => {
    const read = readSafetensors(bytes);
    expect(read.metadata).toEqual(metadata);
    expect(new Set(read.tensors.keys())).toEqual(new Set(tensors.keys()));
    for (const [name, { dtype, shape, bytes: values }] of tensors) {
      expect(read.tensors.get(name), name).toMatchObject({ dtype, shape });
      expect([...(read.tensors.get(name)?.bytes ?? [])], name).toEqual([...values]);
    }
    const viewOf = (name: string) =>
      new DataView(Uint8Array.from(read.tensors.get(name)?.bytes ?? []).buffer);
    expect(viewOf('sum').getFloat64(0, true)).toBe(Math.PI);
    expect(viewOf('count').getBigInt64(0, true)).toBe(-(2n ** 60n));
  });

  it('aligns the header to 8 bytes and every tensor to its element', () => {
    const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(headerBytes % 8).toBe(0);
    for (const { bytes: view, dtype } of readSafetensors(bytes).tensors.values()) {
      const alignment = { F64: 8, I64: 8, F32: 4, U32: 4, U8: 1 }[dtype as 'F64'];
      expect(view.byteOffset % alignment).toBe(0);
    }
  });

  it('gives the same bytes for the same content, whatever order the metadata came in', () => {
    const reversed = Object.fromEntries(Object.entries(metadata).reverse());
    expect(writeSafetensors(tensors, reversed)).toEqual(bytes);
  });

  it('refuses values that do not fill a tensor of the type that they are given', () => {
    expect(() => rawTensor('F32', [1], Float64Array.of(1))).toThrow('8 bytes for F32 of shape [1]');
  });

  it('reads from a Node Buffer that is a slice of a larger one', () => {
    const padded = Buffer.concat([Buffer.from('abc'), bytes]).subarray(3);
    const named = toNamedTensors(readSafetensors(padded).tensors);
    expect([...(named.get('weight')?.data ?? [])]).toEqual([
      1,
      -2.5,
      Math.fround(1e-30),
      Math.fround(3e30),
    ]);
  });
});

it('converts half precision and integers to float32', () => {
  const halves = Uint8Array.of(0x00, 0x3c, 0x01, 0x00, 0x00, 0xfc, 0xff, 0x7b); // 1, 2^-24, -Inf, 65504
  const brains = Uint8Array.of(0x80, 0x3f, 0x49, 0xc0); // 1, -3.140625
  const longs = new Uint8Array(BigInt64Array.of(-3n).buffer);
  const data = new Uint8Array([...longs, ...halves, ...brains]);
  const header = {
    i: entry('I64', [1], 0, 8),
    h: entry('F16', [4], 8, 16),
    b: entry('BF16', [2], 16, 20),
  };
  const named = toNamedTensors(readSafetensors(file(header, data)).tensors);
  expect([...(named.get('h')?.data ?? [])]).toEqual([1, 2 ** -24, -Infinity, 65504]);
  expect([...(named.get('b')?.data ?? [])]).toEqual([1, -3.140625]);
  expect([...(named.get('i')?.data ?? [])]).toEqual([-3]);
});

describe('a damaged file is refused with its reason', () => {
  const eight = new Uint8Array(8);
  const cases: [string, Uint8Array, RegExp][] = [
    ['too short', Uint8Array.of(1, 2, 3), /only 3 bytes/],
    ['a header longer than the file', file('{}').slice(0, 9), /header takes 2 bytes but the file/],
    [
      'an enormous header',
      Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 123),
      /header would take/,
    ],
    ['no JSON object', file('[]'), /not a JSON object/],
    ['broken JSON', file('{"a"'), /not JSON/],
    ['an entry that breaks off', file('{"a":'), /'a' is malformed/],
    ['values that nest', file(`{"a":${'['.repeat(1000)}`), /'a' is malformed/],
    ['text behind the header', file('{}x'), /not JSON/],
    [
      'a tensor that is named twice',
      file(
        '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
      ),
      /'a' occurs twice/,
    ],
    [
      'a shape that is named twice',
      file('{"a":{"dtype":"U8","shape":[0],"shape":[1],"data_offsets":[0,0]}}'),
      /'a' is malformed/,
    ],
    ['metadata with a key twice', file('{"__metadata__":{"k":"1","k":"2"}}'), /'k' occurs twice/],
    ['a size with a fraction', file({ a: entry('F32', [0.5], 0, 2) }), /'a' is malformed/],
    ['metadata of numbers', file({ __metadata__: { a: 1 } }), /not a table of strings/],
    [
      'an entry without shape',
      file({ a: { dtype: 'F32', data_offsets: [0, 0] } }),
      /'a' is malformed/,
    ],
    ['a negative extent', file({ a: entry('F32', [-1], 0, 0) }), /'a' is malformed/],
    ['an unknown type', file({ a: entry('F8', [1], 0, 1) }, eight), /unknown type 'F8'/],
    ['a truncated tensor', file({ a: entry('F32', [4], 0, 16) }, eight), /ends at byte 16 of 8/],
    ['a shape that is not its size', file({ a: entry('F32', [3], 0, 8) }, eight), /shape \[3\]/],
    [
      'a product that overflows',
      file({ a: entry('F32', [2 ** 52, 2 ** 52], 0, 8) }, eight),
      /'a' of shape/,
    ],
    [
      'overlap',
      file({ a: entry('F32', [1], 0, 4), b: entry('F32', [1], 2, 6) }, eight),
      /'b' overlaps/,
    ],
    [
      'a gap',
      file({ a: entry('F32', [1], 0, 4), b: entry('U8', [2], 6, 8) }, eight),
      /'b' overlaps another or leaves a gap/,
    ],
    ['bytes nobody owns', file({ a: entry('F32', [1], 0, 4) }, eight), /take 4 bytes but 8/],
  ];
  it.each(cases)('%s', (_name, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(UserError);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });
});

describe('golden files written by Python', () => {
  const path = sharedFile('golden/plain20.safetensors');
  it.skipIf(path === undefined)('are read in full (skipped where ../shared is missing)', () => {
    const original = readFileSync(path as string);
    const { tensors, metadata } = readSafetensors(original);
    expect(tensors.size).toBe(294);
    expect(metadata.made_with).toMatch(/^torch 1\.13/);
    const named = toNamedTensors(tensors);
    expect(named.get('step0.logits')?.shape).toEqual([16, 10]);
    expect(named.get('losses')?.data.every((loss) => loss > 1 && loss < 10)).toBe(true);
    const again = readSafetensors(writeSafetensors(fromNamedTensors(named), metadata));
    expect(toNamedTensors(again.tensors)).toEqual(named);
  });
});

it('cannot be made to build thousands of tensors of nothing', () => {
  const nothing = Array.from({ length: 20_000 }, (_, i) => [`t${i}`, entry('F32', [0], 0, 0)]);
  expect(() => readSafetensors(file(Object.fromEntries(nothing)))).toThrow(
    'far more than its size',
  );
});
