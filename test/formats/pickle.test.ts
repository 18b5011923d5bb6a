// The restricted pickle machine reads what Python writes and refuses what Python would run.

import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type PickleHandlers, readPickle } from '../../src/formats/pickle.ts';
import { UserError } from '../../src/util/errors.ts';

const NOTHING_ALLOWED: PickleHandlers = { resolveGlobal: () => undefined };

/** The bytes of a pickle spelled out: strings are latin-1, numbers are bytes. */
function pickle(...parts: (string | number)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === 'number' ? [part] : Array.from(part, (c) => c.charCodeAt(0)),
    ),
  );
}

/** CPython 3.11's pickle.dumps of `EXPECTED`, by protocol. */
const WRITTEN_BY_PYTHON: [number, string][] = [
  [
    0,
    'KGRwMApWbm9uZQpwMQpOc1ZmbGFncwpwMgoobHAzCkkwMQphSTAwCmFzVmludHMKcDQKKEkwCkkyNTUKSTY1NTM1CkktMQpMMjE0NzQ4MzY0OEwKTC0xMTgwNTkxNjIwNzE3NDExMzAzNDI0TAp0cDUKc1ZmbG9hdApwNgpGMC41CnNWdGV4dApwNwpW6Vx1MDAwYVx1MDA1YwpwOApzVm5lc3RlZApwOQoobHAxMAoobHAxMQphKHRhKGRwMTIKYShscDEzCkkxCmEobHAxNApJMgphYWFzLg==',
  ],
  [
    1,
    'fXEAKFgEAAAAbm9uZXEBTlgFAAAAZmxhZ3NxAl1xAyhJMDEKSTAwCmVYBAAAAGludHNxBChLAEv/Tf//Sv////9MMjE0NzQ4MzY0OEwKTC0xMTgwNTkxNjIwNzE3NDExMzAzNDI0TAp0cQVYBQAAAGZsb2F0cQZHP+AAAAAAAABYBAAAAHRleHRxB1gEAAAAw6kKXHEIWAYAAABuZXN0ZWRxCV1xCihdcQspfXEMXXENKEsBXXEOSwJhZWV1Lg==',
  ],
  [
    2,
    'gAJ9cQAoWAQAAABub25lcQFOWAUAAABmbGFnc3ECXXEDKIiJZVgEAAAAaW50c3EEKEsAS/9N//9K/////4oFAAAAgACKCQAAAAAAAAAAwHRxBVgFAAAAZmxvYXRxBkc/4AAAAAAAAFgEAAAAdGV4dHEHWAQAAADDqQpccQhYBgAAAG5lc3RlZHEJXXEKKF1xCyl9cQxdcQ0oSwFdcQ5LAmFlZXUu',
  ],
  [
    3,
    'gAN9cQAoWAQAAABub25lcQFOWAUAAABmbGFnc3ECXXEDKIiJZVgEAAAAaW50c3EEKEsAS/9N//9K/////4oFAAAAgACKCQAAAAAAAAAAwHRxBVgFAAAAZmxvYXRxBkc/4AAAAAAAAFgEAAAAdGV4dHEHWAQAAADDqQpccQhYBgAAAG5lc3RlZHEJXXEKKF1xCyl9cQxdcQ0oSwFdcQ5LAmFlZXUu',
  ],
  [
    4,
    'gASVfwAAAAAAAAB9lCiMBG5vbmWUTowFZmxhZ3OUXZQoiIlljARpbnRzlChLAEv/Tf//Sv////+KBQAAAIAAigkAAAAAAAAAAMB0lIwFZmxvYXSURz/gAAAAAAAAjAR0ZXh0lIwEw6kKXJSMBm5lc3RlZJRdlChdlCl9lF2UKEsBXZRLAmFlZXUu',
  ],
  [
    5,
    'gAWVfwAAAAAAAAB9lCiMBG5vbmWUTowFZmxhZ3OUXZQoiIlljARpbnRzlChLAEv/Tf//Sv////+KBQAAAIAAigkAAAAAAAAAAMB0lIwFZmxvYXSURz/gAAAAAAAAjAR0ZXh0lIwEw6kKXJSMBm5lc3RlZJRdlChdlCl9lF2UKEsBXZRLAmFlZXUu',
  ],
];
const EXPECTED = new Map<string, unknown>([
  ['none', null],
  ['flags', [true, false]],
  ['ints', [0, 255, 65535, -1, 2 ** 31, -(2n ** 70n)]],
  ['float', 0.5],
  ['text', 'é\n\\'],
  ['nested', [[], [], new Map(), [1, [2]]]],
]);

