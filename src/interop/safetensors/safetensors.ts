// The safetensors format: eight bytes of header length, a JSON header that names every tensor with its
// type, shape and place, then the tensors' bytes. It is this project's own format for weights and
// training state because reading it can run nothing, every size can be checked against the file
// before anything is allocated, and PyTorch, JAX and others read it too.
//
// The reader is as strict as the Rust reference implementation: tensors cover the data exactly, with
// no hole and no overlap, so a file cannot carry bytes that nobody looks at.

import { DecodeBudget } from '../../formats/budget.ts';
import {
  type DType,
  decodeFloat32,
  ELEMENT_BYTES,
  type RawTensor,
  rawTensor,
  tensorBytes,
} from '../../formats/dtypes.ts';
import { shortened } from '../../util/foreign-text.ts';
import type { NamedTensors } from '../../util/tensor.ts';
import { damaged, type Header, METADATA_KEY, parseHeader } from './header.ts';

export interface SafetensorsFile {
  /** Tensors in the order of their bytes in the file; their bytes are views of it. */
  readonly tensors: Map<string, RawTensor>;
  readonly metadata: Record<string, string>;
}

const PREFIX_BYTES = 8;
/** The reference implementation's limit. */
const MAX_HEADER_BYTES = 100_000_000;

function isDType(name: string): name is DType {
  return Object.hasOwn(ELEMENT_BYTES, name);
}

/** True if the file begins like safetensors: a header length and an opening brace. */
export function looksLikeSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length <= PREFIX_BYTES || bytes[PREFIX_BYTES] !== 0x7b) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return view.getBigUint64(0, true) <= BigInt(MAX_HEADER_BYTES);
}

function readHeader(bytes: Uint8Array): Header & { readonly dataStart: number } {
  if (bytes.length < PREFIX_BYTES) throw damaged(`it has only ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) throw damaged(`its header would take ${length} bytes`);
  const dataStart = PREFIX_BYTES + Number(length);
  if (dataStart > bytes.length) {
    throw damaged(`its header takes ${length} bytes but the file ends after ${bytes.length}`);
  }
  if (bytes[PREFIX_BYTES] !== 0x7b) throw damaged('its header is not a JSON object');
  const text = decodeText(bytes.subarray(PREFIX_BYTES, dataStart));
  return { ...parseHeader(text, new DecodeBudget(bytes.length, damaged)), dataStart };
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw damaged('its header is not UTF-8');
  }
}

/**
 * Reads a safetensors file.
 * @returns raw tensors (views of `bytes`) and the free-form metadata
 * @throws UserError if the header is damaged or names something twice, a size disagrees with a shape or
 * with the file, tensors overlap or leave a hole, or a type is unknown
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  const { tensors: listed, metadata, dataStart } = readHeader(bytes);
  const data = bytes.subarray(dataStart);
  const entries = [...listed].map(([name, entry]) => ({ name, ...entry }));
  entries.sort(
    (a, b) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  );

  const tensors = new Map<string, RawTensor>();
  let covered = 0;
  for (const { name, dtype, shape, data_offsets } of entries) {
    const [begin, end] = data_offsets;
    const tensor = `tensor '${shortened(name)}'`;
    if (!isDType(dtype)) throw damaged(`${tensor} has the unknown type '${shortened(dtype)}'`);
    if (end > data.length) {
      throw damaged(
        `${tensor} ends at byte ${end} of ${data.length}; the file may be truncated: copy or download it again`,
      );
    }
    if (begin !== covered) throw damaged(`${tensor} overlaps another or leaves a gap before it`);
    if (tensorBytes(dtype, shape) !== end - begin) {
      throw damaged(
        `${tensor} of shape [${shape.join(', ')}] and type ${dtype} has ${end - begin} bytes`,
      );
    }
    tensors.set(name, { dtype, shape, bytes: data.subarray(begin, end) });
    covered = end;
  }
  if (covered !== data.length) {
    throw damaged(`its tensors take ${covered} bytes but ${data.length} follow the header`);
  }
  return { tensors, metadata };
}

/**
 * Writes a safetensors file. The same tensors and metadata always give the same bytes: metadata is
 * sorted by key; tensors keep their order except that wider element types come first, so that each
 * is aligned to its own size (as the format asks).
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, RawTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const ordered = [...tensors].sort(
    ([, a], [, b]) => ELEMENT_BYTES[b.dtype] - ELEMENT_BYTES[a.dtype],
  );
  const header: [string, unknown][] = [];
  const sorted = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (sorted.length > 0) header.push([METADATA_KEY, Object.fromEntries(sorted)]);
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of ordered) {
    if (name === METADATA_KEY) throw new Error(`a tensor cannot be named ${METADATA_KEY}`);
    if (tensorBytes(dtype, shape) !== bytes.length) {
      throw new Error(`tensor ${name}: ${bytes.length} bytes do not fill its shape`);
    }
    header.push([name, { dtype, shape, data_offsets: [offset, offset + bytes.length] }]);
    offset += bytes.length;
  }
  // Entries are joined by hand: an object would move names that look like numbers to the front.
  const json = `{${header.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`;
  const text = new TextEncoder().encode(json);
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(PREFIX_BYTES + headerBytes + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(text, PREFIX_BYTES);
  file.fill(0x20, PREFIX_BYTES + text.length, PREFIX_BYTES + headerBytes);
  let at = PREFIX_BYTES + headerBytes;
  for (const [, { bytes }] of ordered) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

/** The float32 values of raw tensors of any type. */
export function toNamedTensors(tensors: ReadonlyMap<string, RawTensor>): NamedTensors {
  const named: NamedTensors = new Map();
  for (const [name, { dtype, shape, bytes }] of tensors) {
    named.set(name, { shape, data: decodeFloat32(dtype, bytes, { shape }) });
  }
  return named;
}

/** Float32 tensors as raw ones, over the same memory. */
export function fromNamedTensors(tensors: NamedTensors): Map<string, RawTensor> {
  return new Map(
    [...tensors].map(([name, { shape, data }]) => [name, rawTensor('F32', shape, data)]),
  );
}
