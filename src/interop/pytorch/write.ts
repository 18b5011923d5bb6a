// Weights for PyTorch: a zip `.pth` that `torch.load(..., weights_only=True)` opens and whose names are
// the reference implementation's, so `model.load_state_dict(...)` is strict-clean.

import type { RawTensor } from '../../formats/dtypes.ts';
import { contiguousStride, rawTensor } from '../../formats/dtypes.ts';
import { PickleWriter } from '../../formats/pickle-writer.ts';
import { writeZip } from '../../formats/zip-writer.ts';
import type { NamedTensors } from '../../util/tensor.ts';
import { elementCount } from '../../util/tensor.ts';
import { FACTS_ATTRIBUTE } from './objects.ts';

export interface PyTorchOptions {
  /** Put `module.` before every name, as a model inside DataParallel expects (its trainer.py does). */
  readonly modulePrefix?: boolean;
  /**
   * Values beside the weights. With any, the file is `{'state_dict': ..., name: value ...}` as the
   * reference trainer saves it (`epoch`, `best_prec1`); with none, the state_dict alone.
   */
  readonly extra?: Readonly<Record<string, number | string | boolean>>;
  /**
   * What belongs to the weights and has no place in a state_dict: the normalisation, the class names. It is
   * an attribute of the dictionary, as PyTorch's own `_metadata` is: load_state_dict does not look at it.
   */
  readonly facts?: Readonly<Record<string, string>>;
  /** Training steps so far, for the batch norms' `num_batches_tracked`. */
  readonly batchesTracked?: number;
}

const COUNTER = '.num_batches_tracked';
const STORAGE_CLASS = { F32: 'FloatStorage', I64: 'LongStorage' } as const;

/** Tensors with an int64 `num_batches_tracked` after each batch norm's running variance. */
function withCounters(tensors: NamedTensors, batches: number): Map<string, RawTensor> {
  const counter = (value: number) => rawTensor('I64', [], BigInt64Array.of(BigInt(value)));
  const complete = new Map<string, RawTensor>();
  for (const [name, { shape, data }] of tensors) {
    if (name.endsWith(COUNTER)) {
      complete.set(name, counter(data[0] ?? 0));
      continue;
    }
    complete.set(name, rawTensor('F32', shape, data));
    if (!name.endsWith('.running_var')) continue;
    const counterName = name.replace(/\.running_var$/, COUNTER);
    if (!tensors.has(counterName)) complete.set(counterName, counter(batches));
  }
  return complete;
}

/** One entry of the state_dict: `torch._utils._rebuild_tensor_v2` over storage number `key`. */
function writeTensor(pickle: PickleWriter, { dtype, shape }: RawTensor, key: number): void {
  const storageClass = STORAGE_CLASS[dtype as keyof typeof STORAGE_CLASS];
  pickle.global('torch._utils', '_rebuild_tensor_v2').mark();
  pickle.mark().string('storage').global('torch', storageClass).string(String(key));
  pickle.string('cpu').number(elementCount(shape)).tuple().persistentId();
  pickle.number(0).numbers(shape).numbers(contiguousStride(shape)).boolean(false);
  pickle.global('collections', 'OrderedDict').emptyTuple().reduce().tuple().reduce();
}

/**
 * A `.pth` file. The same arguments always give the same bytes.
 * @param tensors parameters and running statistics under their PyTorch names
 */
export function writePyTorch(
  tensors: NamedTensors,
  options: PyTorchOptions = {},
): Uint8Array<ArrayBuffer> {
  const { modulePrefix = false, extra = {}, facts = {}, batchesTracked = 0 } = options;
  const stateDict = withCounters(tensors, batchesTracked);
  const isCheckpoint = Object.keys(extra).length > 0;

  const pickle = new PickleWriter();
  if (isCheckpoint) pickle.emptyDict().mark().string('state_dict');
  pickle.global('collections', 'OrderedDict').emptyTuple().reduce().mark();
  const storages: [string, Uint8Array][] = [];
  for (const [name, tensor] of stateDict) {
    pickle.string(modulePrefix ? `module.${name}` : name);
    writeTensor(pickle, tensor, storages.length);
    storages.push([`weights/data/${storages.length}`, tensor.bytes]);
  }
  pickle.setItems();
  if (Object.keys(facts).length > 0) {
    pickle.emptyDict().mark().string(FACTS_ATTRIBUTE).emptyDict().mark();
    for (const [name, value] of Object.entries(facts)) pickle.string(name).string(value);
    pickle.setItems().setItems().build();
  }
  for (const [name, value] of Object.entries(extra)) {
    pickle.string(name);
    if (typeof value === 'number') pickle.number(value);
    else if (typeof value === 'string') pickle.string(value);
    else pickle.boolean(value);
  }
  if (isCheckpoint) pickle.setItems();

  const encoder = new TextEncoder();
  return writeZip(
    new Map([
      ['weights/data.pkl', pickle.finish()],
      ['weights/byteorder', encoder.encode('little')],
      ...storages,
      ['weights/version', encoder.encode('3\n')],
    ]),
  );
}
