// What a PyTorch pickle may name, and what becomes of it. A `.pth` is a pickle whose tensors refer to
// storages kept beside it; this file stands in for `torch._utils._rebuild_tensor_v2` and its kin with
// descriptions that hold numbers only. Values are copied out later, for the tensors that are wanted,
// once every reference has been checked against the bytes that are really there.
//
// Anything else that a file names is kept as a name with arguments (`PickledObject`) and never looked up,
// so loading can run nothing: training scripts leave all sorts of things beside their weights. Names that
// stand in no honest file, because calling them does something to the machine, refuse it at once.

import { COST, type DecodeBudget } from '../../formats/budget.ts';
import type { DType } from '../../formats/dtypes.ts';
import { buildNumpy, numpyCallables, numpyName } from '../../formats/numpy.ts';
import type { PickleCallable, PickleHandlers } from '../../formats/pickle.ts';
import { PickledObject } from '../../formats/pickle-object.ts';
import { UserError } from '../../util/errors.ts';
import { notAllowed } from '../not-allowed.ts';

/** The attribute of a state_dict in which this program keeps what belongs to the weights. */
export const FACTS_ATTRIBUTE = 'table6';

/** Dimensions of a tensor; PyTorch's own limit. */
const MAX_RANK = 64;

/** Part of a storage record: `count` elements from element `first` on. */
export class StorageRef {
  readonly key: string;
  readonly dtype: DType;
  /** Elements of the whole record, as the pickle states it. */
  readonly recordCount: number;
  readonly first: number;
  readonly count: number;

  constructor(key: string, dtype: DType, recordCount: number, first = 0, count = recordCount) {
    this.key = key;
    this.dtype = dtype;
    this.recordCount = recordCount;
    this.first = first;
    this.count = count;
  }
}

/** A tensor whose every element is known to lie inside its storage. */
export class TensorRef {
  readonly storage: StorageRef;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];

  constructor(storage: StorageRef, offset: number, shape: number[], stride: number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.stride = stride;
  }
}

export function damaged(reason: string): UserError {
  return new UserError(`not a readable PyTorch file: ${reason}`);
}

const STORAGES: Readonly<Record<string, DType>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

/** A storage class, named inside persistent ids. */
interface StorageType extends PickleCallable {
  readonly dtype: DType;
}

