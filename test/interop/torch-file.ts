// PyTorch files of any structure, as training scripts save them: dictionaries in dictionaries, objects beside the
// weights, whole models. Written instruction by instruction, so that the tests need no Python.

import { contiguousStride } from '../../src/formats/dtypes.ts';
import { PickleWriter } from '../../src/formats/pickle-writer.ts';
import { writeZip } from '../../src/formats/zip-writer.ts';
import type { NamedTensors, Tensor } from '../../src/util/tensor.ts';
import { elementCount } from '../../src/util/tensor.ts';

const BUILD = 0x62;
const NEWOBJ = 0x81;

export class TorchFile {
  readonly pickle = new PickleWriter();
  readonly #storages: [string, Uint8Array][] = [];

  /** A dictionary; each entry writes its own value. */
  dict(entries: Readonly<Record<string, () => unknown>>): this {
    this.pickle.emptyDict().mark();
    for (const [key, write] of Object.entries(entries)) {
      this.pickle.string(key);
      write();
    }
    this.pickle.setItems();
    return this;
  }

  stateDict(tensors: NamedTensors, prefix = ''): this {
    return this.dict(
      Object.fromEntries(
        [...tensors].map(([name, tensor]) => [prefix + name, () => this.tensor(tensor)]),
      ),
    );
  }

  tensor({ shape, data }: Tensor): this {
    const key = String(this.#storages.length);
    const { pickle } = this;
    pickle.global('torch._utils', '_rebuild_tensor_v2').mark();
    pickle.mark().string('storage').global('torch', 'FloatStorage').string(key);
    pickle.string('cpu').number(elementCount(shape)).tuple().persistentId();
    pickle.number(0).numbers(shape).numbers(contiguousStride(shape)).boolean(false);
    pickle.global('collections', 'OrderedDict').emptyTuple().reduce().tuple().reduce();
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#storages.push([`x/data/${key}`, bytes]);
    return this;
  }

  /** An object of a class, with attributes. */
  object(module: string, name: string, attributes: Readonly<Record<string, () => unknown>>): this {
    this.pickle.global(module, name).emptyTuple().raw(NEWOBJ);
    this.dict(attributes);
    this.pickle.raw(BUILD);
    return this;
  }

  /** What a function would give for some arguments. */
  call(module: string, name: string, write: (pickle: PickleWriter) => unknown): this {
    this.pickle.global(module, name).mark();
    write(this.pickle);
    this.pickle.tuple().reduce();
    return this;
  }

  /** A number of numpy, as numpy 1 or 2 pickles it. */
  numpyScalar(value: number, core = 'numpy.core'): this {
    const bytes = new Uint8Array(Float64Array.of(value).buffer);
    return this.call(`${core}.multiarray`, 'scalar', (pickle) => {
      pickle.global('numpy', 'dtype').mark().string('f8').boolean(false).boolean(true);
      pickle.tuple().reduce().mark().number(3).string('<').raw(0x4e, 0x4e, 0x4e);
      pickle.number(-1).number(-1).number(0).tuple().raw(BUILD);
      pickle
        .global('_codecs', 'encode')
        .mark()
        .string(String.fromCharCode(...bytes));
      pickle.string('latin1').tuple().reduce();
    });
  }

  /** A module with the parameters, buffers and modules of `tensors`, as `torch.save(model)` pickles it. */
  module(tensors: NamedTensors, className = 'Net'): this {
    const own = [...tensors].filter(([name]) => !name.includes('.'));
    const isBuffer = (name: string) => name.startsWith('running_');
    const inner = new Map<string, NamedTensors>();
    for (const [name, tensor] of tensors) {
      const [first, ...rest] = name.split('.');
      if (rest.length === 0) continue;
      const part = inner.get(first!) ?? new Map();
      inner.set(first!, part.set(rest.join('.'), tensor));
    }
    const some = (wanted: boolean) =>
      Object.fromEntries(
        own
          .filter(([name]) => isBuffer(name) === wanted)
          .map(([name, tensor]) => [name, () => this.tensor(tensor)]),
      );
    return this.object('models.resnet', className, {
      training: () => this.pickle.boolean(false),
      _parameters: () => this.dict(some(false)),
      _buffers: () => this.dict(some(true)),
      _modules: () =>
        this.dict(
          Object.fromEntries([...inner].map(([name, part]) => [name, () => this.module(part)])),
        ),
    });
  }

  bytes(): Uint8Array {
    return writeZip(
      new Map([
        ['x/data.pkl', this.pickle.finish()],
        ['x/byteorder', new TextEncoder().encode('little')],
        ...this.#storages,
      ]),
    );
  }
}
