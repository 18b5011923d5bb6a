// Arrays of numpy inside pickles and .npy files: described, never computed with. Training scripts save
// numpy numbers beside their weights, CIFAR's "python version" is pickled arrays of bytes, and .npz files
// are zip archives of .npy. Of numpy's types the plain numbers and truth values are known.

import { latin1Bytes } from '../util/bytes.ts';
import { UserError } from '../util/errors.ts';
import { COST, type DecodeBudget } from './budget.ts';
import { type DType, ELEMENT_BYTES, READERS, tensorBytes } from './dtypes.ts';
import type { PickleCallable } from './pickle.ts';

const TYPES: Readonly<Record<string, DType>> = {
  ...{ f2: 'F16', f4: 'F32', f8: 'F64', b1: 'BOOL' },
  ...{ i1: 'I8', i2: 'I16', i4: 'I32', i8: 'I64', u1: 'U8', u2: 'U16', u4: 'U32', u8: 'U64' },
};

/** A type of elements. */
export class NumpyType {
  /** Such as `f4`, without the byte order. */
  readonly code: string;
  littleEndian: boolean;

  constructor(code: string) {
    this.code = code.replace(/^[<>|=]/, '');
    this.littleEndian = !code.startsWith('>');
  }

  /** Undefined for what is neither numbers nor truth values. */
  get dtype(): DType | undefined {
    return TYPES[this.code];
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
    return typeof this.content === 'string' ? latin1Bytes(this.content) : this.content;
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
  if (type.dtype === undefined) return array;
  const isContent = content instanceof Uint8Array || typeof content === 'string';
  if (!isContent || tensorBytes(type.dtype, shape) !== content.length) {
    throw new UserError('its array does not have as many bytes as its shape says');
  }
  array.content = content;
  return array;
}

/** One number, as `numpy.float64(0.5)` is pickled. */
function scalar([type, bytes]: readonly unknown[]): unknown {
  if (!(type instanceof NumpyType) || type.dtype === undefined) return undefined;
  return numpyValues(numpyArray([], type, false, bytes))?.[0];
}

/** The values of an array in row order; undefined where they are no numbers. */
export function numpyValues(array: NumpyArray): number[] | undefined {
  const { shape, columnOrder } = array;
  const { dtype, littleEndian } = array.type;
  const isTurned = columnOrder && shape.filter((extent) => extent > 1).length > 1;
  if (dtype === undefined || isTurned) return undefined;
  const bytes = array.bytes();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = ELEMENT_BYTES[dtype];
  return Array.from({ length: bytes.length / size }, (_, i) =>
    READERS[dtype](view, i * size, littleEndian),
  );
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
        return latin1Bytes(text);
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
