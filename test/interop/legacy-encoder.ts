// Writes PyTorch's legacy format, which torch.save stopped writing in 1.6 and this project only
// reads. The tests and the fuzzer make their small corpus with it, including what old big-endian
// machines, Python 2 and PyTorch 0.4 left in files.

import { PickleWriter } from '../../src/formats/pickle-writer.ts';

/** A storage: its class, and its elements as little-endian bytes. */
export interface LegacyStorage {
  readonly className: string;
  readonly elements: number;
  readonly bytes: Uint8Array;
}

export interface LegacyTensor {
  readonly name: string;
  readonly storage: string;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly offset?: number;
  /** Part of the storage that the tensor uses: first element and number of elements. */
  readonly view?: readonly [number, number];
}

const MAGIC = 0x1950a86a20f9469cfc6cn;

/** A storage of float32 values. */
export function floatStorage(values: readonly number[]): LegacyStorage {
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  return { className: 'FloatStorage', elements: values.length, bytes };
}

export interface LegacyOptions {
  readonly wrap?: boolean;
  /** The writing machine was big-endian: its element counts are, its elements are not. */
  readonly bigEndian?: boolean;
  /** Storages left out of the end of the file, though the pickle names them. */
  readonly omit?: readonly string[];
}

export function encodeLegacy(
  storages: Readonly<Record<string, LegacyStorage>>,
  tensors: readonly LegacyTensor[],
  options: LegacyOptions = {},
): Uint8Array {
  const object = new PickleWriter();
  if (options.wrap) {
    object.emptyDict().mark().string('epoch').number(7).string('best_prec1').number(91.5);
    object.string('state_dict');
  }
  object.global('collections', 'OrderedDict').emptyTuple().reduce().mark();
  for (const { name, storage, shape, stride, offset = 0, view } of tensors) {
    const { className, elements } = storages[storage] as LegacyStorage;
    object.string(name).global('torch._utils', '_rebuild_tensor').mark();
    object.mark().string('storage').global('torch', className).string(storage);
    object.string('cpu').number(elements);
    if (view) object.mark().string(`${storage}-${view[0]}`).number(view[0]).number(view[1]).tuple();
    else object.raw(0x4e); // None
    object.tuple().persistentId();
    object.number(offset).numbers(shape).numbers(stride).tuple().reduce();
  }
  object.setItems();
  if (options.wrap) object.setItems();

  const system = new PickleWriter().emptyDict().mark();
  system.string('little_endian').boolean(!options.bigEndian).setItems();
  const keys = Object.keys(storages).filter((key) => !options.omit?.includes(key));
  const list = new PickleWriter().raw(0x5d).mark();
  for (const key of keys) list.string(key);
  list.raw(0x65);

  const parts: Uint8Array[] = [
    new PickleWriter().long(MAGIC).finish(),
    new PickleWriter().number(1001).finish(),
    system.finish(),
    object.finish(),
    list.finish(),
  ];
  for (const key of keys) {
    const { elements, bytes } = storages[key] as LegacyStorage;
    const count = new Uint8Array(8);
    new DataView(count.buffer).setBigInt64(0, BigInt(elements), !options.bigEndian);
    parts.push(count, bytes);
  }
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}
