// A folder as a ZIP file: there and back, and what is refused before anything is inflated.

import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { deflateRaw, inflateRaw } from '../../src/formats/deflate.ts';
import { ZipArchive } from '../../src/formats/zip.ts';
import { packFolder, unpackFolder } from '../../src/formats/zip-folder.ts';
import { writeDeflatedZip, writeZip } from '../../src/formats/zip-writer.ts';
import { UserError } from '../../src/util/errors.ts';
import { randomStream } from '../../src/util/random.ts';

const text = (value: string) => new TextEncoder().encode(value);
const random = randomStream(1, 'zip');
const noise = Uint8Array.from({ length: 1000 }, () => random.uniform() * 256);

const FILES = new Map<string, Uint8Array>([
  ['config.json', text('{"arch":"resnet20"}')],
  ['metrics.jsonl', text('{"kind":"step","loss":2.3}\n'.repeat(500))],
  ['checkpoints/last.safetensors', noise],
  ['checkpoints/größe.txt', new Uint8Array(0)],
]);

/** An archive of one entry `a` whose 32-bit field at `offset` of its directory record is changed. */
function changed(zip: Uint8Array<ArrayBuffer>, offset: number, value: number, bytes: 2 | 4 = 4) {
  const copy = zip.slice();
  const view = new DataView(copy.buffer);
  const at = view.getUint32(copy.length - 6, true) + offset;
  if (bytes === 4) view.setUint32(at, value, true);
  else view.setUint16(at, value, true);
  return copy;
}

/** Offsets in a directory record (APPNOTE 4.3.12). */
const FIELD = { flags: 8, method: 10, crc: 16, stored: 20, size: 24, header: 42 };

describe('a folder', () => {
  test('comes back as it went in', async () => {
    const zip = await packFolder(FILES);
    expect(await unpackFolder(zip)).toEqual(FILES);
  });

  test('is deflated where that makes it smaller, and only there', async () => {
    const zip = new ZipArchive(await packFolder(FILES));
    expect(zip.names()).toEqual([...FILES.keys()]);
    expect(zip.names().map((name) => zip.isStored(name))).toEqual([true, false, true, true]);
    expect(zip.size('metrics.jsonl')).toBe(27 * 500);
    await expect(async () => zip.read('metrics.jsonl')).rejects.toThrow('is compressed');
  });

  test('gives the same bytes every time', async () => {
    expect(await packFolder(FILES)).toEqual(await packFolder(FILES));
  });

  test('may have been packed by a program that also writes entries for folders', async () => {
    const zip = writeZip(new Map([['checkpoints/', new Uint8Array(0)], ...FILES]));
    expect(await unpackFolder(zip)).toEqual(FILES);
  });

  test.each([
    ['../config.json'],
    ['a/../../b'],
    ['/etc/passwd'],
    ['a//b'],
    ['./a'],
    ['a\\b'],
    ['C:/a'],
    ['a\0b'],
    [''],
  ])('may not lead out of itself: %j', async (path) => {
    const files = new Map([[path, noise]]);
    await expect(unpackFolder(writeZip(files))).rejects.toThrow(/is no path inside a folder$/);
    await expect(packFolder(files)).rejects.toThrow(UserError);
  });

  test('may not have a path twice, or as file and as folder', async () => {
    const twice = writeZip(
      new Map([
        ['aa', noise],
        ['ab', noise],
      ]),
    );
    const directory = new DataView(twice.buffer).getUint32(twice.length - 6, true);
    twice[directory + 46 + 2 + 46 + 1] = 'a'.charCodeAt(0);
    await expect(unpackFolder(twice)).rejects.toThrow("the entry 'aa' occurs twice");
    const both = writeZip(
      new Map([
        ['a', noise],
        ['a/b', noise],
      ]),
    );
    await expect(unpackFolder(both)).rejects.toThrow('entry "a" is both a file and a folder');
  });

  test('may not hold more than was allowed', async () => {
    const zip = await packFolder(FILES);
    const bytes = [...FILES.values()].reduce((sum, { length }) => sum + length, 0);
    expect((await unpackFolder(zip, { maxBytes: bytes, maxFiles: 4 })).size).toBe(4);
    await expect(unpackFolder(zip, { maxBytes: bytes - 1 })).rejects.toThrow(
      `the archive holds ${bytes} bytes; no more than ${bytes - 1} are read`,
    );
    await expect(unpackFolder(zip, { maxFiles: 3 })).rejects.toThrow('holds 4 files');
  });

  test('is a zip file', async () => {
    await expect(unpackFolder(noise)).rejects.toThrow('choose a .zip file');
  });
});

