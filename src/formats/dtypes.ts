// Element types of tensors in files, under the names safetensors gives them. Every reader of weights
// ends here: bytes of some type, in some byte order, become the float32 values that the
// engine uses. Training state (counters, random positions, float64 sums) stays in its own type, which
// is why raw tensors are kept beside the converted ones.

import { elementCount } from '../util/tensor.ts';

/** Bytes an element takes, by type. */
export const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

export type DType = keyof typeof ELEMENT_BYTES;

/** A tensor as it lies in a file: little-endian, row-major bytes of one element type. */
export interface RawTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** `tensorBytes(dtype, shape)` bytes; may be a view of the whole file. */
  readonly bytes: Uint8Array;
}

/** Bytes that a tensor takes. */
export function tensorBytes(dtype: DType, shape: readonly number[]): number {
  return elementCount(shape) * ELEMENT_BYTES[dtype];
}

/** A raw tensor over the memory of a typed array of elements of this type (no copy). */
export function rawTensor(
  dtype: DType,
  shape: readonly number[],
  { buffer, byteOffset, byteLength }: ArrayBufferView,
): RawTensor {
  if (byteLength !== tensorBytes(dtype, shape)) {
    throw new Error(`${byteLength} bytes for ${dtype} of shape [${shape.join(', ')}]`);
  }
  return { dtype, shape, bytes: new Uint8Array(buffer, byteOffset, byteLength) };
}

/** Reads the element at a byte position as a number. */
type ElementReader = (view: DataView, at: number, littleEndian: boolean) => number;

export const READERS: Readonly<Record<DType, ElementReader>> = {
  BOOL: (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
  U8: (view, at) => view.getUint8(at),
  I8: (view, at) => view.getInt8(at),
  U16: (view, at, little) => view.getUint16(at, little),
  I16: (view, at, little) => view.getInt16(at, little),
  F16: (view, at, little) => float16ToNumber(view.getUint16(at, little)),
  BF16: (view, at, little) => bfloat16ToNumber(view.getUint16(at, little)),
  U32: (view, at, little) => view.getUint32(at, little),
  I32: (view, at, little) => view.getInt32(at, little),
  F32: (view, at, little) => view.getFloat32(at, little),
  U64: (view, at, little) => Number(view.getBigUint64(at, little)),
  I64: (view, at, little) => Number(view.getBigInt64(at, little)),
  F64: (view, at, little) => view.getFloat64(at, little),
};

/** IEEE 754 binary16 from its bits: 1 sign, 5 exponent, 10 fraction. */
function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

/** bfloat16 from its bits: the upper half of a float32. */
function bfloat16ToNumber(bits: number): number {
  scratch.setUint16(0, bits);
  return scratch.getFloat32(0);
}

/** How elements lie in a block of bytes. */
export interface Layout {
  readonly shape: readonly number[];
  /** Elements from one index to the next, one a dimension; row-major if left out. */
  readonly stride?: readonly number[];
  /** Elements before the first. */
  readonly offset?: number;
  readonly littleEndian?: boolean;
}

/** Row-major strides of a shape. */
export function contiguousStride(shape: readonly number[]): number[] {
  const stride = new Array<number>(shape.length);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    stride[d] = step;
    step *= shape[d] as number;
  }
  return stride;
}

/**
 * Copies a tensor out of a block of bytes as row-major float32 values. The caller has checked that
 * the layout lies inside the block.
 */
export function decodeFloat32(dtype: DType, bytes: Uint8Array, layout: Layout): Float32Array {
  const { shape, offset = 0, littleEndian = true } = layout;
  const size = ELEMENT_BYTES[dtype];
  const count = elementCount(shape);
  const rowMajor = contiguousStride(shape);
  const stride = layout.stride ?? rowMajor;
  const isRowMajor = shape.every((extent, d) => extent === 1 || stride[d] === rowMajor[d]);
  if (isRowMajor && dtype === 'F32' && littleEndian) {
    // Memory of their own: Node's Buffer makes `slice` another view.
    return new Float32Array(
      new Uint8Array(bytes.subarray(offset * size, (offset + count) * size)).buffer,
    );
  }
  const values = new Float32Array(count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = READERS[dtype];
  // An odometer over the indices: `at` follows them through the block without multiplications.
  const index = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let i = 0; i < count; i++) {
    values[i] = read(view, at * size, littleEndian);
    for (let d = shape.length - 1; d >= 0; d--) {
      at += stride[d] as number;
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (shape[d] as number)) break;
      at -= (stride[d] as number) * (shape[d] as number);
      index[d] = 0;
    }
  }
  return values;
}
