// The "python version" of CIFAR: pickled dictionaries with a numpy array of bytes. They are read by
// the restricted machine of formats/pickle.ts; the allow-list below is all that a file can ask for, and
// each entry only describes an array of bytes. No Python, no numpy, nothing runs.

import { COST, DecodeBudget } from '../formats/budget.ts';
import { type PickleCallable, type PickleHandlers, readPickle } from '../formats/pickle.ts';
import { messageOf, UserError } from '../util/errors.ts';
import { emptySplit, IMAGE_BYTES, interleave, type Split } from './dataset.ts';

/** A numpy array of unsigned bytes, before (empty) and after its state is set. */
class ByteArray {
  shape: readonly number[] = [];
  bytes: Uint8Array = new Uint8Array(0);
}

/** A numpy dtype; only unsigned bytes are accepted where data follow. */
class DataType {
  readonly code: string;
  constructor(code: string) {
    this.code = code;
  }
}

/** Dimensions of an array; images have two. */
const MAX_RANK = 32;

function asByteArray(
  [shape, type, fortran, bytes]: readonly unknown[],
  budget: DecodeBudget,
): ByteArray {
  if (!(type instanceof DataType) || (type.code !== 'u1' && type.code !== '|u1')) {
    throw new UserError('its array is not of unsigned bytes (numpy uint8)');
  }
  const isCount = (n: unknown) => Number.isInteger(n) && (n as number) >= 0;
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isCount)) {
    throw new UserError('its array has no valid shape');
  }
  if (fortran !== false && fortran !== 0) throw new UserError('its array is in column order');
  const raw = typeof bytes === 'string' ? bytesOfLatin1(bytes, budget) : bytes;
  const array = new ByteArray();
  if (!(raw instanceof Uint8Array) || shape.reduce((a, b) => a * b, 1) !== raw.length) {
    throw new UserError('its array does not have as many bytes as its shape says');
  }
  array.shape = shape;
  array.bytes = raw;
  return array;
}

/**
 * Python 2 wrote all text as bytes. Anything else is refused rather than turned into text: lists that
 * contain each other have texts of exponential length.
 */
function textOf(value: unknown, budget?: DecodeBudget): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) {
    budget?.spend(value.length);
    return new TextDecoder().decode(value);
  }
  throw new UserError('it has a number or a list where a name belongs');
}

/** A short file could ask for the same long string to be encoded over and over. */
function bytesOfLatin1(text: string, budget: DecodeBudget): Uint8Array {
  budget.spend(COST.view + text.length);
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The allow-list for one file. */
function allowList(budget: DecodeBudget): PickleHandlers {
  /** Something small that describes an array. */
  const described = <T>(value: T): T => {
    budget.spend(COST.view);
    return value;
  };
  const callables: PickleCallable[] = [
    { name: 'numpy.core.multiarray._reconstruct', call: () => described(new ByteArray()) },
    { name: 'numpy.ndarray' },
    { name: 'numpy.dtype', call: ([code]) => described(new DataType(textOf(code, budget))) },
    {
      // Protocol 5: (buffer, dtype, shape, order)
      name: 'numpy.core.numeric._frombuffer',
      call: ([bytes, type, shape, order]) =>
        described(asByteArray([shape, type, order !== 'C', bytes], budget)),
    },
    {
      // How Python 3 writes bytes in protocol 2 and below.
      name: '_codecs.encode',
      call: ([text, encoding]) => {
        if (typeof text !== 'string' || encoding !== 'latin1') {
          throw new UserError('it encodes what is not latin1 text');
        }
        return bytesOfLatin1(text, budget);
      },
    },
  ];
  const byName = new Map(callables.map((callable) => [callable.name, callable]));
  return {
    encoding: 'bytes',
    // numpy 2 calls its inner package _core.
    resolveGlobal: (module, name) =>
      byName.get(`${module.replace(/^numpy\._core\./, 'numpy.core.')}.${name}`),
    build(object, state) {
      if (object instanceof DataType) return object; // byte order and fields: none for bytes
      if (object instanceof ByteArray && Array.isArray(state) && state.length === 5) {
        return described(asByteArray(state.slice(1), budget));
      }
      throw new UserError('it sets the state of an object, which is not allowed');
    },
  };
}

function readDictionary(bytes: Uint8Array, path: string): Map<unknown, unknown> {
  try {
    const budget = new DecodeBudget(bytes.length);
    const { value } = readPickle(bytes, allowList(budget), budget);
    if (value instanceof Map) return value;
    throw new UserError('it does not hold a dictionary');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${path} cannot be read as a CIFAR batch: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * One `data_batch_N`, `test_batch`, `train` or `test` file.
 * @param labelsKey 'labels' or 'fine_labels'
 */
export function readPythonBatch(bytes: Uint8Array, labelsKey: string, path: string): Split {
  const dictionary = readDictionary(bytes, path);
  const data = dictionary.get('data');
  const labels = dictionary.get(labelsKey);
  if (!(data instanceof ByteArray) || data.shape.length !== 2 || data.shape[1] !== IMAGE_BYTES) {
    throw new UserError(`${path} has no array 'data' of images × ${IMAGE_BYTES} bytes`);
  }
  const count = data.shape[0] as number;
  if (!isLabels(labels) || labels.length !== count || count === 0) {
    throw new UserError(`${path} has no list '${labelsKey}' of ${count} class numbers`);
  }
  const split = emptySplit(count);
  split.labels.set(labels);
  for (let i = 0; i < count; i++) {
    interleave(data.bytes, i * IMAGE_BYTES, split.images, i * IMAGE_BYTES);
  }
  return split;
}

function isLabels(value: unknown): value is number[] {
  const isLabel = (label: unknown) =>
    typeof label === 'number' && Number.isInteger(label) && label >= 0 && label < 65536;
  return Array.isArray(value) && value.every(isLabel);
}

/** CIFAR-100 has a hundred classes. */
const MOST_NAMES = 65_536;

/** The class names in `batches.meta` or `meta`. */
export function readPythonNames(bytes: Uint8Array, namesKey: string, path: string): string[] {
  const names = readDictionary(bytes, path).get(namesKey);
  const isName = (name: unknown) => typeof name === 'string' || name instanceof Uint8Array;
  if (!Array.isArray(names) || names.length > MOST_NAMES || !names.every(isName)) {
    throw new UserError(`${path} has no list '${namesKey}' of class names`);
  }
  return names.map((name) => textOf(name));
}
