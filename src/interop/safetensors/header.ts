// The JSON header of a safetensors file, read as what it has to be: one object of tensors, each with its type,
// shape and place, and perhaps a table of texts. A general reader would build whatever a file nests or
// repeats, which can take a hundred times its size, and would let the last of two equal keys win without a
// word. This one goes through the text once and stops at the first thing that does not belong there.

import { COST, type DecodeBudget } from '../../formats/budget.ts';
import { UserError } from '../../util/errors.ts';
import { shortened } from '../../util/foreign-text.ts';

/** What the header says of a tensor. */
export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

export interface Header {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

export const METADATA_KEY = '__metadata__';
/** Dimensions of a tensor; PyTorch's own limit. */
const MAX_RANK = 64;

/**
 * @param text the header's JSON
 * @param budget of the file
 * @throws UserError for anything else than a header, and for names that occur twice
 */
export function parseHeader(text: string, budget: DecodeBudget): Header {
  const reader = new HeaderReader(text);
  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> | undefined;
  reader.object((name) => {
    if (name === METADATA_KEY) {
      if (metadata) throw twice(name);
      metadata = readMetadata(reader, budget);
      return;
    }
    if (tensors.has(name)) throw twice(name);
    budget.spend(COST.tensor + name.length);
    tensors.set(name, readTensor(reader, name));
  });
  reader.end();
  return { tensors, metadata: metadata ?? {} };
}

function readMetadata(reader: HeaderReader, budget: DecodeBudget): Record<string, string> {
  const texts = new Map<string, string>();
  try {
    reader.object((key) => {
      if (texts.has(key)) throw twice(key);
      const value = reader.string();
      budget.spend(COST.entry + key.length + value.length);
      texts.set(key, value);
    });
  } catch (error) {
    throw error instanceof NoHeader ? damaged('its metadata is not a table of strings') : error;
  }
  return Object.fromEntries(texts);
}

function readTensor(reader: HeaderReader, name: string): TensorEntry {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let place: number[] | undefined;
  try {
    reader.object((key) => {
      if (key === 'dtype' && dtype === undefined) dtype = reader.string();
      else if (key === 'shape' && !shape) shape = reader.counts(MAX_RANK);
      else if (key === 'data_offsets' && !place) place = reader.counts(2);
      else throw new NoHeader();
    });
  } catch (error) {
    throw error instanceof NoHeader ? malformed(name) : error;
  }
  const [begin, end] = place ?? [];
  if (dtype === undefined || !shape || begin === undefined || end === undefined) {
    throw malformed(name);
  }
  return { dtype, shape, data_offsets: [begin, end] };
}

export function damaged(reason: string): UserError {
  return new UserError(`not a readable safetensors file: ${reason}`);
}

function malformed(name: string): UserError {
  return damaged(`the entry of tensor '${shortened(name)}' is malformed`);
}

function twice(name: string): UserError {
  return damaged(`'${shortened(name)}' occurs twice in its header`);
}

/** The text does not go on as it has to. */
class NoHeader extends UserError {
  constructor() {
    super(damaged('its header is not JSON as the format has it').message);
  }
}

/** The few kinds of JSON values that a header has. */
class HeaderReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** `{"key": value, ...}`; `value` is called after each key and reads what follows. */
  object(value: (key: string) => void): void {
    this.expect('{');
    if (this.next() === '}') {
      this.at++;
      return;
    }
    for (;;) {
      const key = this.string();
      this.expect(':');
      value(key);
      if (this.next() === '}') break;
      this.expect(',');
    }
    this.at++;
  }

  /** At most so many whole numbers in brackets. */
  counts(most: number): number[] {
    const counts: number[] = [];
    this.expect('[');
    if (this.next() === ']') {
      this.at++;
      return counts;
    }
    for (;;) {
      if (counts.length === most) throw new NoHeader();
      counts.push(this.count());
      if (this.next() === ']') break;
      this.expect(',');
    }
    this.at++;
    return counts;
  }

  string(): string {
    if (this.next() !== '"') throw new NoHeader();
    const start = this.at;
    let end = start + 1;
    for (; ; end++) {
      const code = this.text.charCodeAt(end);
      if (code === QUOTE) break;
      // Past the end there is no code at all.
      if (!(code >= SPACE)) throw new NoHeader();
      if (code === BACKSLASH) end++;
    }
    this.at = end + 1;
    try {
      return JSON.parse(this.text.slice(start, end + 1)) as string;
    } catch {
      throw new NoHeader();
    }
  }

  /** Only white space may follow. */
  end(): void {
    if (this.next() !== undefined) throw new NoHeader();
  }

  private count(): number {
    this.next();
    NUMBER.lastIndex = this.at;
    const digits = NUMBER.exec(this.text)?.[0];
    const count = Number(digits);
    if (digits === undefined || !Number.isSafeInteger(count)) throw new NoHeader();
    this.at += digits.length;
    return count;
  }

  private expect(character: string): void {
    if (this.next() !== character) throw new NoHeader();
    this.at++;
  }

  /** The next character that is no white space; it is not passed over. */
  private next(): string | undefined {
    while (WHITE_SPACE.has(this.text.charCodeAt(this.at))) this.at++;
    return this.text[this.at];
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const WHITE_SPACE = new Set([SPACE, 9, 10, 13]);
/** No sign, fraction or exponent: none makes sense here. */
const NUMBER = /(?:0|[1-9][0-9]{0,15})(?![0-9.eE])/y;
