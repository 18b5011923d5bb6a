// What a PyTorch pickle may name, and what becomes of it. A `.pth` is a pickle whose tensors refer to
// storages kept beside it; this file stands in for `torch._utils._rebuild_tensor_v2` and its kin with
// descriptions that hold numbers only. Values are copied out later, for the tensors that are wanted,
// once every reference has been checked against the bytes that are really there.
//
// Anything else a file names is refused before it is looked at, so loading can run nothing.

import { COST, type DecodeBudget } from '../../formats/budget.ts';
import type { PickleCallable, PickleHandlers } from '../../formats/pickle.ts';
import { UserError } from '../../util/errors.ts';
import type { DType } from '../dtypes.ts';

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

/** `torch._utils._rebuild_parameter(tensor, requires_grad, hooks)`: the tensor itself. */
function rebuildParameter(args: readonly unknown[]): TensorRef {
  if (!(args[0] instanceof TensorRef)) throw damaged('a parameter is malformed');
  return args[0];
}

/** Persistent id: ('storage', type, key, location, elements[, (view key, first, count) or None]). */
function storageFromId(id: unknown): StorageRef {
  if (!Array.isArray(id)) throw damaged('a storage reference is malformed');
  const [kind, type, key, , count, view] = id;
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
 */
export function pyTorchHandlers(budget: DecodeBudget): PickleHandlers {
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
  const allowed = new Map<string, PickleCallable>();
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
  allow('torch.Size', ([extents]) => asCounts(extents));
  for (const [name, dtype] of Object.entries(STORAGES)) {
    const type: StorageType = { name: `torch.${name}`, dtype };
    allowed.set(type.name, type);
  }
  return {
    resolveGlobal(module, name) {
      const full = `${module}.${name}`;
      const callable = allowed.get(full);
      if (callable === undefined) {
        throw new UserError(
          `the file asks for ${full.slice(0, 200)}, which is not allowed in a weights file (nothing was run); in Python, save tensors and numbers only: torch.save(model.state_dict(), "weights.pth")`,
        );
      }
      return callable;
    },
    build(object) {
      // state_dict() attaches `_metadata` (module versions) to its OrderedDict; tensors carry hooks.
      if (object instanceof Map || object instanceof TensorRef) return object;
      throw damaged('it sets the state of an unexpected object');
    },
    persistentLoad(id) {
      budget.spend(COST.view);
      return storageFromId(id);
    },
  };
}