function isStorageType(value: unknown): value is StorageType {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'name' in value;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function asCounts(value: unknown): number[] {
  if (!Array.isArray(value) || value.length > MAX_RANK || !value.every(isCount)) {
    throw damaged('a tensor has a malformed shape');
  }
  return value;
}

/** `torch._utils._rebuild_tensor(storage, offset, size, stride)`; v2 has more, which we do not need. */
function rebuildTensor(args: readonly unknown[]): TensorRef {
  const [storage, offset, size, strides] = args;
  if (!(storage instanceof StorageRef) || !isCount(offset)) throw damaged('a tensor is malformed');
  const shape = asCounts(size);
  const stride = asCounts(strides);
  if (shape.length !== stride.length) throw damaged('a tensor has a malformed shape');
  if (!shape.includes(0)) {
    const last = shape.reduce((at, extent, d) => at + (extent - 1) * (stride[d] as number), offset);
    if (last >= storage.count) throw damaged('a tensor reaches beyond its storage');
  }
  return new TensorRef(storage, offset, shape, stride);
}

/** Modules of functions that act on the machine, which nobody has reason to name in a file of weights. */
const ACTING =
  /^(os|posix|nt|sys|subprocess|_posixsubprocess|pty|shutil|socket|ctypes|importlib|runpy|pdb|bdb|timeit|webbrowser|pip|multiprocessing|urllib\d?|http|requests|pickle|_pickle|marshal|torch\.(hub|jit|package))(\.|$)/;
/** Of Python's own names only types are harmless. */
const BUILTINS = /^(builtins|__builtin__|__builtins__)\./;
const BUILTIN_TYPES = new Set([
  ...[
    'set',
    'frozenset',
    'list',
    'tuple',
    'dict',
    'bytearray',
    'bytes',
    'complex',
    'slice',
    'range',
  ],
  // How bound methods are pickled, which schedulers keep.
  ...['object', 'int', 'float', 'str', 'bool', 'type', 'getattr'],
]);
/** Functions that call others with what they are given. */
const CALLERS = /^(operator|_operator|functools)\.(methodcaller|reduce)$/;

function actsOnTheMachine(name: string): boolean {
  if (BUILTINS.test(name)) return !BUILTIN_TYPES.has(name.replace(BUILTINS, ''));
  return ACTING.test(name) || CALLERS.test(name);
}

/** `torch._utils._rebuild_parameter(tensor, requires_grad, hooks)`: the tensor itself. */
function rebuildParameter(args: readonly unknown[]): TensorRef {
  if (!(args[0] instanceof TensorRef)) throw damaged('a parameter is malformed');
  return args[0];
}

/** Persistent id: ('storage', type, key, location, elements[, (view key, first, count) or None]). */
function storageFromId(id: unknown): unknown {
  if (!Array.isArray(id)) throw damaged('a storage reference is malformed');
  const [kind, type, key, , count, view] = id;
  // A class, with its source, of a model that was saved whole before 1.6.
  if (kind === 'module') return type;
  if (kind !== 'storage' || !isStorageType(type) || typeof key !== 'string' || !isCount(count)) {
    throw damaged('a storage reference is malformed');
  }
  if (view === null || view === undefined) return new StorageRef(key, type.dtype, count);
  const [, first, viewCount] = Array.isArray(view) ? view : [];
  if (!isCount(first) || !isCount(viewCount) || first + viewCount > count) {
    throw damaged('a storage view is malformed');
  }
  return new StorageRef(key, type.dtype, count, first, viewCount);
}

/**
 * The allow-list, as handlers for one file.
 * @param budget bounds among others what lists of pairs (Python 2's form of OrderedDict) become in total
 * @param onFacts is told what this program has kept beside a state_dict
 */
export function pyTorchHandlers(
  budget: DecodeBudget,
  onFacts: (facts: Map<unknown, unknown>) => void = () => {},
): PickleHandlers {
  const orderedDict = (args: readonly unknown[]): Map<unknown, unknown> => {
    const [items = []] = args;
    if (!Array.isArray(items)) throw damaged('a dictionary is malformed');
    budget.spend(COST.view + COST.entry * items.length);
    const map = new Map<unknown, unknown>();
    for (const item of items) {
      if (!Array.isArray(item) || item.length !== 2) throw damaged('a dictionary is malformed');
      map.set(item[0], item[1]);
    }
    return map;
  };
  const allowed = new Map<string, PickleCallable>(numpyCallables(budget));
  const allow = (name: string, call: NonNullable<PickleCallable['call']>) =>
    allowed.set(name, {
      name,
      call(args) {
        budget.spend(COST.view);
        return call(args);
      },
    });
  allow('collections.OrderedDict', orderedDict);
  allow('torch._utils._rebuild_tensor', rebuildTensor);
  allow('torch._utils._rebuild_tensor_v2', rebuildTensor);
  allow('torch._utils._rebuild_parameter', rebuildParameter);
  allow('torch._utils._rebuild_parameter_with_state', rebuildParameter);
  allow('torch.Size', ([extents]) => asCounts(extents));
  for (const [name, dtype] of Object.entries(STORAGES)) {
    const type: StorageType = { name: `torch.${name}`, dtype };
    allowed.set(type.name, type);
  }
  return {
    resolveGlobal(module, name) {
      const full = numpyName(module, name);
      const known = allowed.get(full);
      if (known !== undefined) return known;
      if (actsOnTheMachine(full)) throw notAllowed(full);
      budget.spend(COST.view + full.length);
      const callable: PickleCallable = {
        name: full,
        call(args) {
          budget.spend(COST.pickled);
          return new PickledObject(full, args);
        },
      };
      allowed.set(full, callable);
      return callable;
    },
    build(object, state) {
      if (object instanceof PickledObject) {
        object.state = state;
        return object;
      }
      // state_dict() attaches `_metadata` (module versions) to its OrderedDict; tensors carry hooks.
      if (object instanceof Map) {
        const facts = state instanceof Map ? state.get(FACTS_ATTRIBUTE) : undefined;
        if (facts instanceof Map) onFacts(facts);
        return object;
      }
      if (object instanceof TensorRef) return object;
      const built = buildNumpy(object, state, budget);
      if (built === undefined) throw damaged('it sets the state of an unexpected object');
      return built;
    },
    persistentLoad(id) {
      budget.spend(COST.view);
      return storageFromId(id);
    },
  };
}
