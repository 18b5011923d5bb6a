// The bytes under a pickle: a cursor that never reads past the end, and every instruction that only
// spells out a value, with Python's text forms of numbers and strings. Separate from the machine in
// pickle.ts so that every bound on what a hostile file can make us allocate is visible in one place.

import { latin1, latin1Bytes } from '../util/bytes.ts';
import { UserError } from '../util/errors.ts';
import { COST, type DecodeBudget } from './budget.ts';

/** Longest integer, in bytes (or digits in text form), that a pickle may hold. */
const MAX_INTEGER_BYTES = 1024;

/** Longest dictionary key or global name given as bytes. */
const MAX_NAME_BYTES = 65536;

export function unreadablePickle(reason: string): UserError {
  return new UserError(`not a readable pickle: ${reason}`);
}

/** A position in a byte array; every read is checked against the end first. */
export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Moves over `count` bytes and returns where they begin. */
  #advance(count: number): number {
    const start = this.position;
    if (count > this.#bytes.length - start) {
      throw unreadablePickle(`it ends in the middle of a value, at byte ${this.#bytes.length}`);
    }
    this.position = start + count;
    return start;
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1));
  }
  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }
  int32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }
  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }
  /** A 64-bit length; one that does not fit the file is refused by the read that follows. */
  length64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }
  /** Protocol 1 floats are big-endian, unlike everything else in the format. */
  float64(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** A view (no copy) of the next `count` bytes. */
  take(count: number): Uint8Array {
    const start = this.#advance(count);
    return this.#bytes.subarray(start, start + count);
  }

  /** The text up to the next newline, which is consumed; text opcodes are latin-1. */
  line(): string {
    const end = this.#bytes.indexOf(10, this.position);
    if (end < 0) throw unreadablePickle('a line of text has no end');
    const text = latin1(this.#bytes.subarray(this.position, end));
    this.position = end + 1;
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  }

  /** Little-endian two's complement integer of `count` bytes (LONG1, LONG4). */
  long(count: number): number | bigint {
    if (count < 0 || count > MAX_INTEGER_BYTES) {
      throw unreadablePickle(`an integer of ${count} bytes`);
    }
    let value = 0n;
    const bytes = this.take(count);
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
    return narrow(BigInt.asIntN(count * 8, value));
  }
}

/** A number where it is exact, a bigint beyond that. */
function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A dictionary key or global name, which Python 2 wrote as bytes. */
export function asName(value: unknown, budget: DecodeBudget): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array && value.length <= MAX_NAME_BYTES) {
    // The memo can name the same bytes many times, and each time they are copied.
    budget.spend(value.length);
    return latin1(value);
  }
  throw unreadablePickle('a name that is not a short string');
}

const utf8Decoder = new TextDecoder('utf-8', { fatal: true });

function utf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes);
  } catch {
    throw unreadablePickle('a string that is not UTF-8');
  }
}

/** Text form of an integer (`I`, `L`): decimal, `L` may follow; `00` and `01` are booleans. */
function parseInteger(text: string): number | bigint | boolean {
  if (text === '00') return false;
  if (text === '01') return true;
  const digits = text.trim().replace(/L$/, '');
  if (!/^[+-]?\d+$/.test(digits) || digits.length > MAX_INTEGER_BYTES) {
    throw unreadablePickle('an integer that is not a number');
  }
  return narrow(BigInt(digits.replace(/^\+/, '')));
}

/** Text form of a float (`F`), Python's repr. */
function parseFloatText(text: string): number {
  const special: Record<string, number> = { nan: NaN, inf: Infinity, '-inf': -Infinity };
  const value = special[text.trim()] ?? (text.trim() === '' ? NaN : Number(text));
  if (Number.isNaN(value) && text.trim() !== 'nan') {
    throw unreadablePickle('a float that is not a number');
  }
  return value;
}

const SIMPLE_ESCAPES: Record<string, string> = {
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** A quoted Python 2 string literal (`S`), one character a byte. */
function unquote(text: string): string {
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || !text.endsWith(quote)) {
    throw unreadablePickle('a string without its quotes');
  }
  return text
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))/g, (all, hex, octal, simple) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      return SIMPLE_ESCAPES[simple as string] ?? all;
    });
}

/** Python's raw-unicode-escape (`V`). */
function rawUnicode(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/g, (_all, short, long) => {
    const code = Number.parseInt(short ?? long, 16);
    if (code > 0x10ffff) throw unreadablePickle('a character outside Unicode');
    return String.fromCodePoint(code);
  });
}

/** What Python 2's `str`, which is text or bytes, becomes. */
export type Python2Encoding = 'latin1' | 'bytes';

function python2String(bytes: Uint8Array, encoding: Python2Encoding): string | Uint8Array {
  return encoding === 'bytes' ? bytes : latin1(bytes);
}

function python2Literal(text: string, encoding: Python2Encoding): string | Uint8Array {
  return encoding === 'bytes' ? latin1Bytes(text) : text;
}

type Literal = (input: PickleBytes, encoding: Python2Encoding) => unknown;

/** About what a value takes that was spelled out in the file. */
export function literalCost(value: unknown): number {
  if (typeof value === 'string') return COST.object + value.length;
  if (Array.isArray(value)) return COST.object;
  return typeof value === 'object' && value !== null ? COST.view : COST.place;
}

/** Instructions that push one value spelled out in the file, by opcode character. */
export const LITERALS: ReadonlyMap<string, Literal> = new Map<string, Literal>([
  ['N', () => null],
  ['\x88', () => true],
  ['\x89', () => false],
  // Numbers: INT, LONG, BININT, BININT1, BININT2, LONG1, LONG4, FLOAT, BINFLOAT.
  ['I', (input) => parseInteger(input.line())],
  ['L', (input) => parseInteger(input.line())],
  ['J', (input) => input.int32()],
  ['K', (input) => input.uint8()],
  ['M', (input) => input.uint16()],
  ['\x8a', (input) => input.long(input.uint8())],
  ['\x8b', (input) => input.long(input.int32())],
  ['F', (input) => parseFloatText(input.line())],
  ['G', (input) => input.float64()],
  // Python 2's str: STRING, BINSTRING, SHORT_BINSTRING.
  ['S', (input, encoding) => python2Literal(unquote(input.line()), encoding)],
  ['T', (input, encoding) => python2String(input.take(input.uint32()), encoding)],
  ['U', (input, encoding) => python2String(input.take(input.uint8()), encoding)],
  // Text: UNICODE, BINUNICODE, SHORT_BINUNICODE, BINUNICODE8.
  ['V', (input) => rawUnicode(input.line())],
  ['X', (input) => utf8(input.take(input.uint32()))],
  ['\x8c', (input) => utf8(input.take(input.uint8()))],
  ['\x8d', (input) => utf8(input.take(input.length64()))],
  // Bytes: BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8.
  ['B', (input) => input.take(input.uint32())],
  ['C', (input) => input.take(input.uint8())],
  ['\x8e', (input) => input.take(input.length64())],
  ['\x96', (input) => input.take(input.length64())],
  // Empty containers: EMPTY_LIST, EMPTY_TUPLE, EMPTY_DICT, EMPTY_SET.
  [']', () => []],
  [')', () => []],
  ['}', () => new Map()],
  ['\x8f', () => new Set()],
]);
