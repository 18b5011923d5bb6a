// The "python version" of CIFAR: pickled dictionaries with a numpy array of bytes. They are read by
// the restricted machine of formats/pickle.ts; the allow-list below is all that a file can ask for, and
// each entry only describes an array of bytes. No Python, no numpy, nothing runs.

import { DecodeBudget } from '../formats/budget.ts';
import {
  buildNumpy,
  NumpyArray,
  numpyCallables,
  numpyName,
  numpyText,
  numpyValues,
} from '../formats/numpy.ts';
import { type PickleHandlers, readPickle } from '../formats/pickle.ts';
import { messageOf, UserError } from '../util/errors.ts';
import { emptySplit, IMAGE_BYTES, interleaveAll, type Split } from './dataset.ts';

/** The allow-list for one file. */
function allowList(budget: DecodeBudget): PickleHandlers {
  const callables = numpyCallables(budget);
  return {
    encoding: 'bytes',
    resolveGlobal: (module, name) => callables.get(numpyName(module, name)),
    build(object, state) {
      const built = buildNumpy(object, state, budget);
      if (built === undefined) {
        throw new UserError('it sets the state of an object, which is not allowed');
      }
      return built;
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
  const labels = labelsOf(dictionary.get(labelsKey));
  if (!(data instanceof NumpyArray) || data.shape.length !== 2 || data.shape[1] !== IMAGE_BYTES) {
    throw new UserError(`${path} has no array 'data' of images × ${IMAGE_BYTES} bytes`);
  }
  if (data.type.code !== 'u1' || data.columnOrder) {
    throw new UserError(
      `${path} cannot be read as a CIFAR batch: its array 'data' ${data.columnOrder ? 'is in column order' : 'is not of unsigned bytes (numpy uint8)'}`,
    );
  }
  const count = data.shape[0] as number;
  if (labels?.length !== count || count === 0) {
    throw new UserError(`${path} has no list '${labelsKey}' of ${count} class numbers`);
  }
  const split = emptySplit(count);
  split.labels.set(labels);
  interleaveAll(data.bytes(), split);
  return split;
}

/** Class numbers from a list, or from an array of numpy as some programs pickle them. */
function labelsOf(value: unknown): readonly number[] | undefined {
  const isLabel = (label: unknown) =>
    typeof label === 'number' && Number.isInteger(label) && label >= 0 && label < 65536;
  const labels = value instanceof NumpyArray ? numpyValues(value) : value;
  return Array.isArray(labels) && labels.every(isLabel) ? labels : undefined;
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
  return names.map(numpyText);
}