describe('what Python writes', () => {
  test.each(WRITTEN_BY_PYTHON)('protocol %i', (_protocol, base64) => {
    const bytes = Buffer.from(base64, 'base64');
    expect(readPickle(bytes, NOTHING_ALLOWED)).toEqual({
      value: EXPECTED,
      bytesRead: bytes.length,
    });
  });

  test('bytes, bytearray, set and frozenset of protocol 5', () => {
    const bytes = Buffer.from(
      'gAWVPQAAAAAAAAB9lCiMBWJ5dGVzlEMCAP+UjAJiYZSWAgAAAAAAAABhYpSMBmZyb3plbpQoSwGRlIwDc2V0lI+UKEsHkHUu',
      'base64',
    );
    expect(readPickle(bytes, NOTHING_ALLOWED).value).toEqual(
      new Map<string, unknown>([
        ['bytes', Buffer.from([0, 255])],
        ['ba', Buffer.from('ab')],
        ['frozen', new Set([1])],
        ['set', new Set([7])],
      ]),
    );
  });

  test("Python 2's str is text or bytes, as asked; as a dictionary key it is always text", () => {
    const bytes = pickle('}U', 1, 'kU', 2, 'a', 0xff, 's.');
    const text = readPickle(bytes, NOTHING_ALLOWED).value;
    expect(text).toEqual(new Map([['k', 'a\xff']]));
    const raw = readPickle(bytes, { ...NOTHING_ALLOWED, encoding: 'bytes' }).value;
    expect(raw).toEqual(new Map([['k', Uint8Array.of(0x61, 0xff)]]));
    expect(readPickle(pickle("S'a\\x41\\n'\n."), NOTHING_ALLOWED).value).toBe('aA\n');
  });

  test('several pickles in a row are read one at a time', () => {
    const both = pickle('K', 1, '.K', 2, '.');
    const first = readPickle(both, NOTHING_ALLOWED);
    expect(first).toEqual({ value: 1, bytesRead: 3 });
    expect(readPickle(both.subarray(first.bytesRead), NOTHING_ALLOWED).value).toBe(2);
  });

  test('a stored value is the same object wherever it is recalled', () => {
    const { value } = readPickle(pickle(']q', 0, 'h', 0, 0x86, '.'), NOTHING_ALLOWED);
    const [a, b] = value as unknown[];
    expect(a).toBe(b);
  });
});

describe('allowed names', () => {
  const handlers: PickleHandlers = {
    resolveGlobal: (module, name) =>
      module === 'm' && name === 'pair'
        ? { name: 'm.pair', call: ([a, b]) => ({ a, b }) }
        : module === 'm' && name === 'marker'
          ? { name: 'm.marker' }
          : undefined,
    build: (object, state) => ({ object, state }),
    persistentLoad: (id) => `stored ${String(id)}`,
  };

  test('REDUCE, NEWOBJ, INST and STACK_GLOBAL call what the caller allows', () => {
    const called = { a: 1, b: 2 };
    const args = ['K', 1, 'K', 2, 0x86] as const;
    for (const bytes of [
      pickle('cm\npair\n', ...args, 'R.'),
      pickle('cm\npair\n', ...args, 0x81, '.'),
      pickle('(K', 1, 'K', 2, 'im\npair\n.'),
      pickle('(cm\npair\nK', 1, 'K', 2, 'o.'),
      pickle(0x8c, 1, 'm', 0x8c, 4, 'pair', 0x93, ...args, 'R.'),
    ]) {
      expect(readPickle(bytes, handlers).value).toEqual(called);
    }
  });

  test('BUILD and persistent ids go to their handlers', () => {
    expect(readPickle(pickle('NK', 5, 'b.'), handlers).value).toEqual({ object: null, state: 5 });
    expect(readPickle(pickle('K', 7, 'Q.'), handlers).value).toBe('stored 7');
  });

  test('a name that is only a marker cannot be called', () => {
    expect(() => readPickle(pickle('cm\nmarker\n)R.'), handlers)).toThrow(
      'the file asks to call m.marker, which is not allowed',
    );
  });
});

