// Weights from PyTorch: the zip files that torch.save has written since 1.6, and the older "legacy"
// files (a run of pickles followed by the storages), which the published CIFAR ResNets are. Both
// bring a pickle and storage records; what the pickle may do is in objects.ts.

import { COST, DecodeBudget } from '../../formats/budget.ts';
import { decodeFloat32, ELEMENT_BYTES } from '../../formats/dtypes.ts';
import { readPickle } from '../../formats/pickle.ts';
import { PickledObject } from '../../formats/pickle-object.ts';
import { looksLikeZip, ZipArchive } from '../../formats/zip.ts';
import { UserError } from '../../util/errors.ts';
import { notAllowed } from '../not-allowed.ts';
import type { StoredFile } from '../stored.ts';
import { damaged, pyTorchHandlers, StorageRef, type TensorRef } from './objects.ts';
import { walkObject } from './walk.ts';

export interface PyTorchFile extends StoredFile {
  readonly format: 'legacy' | 'zip';
}

/** A parsed file before any value is copied: the object, and where storage records lie. */
interface Archive {
  readonly root: unknown;
  readonly littleEndian: boolean;
  /** What this program has kept beside the state_dict. */
  readonly facts: Readonly<Record<string, string>>;
  /** The bytes of a storage record, a view of the file. */
  record(key: string): Uint8Array;
}

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;

/** True if the bytes begin like a pickle of protocol 2 or later, as legacy files do. */
export function looksLikePickle(bytes: Uint8Array): boolean {
  return bytes[0] === 0x80 && (bytes[1] as number) >= 2 && (bytes[1] as number) <= 5;
}

/**
 * Reads a `.th`, `.pth` or `.pt` file of weights: zip or legacy, a bare state_dict, one wrapped in a
 * checkpoint, or a model that was saved whole. Values of any type become float32; strided and shared
 * storages are copied out row-major. Nothing in the file is executed, and what is allocated is bounded by
 * its size (formats/budget.ts).
 * @throws UserError if the file is damaged or holds no tensors
 */
export function readPyTorch(bytes: Uint8Array): PyTorchFile {
  const isZip = looksLikeZip(bytes);
  // Several names may share one storage; what they come to is bounded with everything else.
  const budget = new DecodeBudget(bytes.length, damaged);
  const archive = isZip ? readZipArchive(bytes, budget) : readLegacyArchive(bytes, budget);
  const stored = walkObject(archive.root, budget, (ref) => tensorValues(ref, archive));
  if (stored.tensors.length === 0) throw noTensors(archive.root, stored);
  const metadata = { ...stored.metadata, ...archive.facts };
  return { ...stored, metadata, format: isZip ? 'zip' : 'legacy' };
}

function textsOf(map: Map<unknown, unknown>, budget: DecodeBudget): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, text] of map) {
    if (typeof name !== 'string' || typeof text !== 'string') continue;
    budget.spend(COST.entry + name.length + text.length);
    texts[name] = text;
  }
  return texts;
}

/** Why a file without tensors has none. */
function noTensors(root: unknown, { others }: StoredFile): UserError {
  if (root instanceof PickledObject) return notAllowed(root.global);
  if (!(root instanceof Map)) {
    return new UserError('the file holds no dictionary of weights: save model.state_dict()');
  }
  const [first] = others;
  if (first !== undefined) return notAllowed(first.global);
  const keys = [...root.keys()].filter((key) => typeof key === 'string');
  const shown = keys.slice(0, 8).map((key) => key.slice(0, 40));
  return new UserError(
    `the file holds no weights: its dictionary has ${shown.length > 0 ? `the entries ${shown.join(', ')}` : 'no named entries'}, none of them a state_dict`,
  );
}

function tensorValues(ref: TensorRef, archive: Archive): Float32Array {
  const { storage, offset, shape, stride } = ref;
  const record = archive.record(storage.key);
  const size = ELEMENT_BYTES[storage.dtype];
  if (storage.recordCount * size !== record.length) {
    throw damaged(
      `storage ${storage.key.slice(0, 40)} has ${record.length} bytes, not what its tensors need`,
    );
  }
  return decodeFloat32(storage.dtype, record, {
    shape,
    stride,
    offset: storage.first + offset,
    littleEndian: archive.littleEndian,
  });
}

