// Damage for the fuzzer: the changes that break readers, as pure functions of a random stream so
// that every failure can be made again from its seed and number.

import type { RandomStream } from '../../src/util/random.ts';

/** Bytes that are limits, signs, opcodes or brackets somewhere. */
const BYTES = [0, 1, 2, 0x20, 0x28, 0x2e, 0x30, 0x39, 0x51, 0x52, 0x7b, 0x7f, 0x80, 0xfe, 0xff];
/** Integers at the edges of 32 and 64 bits. */
const INTEGERS = [
  0n,
  1n,
  -1n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
];

type Mutation = (
  bytes: Uint8Array,
  random: RandomStream,
  corpus: readonly Uint8Array[],
) => Uint8Array;

/** A position; half of them near the two ends, where headers and directories are. */
function place(length: number, random: RandomStream): number {
  const near = Math.min(length, 64);
  const side = random.integer(4);
  if (side === 0) return random.integer(near + 1);
  if (side === 1) return length - random.integer(near + 1);
  return random.integer(length + 1);
}

function replaceRange(bytes: Uint8Array, start: number, end: number, by: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - (end - start) + by.length);
  result.set(bytes.subarray(0, start));
  result.set(by, start);
  result.set(bytes.subarray(end), start + by.length);
  return result;
}

function changeByte(bytes: Uint8Array, random: RandomStream, value: (old: number) => number) {
  if (bytes.length === 0) return bytes;
  const result = bytes.slice();
  const at = Math.min(place(bytes.length, random), bytes.length - 1);
  result[at] = value(result[at] as number);
  return result;
}

function changeInteger(bytes: Uint8Array, random: RandomStream, width: 2 | 4 | 8): Uint8Array {
  if (bytes.length < width) return bytes;
  const result = bytes.slice();
  const view = new DataView(result.buffer);
  const at = Math.min(place(bytes.length, random), bytes.length - width);
  const value = INTEGERS[random.integer(INTEGERS.length)] as bigint;
  const littleEndian = random.integer(4) > 0;
  if (width === 2) view.setUint16(at, Number(BigInt.asUintN(16, value)), littleEndian);
  else if (width === 4) view.setUint32(at, Number(BigInt.asUintN(32, value)), littleEndian);
  else view.setBigUint64(at, BigInt.asUintN(64, value), littleEndian);
  return result;
}

/** Part of a file, at most 64 bytes or, rarely, all of it. */
function piece(bytes: Uint8Array, random: RandomStream): Uint8Array {
  const start = place(bytes.length, random);
  const length = random.integer(8) === 0 ? bytes.length : random.integer(65);
  return bytes.subarray(start, start + length);
}

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => changeByte(bytes, random, (old) => old ^ (1 << random.integer(8))),
  (bytes, random) => changeByte(bytes, random, () => random.integer(256)),
  (bytes, random) => changeByte(bytes, random, () => BYTES[random.integer(BYTES.length)] as number),
  (bytes, random) => changeByte(bytes, random, (old) => old + (random.integer(2) === 0 ? 1 : -1)),
  (bytes, random) => changeInteger(bytes, random, 2),
  (bytes, random) => changeInteger(bytes, random, 4),
  (bytes, random) => changeInteger(bytes, random, 8),
  // Truncation, as of an interrupted download.
  (bytes, random) => bytes.slice(0, place(bytes.length, random)),
  // Deletion, insertion, repetition.
  (bytes, random) => {
    const start = place(bytes.length, random);
    const end = Math.min(bytes.length, start + random.integer(65));
    return replaceRange(bytes, start, end, new Uint8Array(0));
  },
  (bytes, random) => {
    const at = place(bytes.length, random);
    const noise = Uint8Array.from({ length: random.integer(17) }, () => random.integer(256));
    return replaceRange(bytes, at, at, noise);
  },
  (bytes, random) => {
    const at = place(bytes.length, random);
    return replaceRange(bytes, at, at, piece(bytes, random));
  },
  // Part of another file of the corpus in place of part of this one.
  (bytes, random, corpus) => {
    const start = place(bytes.length, random);
    const other = piece(corpus[random.integer(corpus.length)] as Uint8Array, random);
    return replaceRange(bytes, start, Math.min(bytes.length, start + other.length), other);
  },
  // Digits of JSON numbers and of text opcodes.
  (bytes, random) => {
    const digits = [...bytes.keys()].filter((i) => (bytes[i] as number) >> 4 === 3);
    if (digits.length === 0) return bytes;
    const result = bytes.slice();
    result[digits[random.integer(digits.length)] as number] = 0x30 + random.integer(10);
    return result;
  },
];

/** A file of the corpus with one to four changes. */
export function mutate(corpus: readonly Uint8Array[], random: RandomStream): Uint8Array {
  let bytes = corpus[random.integer(corpus.length)] as Uint8Array;
  for (let rounds = 1 + random.integer(4); rounds > 0; rounds--) {
    const mutation = MUTATIONS[random.integer(MUTATIONS.length)] as Mutation;
    bytes = mutation(bytes, random, corpus);
  }
  return bytes;
}
