// Finds the tensors in what a PyTorch file holds: a state_dict, dictionaries in dictionaries, or whole
// objects, whose parts are looked through as data. A module that was saved whole (`torch.save(model)`) is a
// tree of attributes named _parameters, _buffers and _modules; its tensors get the names that its
// state_dict would have given them.

import { COST, type DecodeBudget } from '../../formats/budget.ts';
import { contiguousStride, decodeFloat32, tensorBytes } from '../../formats/dtypes.ts';
import { NumpyArray, numpyValues } from '../../formats/numpy.ts';
import { PickledObject } from '../../formats/pickle-object.ts';
import { elementCount } from '../../util/tensor.ts';
import type { StoredFile, StoredOther, StoredTensor } from '../stored.ts';
import { damaged, TensorRef } from './objects.ts';

/** Characters of a name, and of the keys that lead to it: no program's are longer. */
const LONGEST_NAME = 200;
const LONGEST_PATH = 400;
/** Plain values that are kept from beside the weights. */
const MOST_VALUES = 100;

/** How the values of a tensor are read from its storage. */
type ReadTensor = (ref: TensorRef) => Float32Array;

/** Everything in the file that a network could be made of, in the file's order. */
export function walkObject(root: unknown, budget: DecodeBudget, read: ReadTensor): StoredFile {
  const values = {
    spend(elements: number) {
      budget.spend(COST.tensor);
      budget.spendContent(Float32Array.BYTES_PER_ELEMENT * elements);
    },
    read(ref: TensorRef) {
      this.spend(elementCount(ref.shape));
      return read(ref);
    },
  };
  const walk = new Walk(budget, values);
  walk.visit(root, '');
  const metadata = plainValues(root, budget, values);
  return { tensors: walk.tensors, others: walk.others, metadata };
}

/** How values are copied out of the file. */
interface Values {
  /** Counts elements that are to be copied; throws where they are more than the file can have. */
  spend(elements: number): void;
  read(ref: TensorRef): Float32Array;
}

class Walk {
  readonly tensors: StoredTensor[] = [];
  readonly others: StoredOther[] = [];
  readonly #budget: DecodeBudget;
  readonly #values: Values;
  /** What can be reached in two ways is one thing; some objects refer to themselves. */
  readonly #seen = new Set<object>();
  #groups = 0;

  constructor(budget: DecodeBudget, values: Values) {
    this.#budget = budget;
    this.#values = values;
  }

  visit(value: unknown, path: string): void {
    if (typeof value !== 'object' || value === null || path.length > LONGEST_PATH) return;
    if (this.#seen.has(value)) return;
    this.#seen.add(value);
    this.#budget.spend(COST.entry);
    const group = this.#groups++;
    if (value instanceof Map) this.#entries(value, path, group);
    else if (Array.isArray(value)) this.#items(value, path, group);
    else if (value instanceof PickledObject) this.#object(value, path, group);
  }

  #entries(map: Map<unknown, unknown>, path: string, group: number): void {
    for (const [key, value] of map) {
      if (typeof key === 'string' || typeof key === 'number') {
        this.#named(value, below(path, String(key)), group);
      }
    }
  }

  #items(items: readonly unknown[], path: string, group: number): void {
    for (const [index, value] of items.entries()) {
      // Long lists are of numbers, and are not looked through twice.
      if (typeof value === 'object') this.#named(value, below(path, String(index)), group);
    }
  }

  #named(value: unknown, name: string, group: number): void {
    if (typeof value !== 'object' || value === null) return;
    // The name as text, and what describes the tensor.
    this.#budget.spend(COST.view + name.length);
    const tensor = this.#tensor(value, name, group);
    if (tensor !== undefined) this.tensors.push(tensor);
    else if (value instanceof PickledObject && attributesOf(value)?.has('_modules') !== true) {
      this.others.push({ name, group, global: value.global });
      this.visit(value, name);
    } else this.visit(value, name);
  }

  #tensor(value: unknown, name: string, group: number): StoredTensor | undefined {
    if (value instanceof TensorRef) {
      const { shape, storage } = value;
      return { name, group, shape, dtype: storage.dtype, read: () => this.#values.read(value) };
    }
    if (value instanceof NumpyArray) return numpyTensor(value, name, group, this.#values);
    return undefined;
  }

  #object(object: PickledObject, path: string, group: number): void {
    const attributes = attributesOf(object);
    if (attributes?.get('_modules') instanceof Map) this.#module(attributes, path, group);
    else if (attributes !== undefined) this.#entries(attributes, path, group);
    this.#entries(object.entries, path, group);
    this.#items(object.items, path, group);
  }

  /** A torch.nn.Module's parameters, buffers and modules, under the names of its state_dict. */
  #module(attributes: Map<unknown, unknown>, path: string, group: number): void {
    const left = namesIn(attributes.get('_non_persistent_buffers_set'));
    for (const part of ['_parameters', '_buffers']) {
      const map = attributes.get(part);
      if (!(map instanceof Map)) continue;
      for (const [key, value] of map) {
        if (typeof key === 'string' && !left.has(key)) this.#named(value, below(path, key), group);
      }
    }
    const modules = attributes.get('_modules');
    if (!(modules instanceof Map)) return;
    for (const [key, value] of modules) {
      if (typeof key !== 'string' || !(value instanceof PickledObject)) continue;
      const inner = attributesOf(value);
      const name = below(path, key);
      if (inner === undefined || this.#seen.has(value) || name.length > LONGEST_PATH) continue;
      this.#seen.add(value);
      this.#module(inner, name, group);
    }
  }
}

