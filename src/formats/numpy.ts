// Arrays of numpy inside pickles and .npy files: described, never computed with. Training scripts save
// numpy numbers beside their weights, CIFAR's "python version" is pickled arrays of bytes, and .npz files
// are zip archives of .npy. Of numpy's types the plain numbers and truth values are known.

import { UserError } from '../util/errors.ts';
import { elementCount } from '../util/tensor.ts';
import { COST, type DecodeBudget } from './budget.ts';
import type { PickleCallable } from './pickle.ts';

/** A type of elements: kind `f`, `i`, `u` or `b`, and bytes an element; others have no kind. */
export class NumpyType {
  readonly code: string;
  littleEndian: boolean;

  constructor(code: string) {
    this.code = code.replace(/^[<>|=]/, '');
    this.littleEndian = !code.startsWith('>');
  }

  get kind(): 'f' | 'i' | 'u' | 'b' | undefined {
    const [, kind] = /^([fiub])[1248]$/.exec(this.code) ?? [];
    return kind as 'f' | 'i' | 'u' | 'b' | undefined;
  }

  get bytes(): number {
    return Number(this.code.slice(1));
  }
}

/** Dimensions of an array. */
const MAX_RANK = 32;

/** An array, before (empty) and after its state is set. */
export class NumpyArray {
  shape: readonly number[] = [];
  type = new NumpyType('u1');
  /** Whether the first index moves fastest. */
  columnOrder = false;
  /** As the file has it: Python 2 wrote bytes as text, of one character a byte. */
  content: Uint8Array | string = new Uint8Array(0);

  /** Its elements; copied where the file has them as text. */
  bytes(): Uint8Array {
    return typeof this.content === 'string' ? bytesOfLatin1(this.content) : this.content;
  }
}

/**
 * An array from its parts, which are as a file has them.
 * @throws UserError where they do not belong together
 */
export function numpyArray(
  shape: unknown,
  type: unknown,
  columnOrder: boolean,
  content: unknown,
): NumpyArray {
  if (!(type instanceof NumpyType)) throw new UserError('its array has no type');
  const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isCount)) {
    throw new UserError('its array has no valid shape');
  }
  const array = new NumpyArray();
  array.shape = shape;
  array.type = type;
  array.columnOrder = columnOrder;
  // Arrays of Python objects, of text or of dates are lists of other things: kept without their content.
  if (type.kind === undefined) return array;
  const isContent = content instanceof Uint8Array || typeof content === 'string';
  if (!isContent || elementCount(shape) * type.bytes !== content.length) {
    throw new UserError('its array does not have as many bytes as its shape says');
  }
  array.content = content;
  return array;
}

/** One number, as `numpy.float64(0.5)` is pickled. */
function scalar([type, bytes]: readonly unknown[]): unknown {
  if (!(type instanceof NumpyType) || type.kind === undefined) return undefined;
  return numpyValues(numpyArray([], type, false, bytes))?.[0];
}

/** The values of an array in row order; undefined where they are no numbers. */
export function numpyValues(array: NumpyArray): number[] | undefined {
  const { shape, type, columnOrder } = array;
  const bytes = array.bytes();
  const { kind, littleEndian } = type;
  if (kind === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = READERS[`${kind}${type.bytes}`];
  if (read === undefined) return undefined;
  const count = bytes.length / type.bytes;
  const values = Array.from({ length: count }, (_, i) => read(view, i * type.bytes, littleEndian));
  return columnOrder && shape.filter((extent) => extent > 1).length > 1 ? undefined : values;
}

type Reader = (view: DataView, at: number, littleEndian: boolean) => number;

const READERS: Readonly<Record<string, Reader>> = {
  b1: (view, at) => view.getUint8(at),
  u1: (view, at) => view.getUint8(at),
  i1: (view, at) => view.getInt8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  i2: (view, at, little) => view.getInt16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
};

function bytesOfLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Of a few characters: the same text can be asked for many times by a few bytes. */
function shortText(value: unknown): string {
  const text = value instanceof Uint8Array && value.length > 64 ? '' : numpyText(value);
  return text.slice(0, 64);
}

/**
 * Python 2 wrote all text as bytes. Anything else is refused rather than turned into text: lists that
 * contain each other have texts of exponential length.
 */
export function numpyText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  throw new UserError('it has a number or a list where a name belongs');
}

/**
 * What stands for numpy's own functions in a pickle, by `module.name`.
 * @param budget of the file
 */
export function numpyCallables(budget: DecodeBudget): ReadonlyMap<string, PickleCallable> {
  /** Something small that describes an array. */
  const described = <T>(value: T): T => {
    budget.spend(COST.view);
    return value;
  };
  const callables: PickleCallable[] = [
    { name: 'numpy.core.multiarray._reconstruct', call: () => described(new NumpyArray()) },
    { name: 'numpy.core.multiarray.scalar', call: scalar },
    { name: 'numpy.ndarray' },
    { name: 'numpy.dtype', call: ([code]) => described(new NumpyType(shortText(code))) },
    {
      // Protocol 5: (buffer, dtype, shape, order)
      name: 'numpy.core.numeric._frombuffer',
      call: ([bytes, type, shape, order]) =>
        described(numpyArray(shape, type, order !== 'C', bytes)),
    },
    {
      // How Python 3 writes bytes in protocol 2 and below.
      name: '_codecs.encode',
      call: ([text, encoding]) => {
        if (typeof text !== 'string' || encoding !== 'latin1') {
          throw new UserError('it encodes what is not latin1 text');
        }
        // A short file could ask for the same long string to be encoded over and over.
        budget.spend(COST.view + text.length);
        return bytesOfLatin1(text);
      },
    },
  ];
  return new Map(callables.map((callable) => [callable.name, callable]));
}

/** numpy 2 calls its inner package _core. */
export function numpyName(module: string, name: string): string {
  return `${module.replace(/^numpy\._core\./, 'numpy.core.')}.${name}`;
}

/**
 * Sets the state of an array or a type.
 * @returns undefined for anything else
 */
export function buildNumpy(
  object: unknown,
  state: unknown,
  budget: DecodeBudget,
): NumpyArray | NumpyType | undefined {
  if (object instanceof NumpyType) {
    // (version, byte order, fields ...)
    if (Array.isArray(state) && (typeof state[1] === 'string' || state[1] instanceof Uint8Array)) {
      object.littleEndian = shortText(state[1]) !== '>';
    }
    return object;
  }
  if (object instanceof NumpyArray && Array.isArray(state) && state.length === 5) {
    const [, shape, type, columnOrder, content] = state;
    budget.spend(COST.view);
    return numpyArray(shape, type, columnOrder !== false && columnOrder !== 0, content);
  }
  return undefined;
}