/** The zip format: `<name>/data.pkl`, `<name>/data/<key>`, and since 2.0 `<name>/byteorder`. */
function readZipArchive(bytes: Uint8Array, budget: DecodeBudget): Archive {
  const zip = new ZipArchive(bytes);
  const names = zip.names();
  const pickleName = names.find((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickleName === undefined) {
    throw new UserError('the zip archive holds no PyTorch weights (there is no data.pkl in it)');
  }
  const folder = pickleName.slice(0, -'data.pkl'.length);
  if (zip.has(`${folder}constants.pkl`)) {
    throw new UserError(
      'the file is a TorchScript program, not weights; in Python: torch.save(torch.jit.load(FILE).state_dict(), "weights.pth")',
    );
  }
  const facts: Map<unknown, unknown>[] = [];
  const handlers = pyTorchHandlers(budget, (found) => facts.push(found));
  const { value } = readPickle(readStored(zip, pickleName), handlers, budget);
  const orderName = `${folder}byteorder`;
  const byteOrder = zip.has(orderName)
    ? new TextDecoder().decode(readStored(zip, orderName).subarray(0, 16)).trim()
    : 'little';
  if (byteOrder !== 'little' && byteOrder !== 'big') {
    throw damaged(`unknown byte order '${byteOrder}'`);
  }
  return {
    root: value,
    littleEndian: byteOrder === 'little',
    record: (key) => readStored(zip, `${folder}data/${key}`),
    // Those of several networks in one file would be of one of them.
    facts: facts.length === 1 ? textsOf(facts[0] as Map<unknown, unknown>, budget) : {},
  };
}

/** PyTorch maps its files into memory, so it never compresses them; ours need no room beside the file. */
function readStored(zip: ZipArchive, name: string): Uint8Array {
  if (zip.isStored(name)) return zip.read(name);
  throw new UserError(
    `the archive's entry '${name.slice(0, 80)}' is compressed, which PyTorch's own files never are; save the weights again with torch.save`,
  );
}

/**
 * The legacy format: pickles of a magic number, a version, a note on the writing machine, the object
 * and the list of storage keys; then for each key its number of elements and its elements. Elements
 * are little-endian whatever machine wrote them (torch/csrc/serialization.cpp); only the number of
 * elements came in the machine's order from early big-endian writers.
 */
function readLegacyArchive(bytes: Uint8Array, budget: DecodeBudget): Archive {
  const handlers = pyTorchHandlers(budget);
  let at = 0;
  const next = (): unknown => {
    const { value, bytesRead } = readPickle(bytes.subarray(at), handlers, budget);
    at += bytesRead;
    return value;
  };
  const magic = next();
  if (magic instanceof PickledObject) throw notAllowed(magic.global);
  if (magic !== MAGIC) throw damaged('it does not begin with the magic number of torch.save');
  if (next() !== PROTOCOL_VERSION) throw damaged('it has an unknown protocol version');
  next(); // sizes of C types and byte order of the writing machine
  const references = new Map<string, StorageRef>();
  const remember = (id: unknown): unknown => {
    const storage = handlers.persistentLoad?.(id);
    if (storage instanceof StorageRef) references.set(storage.key, storage);
    return storage;
  };
  const { value: root, bytesRead } = readPickle(
    bytes.subarray(at),
    { ...handlers, persistentLoad: remember },
    budget,
  );
  at += bytesRead;
  const keys = next();
  if (!Array.isArray(keys)) throw damaged('its list of storages is malformed');

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records = new Map<string, Uint8Array>();
  for (const key of keys) {
    const storage = typeof key === 'string' ? references.get(key) : undefined;
    if (storage === undefined) throw damaged('it lists a storage that no tensor uses');
    const length = storage.recordCount * ELEMENT_BYTES[storage.dtype];
    if (at + 8 + length > bytes.length) {
      throw damaged(
        `storage ${storage.key.slice(0, 40)} ends beyond the file of ${bytes.length} bytes; the file is truncated: copy or download it again`,
      );
    }
    const count = BigInt(storage.recordCount);
    if (view.getBigInt64(at, true) !== count && view.getBigInt64(at, false) !== count) {
      throw damaged(`storage ${storage.key.slice(0, 40)} has another size than its tensors say`);
    }
    records.set(storage.key, bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return {
    root,
    littleEndian: true,
    facts: {},
    record(key) {
      const record = records.get(key);
      if (record === undefined) throw damaged(`storage ${key.slice(0, 40)} is missing`);
      return record;
    },
  };
}