function below(path: string, key: string): string {
  const name = key.length > LONGEST_NAME ? `${key.slice(0, LONGEST_NAME)}...` : key;
  return path === '' ? name : `${path}.${name}`;
}

/** An object's `__dict__`; with slots, the state is a pair of two. */
function attributesOf({ state }: PickledObject): Map<unknown, unknown> | undefined {
  const attributes = Array.isArray(state) ? state[0] : state;
  return attributes instanceof Map ? attributes : undefined;
}

/** The names in a pickled set. */
function namesIn(value: unknown): ReadonlySet<unknown> {
  if (value instanceof Set) return value;
  const [names] = value instanceof PickledObject ? value.args : [];
  return new Set(Array.isArray(names) ? names : []);
}

function numpyTensor(
  array: NumpyArray,
  name: string,
  group: number,
  values: Values,
): StoredTensor | undefined {
  const { shape, type, columnOrder } = array;
  const { dtype, littleEndian } = type;
  if (dtype === undefined) return undefined;
  return {
    name,
    group,
    shape,
    dtype,
    read() {
      values.spend(elementCount(shape));
      const bytes = array.bytes();
      if (bytes.length !== tensorBytes(dtype, shape)) {
        throw damaged(`the array ${name.slice(0, 80)} has another size than its shape says`);
      }
      const stride = columnOrder
        ? contiguousStride([...shape].reverse()).reverse()
        : contiguousStride(shape);
      return decodeFloat32(dtype, bytes, { shape, stride, littleEndian });
    },
  };
}

/** Numbers and words beside the weights, and those one dictionary further down. */
function plainValues(root: unknown, budget: DecodeBudget, values: Values): Record<string, string> {
  const plainByName: Record<string, string> = {};
  let left = MOST_VALUES;
  const collect = (map: Map<unknown, unknown>, path: string) => {
    for (const [key, value] of map) {
      if (typeof key !== 'string' || key.length > LONGEST_NAME || left === 0) continue;
      // A tensor with a name of several parts belongs to a layer.
      if (key.includes('.') && (value instanceof TensorRef || value instanceof NumpyArray))
        continue;
      const plain = plainValue(value, values);
      if (plain !== undefined) {
        const text = String(plain);
        budget.spend(COST.entry + path.length + key.length + text.length);
        plainByName[below(path, key)] = text;
        left--;
      } else if (path === '' && !OF_THE_OPTIMIZER.test(key)) {
        const inner = value instanceof PickledObject ? attributesOf(value) : value;
        if (inner instanceof Map && !holdsTensors(inner)) collect(inner, key);
      }
    }
  };
  if (root instanceof Map) collect(root, '');
  return plainByName;
}

/** Of use to go on training there, and to nobody else. */
const OF_THE_OPTIMIZER = /optim|sched|scaler|callback|loop|rng|sampler/i;

function holdsTensors(map: Map<unknown, unknown>): boolean {
  return [...map.values()].some(
    (value) => value instanceof Map || value instanceof TensorRef || value instanceof NumpyArray,
  );
}

/** Early trainers saved `best_prec1` as a tensor of one value, others as a number of numpy. */
function plainValue(value: unknown, values: Values): number | string | boolean | undefined {
  if (value instanceof TensorRef)
    return elementCount(value.shape) === 1 ? values.read(value)[0] : undefined;
  if (value instanceof NumpyArray) {
    return elementCount(value.shape) === 1 ? numpyValues(value)?.[0] : undefined;
  }
  const isPlain =
    typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
  return isPlain ? value : undefined;
}