describe('a deflated entry', async () => {
  const content = text('residual '.repeat(1000));
  const zip = await writeDeflatedZip(new Map([['a', content]]));
  const inflate = (archive: Uint8Array) => new ZipArchive(archive).inflate('a');

  test('is read, as is one that another program deflated', async () => {
    expect(await inflate(zip)).toEqual(content);
    expect(await inflateRaw(deflateRawSync(content), content.length)).toEqual(content);
    expect(await inflateRaw(await deflateRaw(noise), noise.length)).toEqual(noise);
  });

  test.each([
    [
      'claims more than deflate can hold',
      FIELD.size,
      2 ** 31,
      4,
      /cannot be inflated to 2147483648/,
    ],
    ['holds more than it claims', FIELD.size, 10, 4, /inflates to more than 10 bytes/],
    ['holds less than it claims', FIELD.size, 9001, 4, /inflates to 9000 bytes, not 9001/],
    ['breaks off', FIELD.stored, 20, 4, /not valid deflate data/],
    ['has another checksum', FIELD.crc, 1, 4, /does not match its checksum/],
    ['has none', FIELD.crc, 0, 4, /has no checksum.*with checksums$/],
    ['lies outside the file', FIELD.header, 2 ** 30, 4, /lies outside the file/],
    ['is encrypted', FIELD.flags, 1, 2, /without a password$/],
    ['is compressed in another way', FIELD.method, 14, 2, /with method 14: .* with deflate/],
  ] as const)('is refused where it %s', async (_what, offset, value, bytes, message) => {
    const archive = changed(zip, offset, value, bytes);
    await expect(inflate(archive)).rejects.toThrow(message);
    await expect(inflate(archive)).rejects.toThrow(UserError);
  });

  test('damaged anywhere gives one sentence, never a crash', async () => {
    const small = await writeDeflatedZip(new Map([['a', content.subarray(0, 300)]]));
    for (let at = 0; at < small.length; at++) {
      const damaged = small.slice();
      damaged[at] = ~(damaged[at] as number);
      const failure = await unpackFolder(damaged, { maxBytes: 2 ** 20 }).catch((error) => error);
      if (failure instanceof Error) expect(failure, `byte ${at}`).toBeInstanceOf(UserError);
    }
  });
});

test('entries that lie in one another are refused: their content would be read again for each', () => {
  const zip = writeZip(
    new Map([
      ['a', noise],
      ['b', noise],
    ]),
  );
  // The second entry claims the whole file.
  const at = zip.length - 22 - 47;
  new DataView(zip.buffer).setUint32(at + FIELD.stored, zip.length, true);
  expect(() => new ZipArchive(zip)).toThrow('its entries overlap');
});

test('a path of an archive may not be endless', async () => {
  const zip = writeZip(new Map([[`${'a/'.repeat(600)}b`, noise]]));
  await expect(unpackFolder(zip)).rejects.toThrow('is no path inside a folder');
});

test('archives that only ZIP64 could hold are not written', () => {
  const many = new Map(Array.from({ length: 65_535 }, (_, i) => [String(i), new Uint8Array(0)]));
  expect(() => writeZip(many)).toThrow(/65,535 entries is not written/);
});