describe('a malicious file', () => {
  test.each([
    ['protocol 0', pickle("cposix\nsystem\n(S'touch /tmp/table6-was-here'\ntR.")],
    [
      'protocol 2',
      Buffer.from(
        'gAJjcG9zaXgKc3lzdGVtCnEAWBoAAAB0b3VjaCAvdG1wL3RhYmxlNi13YXMtaGVyZXEBhXECUnEDLg==',
        'base64',
      ),
    ],
    [
      'protocol 4',
      Buffer.from(
        'gASVNQAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjBp0b3VjaCAvdG1wL3RhYmxlNi13YXMtaGVyZZSFlFKULg==',
        'base64',
      ),
    ],
    ['INST', pickle("(S'touch /tmp/table6-was-here'\niposix\nsystem\n.")],
  ])('is refused by the name of what it wants to run (%s)', (_name, bytes) => {
    expect(() => readPickle(bytes, NOTHING_ALLOWED)).toThrow(
      new UserError('the file asks to run posix.system, which is not allowed'),
    );
    expect(existsSync('/tmp/table6-was-here')).toBe(false);
  });

  test.each([
    ['cut off', pickle('X', 255, 255, 255, 127, 'ab'), /ends in the middle of a value/],
    [
      'a 2^63 byte string',
      pickle(0x8e, 255, 255, 255, 255, 255, 255, 255, 127),
      /ends in the middle/,
    ],
    ['no STOP', pickle('N'), /ends in the middle/],
    ['an empty stack', pickle('a.'), /empty stack/],
    ['a MARK protects what is below it', pickle('K', 1, '(0.'), undefined],
    ['what is below a MARK', pickle(']K', 1, '(a.'), /empty stack/],
    ['no MARK', pickle('t.'), /never opened/],
    ['a memo entry that is not there', pickle('h', 9, '.'), /value 9, never stored/],
    ['an unknown instruction', pickle('\xff.'), /unknown instruction 0xff at byte 0/],
    ['a registered extension', pickle(0x82, 1, '.'), /unknown instruction 0x82/],
    ['endless nesting', pickle('('.repeat(2000)), /nested too deeply/],
    ['an integer of 2 GB', pickle(0x8b, 255, 255, 255, 127), /integer of 2147483647 bytes/],
    ['append to a number', pickle('K', 1, 'K', 2, 'a.'), /not a list/],
    ['items of a number', pickle('K', 1, 'NNs.'), /not a dictionary/],
    ['a call of a number', pickle('K', 1, ')R.'), /not a function/],
    ['state without a handler', pickle('NNb.'), /sets the state/],
    ['persistent id without a handler', pickle('NQ.'), /stored elsewhere/],
    ['protocol 9', pickle(0x80, 9, 'N.'), /protocol 9 is unknown/],
    ['text that is not a number', pickle('Iabc\n.'), /not a number/],
    ['bad UTF-8', pickle('X', 1, 0, 0, 0, 0xff, '.'), /not UTF-8/],
  ])('malformed: %s', (_name, bytes, message) => {
    if (message === undefined) {
      expect(readPickle(bytes, NOTHING_ALLOWED).value).toBe(1);
      return;
    }
    expect(() => readPickle(bytes, NOTHING_ALLOWED)).toThrow(message);
    expect(() => readPickle(bytes, NOTHING_ALLOWED)).toThrow(UserError);
  });
});

describe('what few bytes may ask for is bounded by the size of the file', () => {
  const recalled = (literal: (string | number)[], each: (string | number)[]) =>
    pickle(...literal, 'q', 0, '0', ...Array.from({ length: 20_000 }, () => each).flat(), '.');
  const long = ['T', 0, 0x80, 0, 0, 'k'.repeat(32_768)];
  test.each([
    ['a long key again and again', recalled(long, ['}', 'h', 0, 'N', 's'])],
    [
      'numbers that a hash table takes for one another',
      pickle(
        '}',
        ...Array.from({ length: 20_000 }, (_, i) => ['M', i & 255, i >> 8, 'N', 's']).flat(),
        '.',
      ),
    ],
    ['nothing but dictionaries', pickle('}'.repeat(100_000), '.')],
    ['nothing but a full memo', pickle('N', '\x94'.repeat(200_000), '.')],
  ])('%s', (_name, bytes) => {
    const start = performance.now();
    expect(() => readPickle(bytes, { ...NOTHING_ALLOWED, encoding: 'bytes' })).toThrow(
      'far more than its size',
    );
    // It was 69 s for the first of these; a busy machine takes one.
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
