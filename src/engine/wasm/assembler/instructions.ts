// WebAssembly's instructions under their own names (`i32.add`, `f32x4.mul`, `v128.load`), as functions
// from typed expressions to typed expressions. Only what the kernels need is here. Opcodes are those of
// the core specification, the fixed-width SIMD and the relaxed SIMD sections.

import type { ByteWriter } from './bytes.ts';
import {
  type F32,
  type F64,
  type I32,
  type I64,
  type Statement,
  statement,
  type V128,
  type Value,
  type ValueType,
  value,
} from './value.ts';

const int32 = (x: I32): Value<'i32'> => (typeof x === 'number' ? i32.const(x) : x);
const int64 = (x: I64): Value<'i64'> => (typeof x === 'bigint' ? i64.const(x) : x);
const float32 = (x: F32): Value<'f32'> => (typeof x === 'number' ? f32.const(x) : x);
const float64 = (x: F64): Value<'f64'> => (typeof x === 'number' ? f64.const(x) : x);

/** Prefix 0xfd introduces SIMD opcodes, which are LEB128 numbers of their own. */
function simd(out: ByteWriter, opcode: number): void {
  out.byte(0xfd);
  out.unsigned(opcode);
}

/** An operation over operands that are already values: they first, then the opcode. */
function operation<T extends ValueType>(
  type: T,
  operands: readonly Value<ValueType>[],
  opcode: number,
): Value<T> {
  return value(type, (out) => {
    for (const operand of operands) operand.emit(out);
    out.byte(opcode);
  });
}

function vector<T extends ValueType>(
  type: T,
  operands: readonly Value<ValueType>[],
  opcode: number,
): Value<T> {
  return value(type, (out) => {
    for (const operand of operands) operand.emit(out);
    simd(out, opcode);
  });
}

/** Alignment hint (log2 of bytes), then the constant offset. */
function memoryOperand(out: ByteWriter, alignment: number, offset: number): void {
  if (!Number.isInteger(offset) || offset < 0) throw new RangeError(`bad memory offset ${offset}`);
  out.unsigned(alignment);
  out.unsigned(offset);
}

function load<T extends ValueType>(type: T, opcode: number, alignment: number) {
  return (address: I32, offset = 0): Value<T> =>
    value(type, (out) => {
      int32(address).emit(out);
      out.byte(opcode);
      memoryOperand(out, alignment, offset);
    });
}

function vectorLoad(opcode: number) {
  return (address: I32, offset = 0): V128 =>
    value('v128', (out) => {
      int32(address).emit(out);
      simd(out, opcode);
      memoryOperand(out, 2, offset);
    });
}

function store(
  address: I32,
  offset: number,
  stored: Value<ValueType>,
  opcode: number,
  alignment: number,
): Statement {
  return statement((out) => {
    int32(address).emit(out);
    stored.emit(out);
    out.byte(opcode);
    memoryOperand(out, alignment, offset);
  });
}

const i32Binary = (opcode: number) => (a: I32, b: I32) =>
  operation('i32', [int32(a), int32(b)], opcode);
const i64Binary = (opcode: number) => (a: I64, b: I64) =>
  operation('i64', [int64(a), int64(b)], opcode);
const f32Binary = (opcode: number) => (a: F32, b: F32) =>
  operation('f32', [float32(a), float32(b)], opcode);
const f64Binary = (opcode: number) => (a: F64, b: F64) =>
  operation('f64', [float64(a), float64(b)], opcode);
const vectorBinary = (opcode: number) => (a: V128, b: V128) => vector('v128', [a, b], opcode);
const vectorTernary = (opcode: number) => (a: V128, b: V128, c: V128) =>
  vector('v128', [a, b, c], opcode);

export const i32 = {
  const: (n: number): Value<'i32'> =>
    value('i32', (out) => {
      if (!Number.isInteger(n)) throw new RangeError(`i32 constant ${n} is not an integer`);
      out.byte(0x41);
      out.signed(n | 0);
    }),
  add: i32Binary(0x6a),
  sub: i32Binary(0x6b),
  mul: i32Binary(0x6c),
  and: i32Binary(0x71),
  or: i32Binary(0x72),
  shl: i32Binary(0x74),
  shrU: i32Binary(0x76),
  eq: i32Binary(0x46),
  ltS: i32Binary(0x48),
  ltU: i32Binary(0x49),
  load: load('i32', 0x28, 2),
  load8u: load('i32', 0x2d, 0),
  store: (address: I32, offset: number, x: I32) => store(address, offset, int32(x), 0x36, 2),
  wrapI64: (x: I64) => operation('i32', [int64(x)], 0xa7),
};

export const i64 = {
  const: (n: bigint): Value<'i64'> =>
    value('i64', (out) => {
      out.byte(0x42);
      out.signed64(n);
    }),
  add: i64Binary(0x7c),
  mul: i64Binary(0x7e),
  load: load('i64', 0x29, 3),
  store: (address: I32, offset: number, x: I64) => store(address, offset, int64(x), 0x37, 3),
};

export const f32 = {
  const: (x: number): Value<'f32'> =>
    value('f32', (out) => {
      out.byte(0x43);
      out.float32(x);
    }),
  add: f32Binary(0x92),
  sub: f32Binary(0x93),
  mul: f32Binary(0x94),
  div: f32Binary(0x95),
  convertI32U: (x: I32) => operation('f32', [int32(x)], 0xb3),
  load: load('f32', 0x2a, 2),
  store: (address: I32, offset: number, x: F32) => store(address, offset, float32(x), 0x38, 2),
};

export const f64 = {
  const: (x: number): Value<'f64'> =>
    value('f64', (out) => {
      out.byte(0x44);
      out.float64(x);
    }),
  add: f64Binary(0xa0),
  mul: f64Binary(0xa2),
  promoteF32: (x: F32) => operation('f64', [float32(x)], 0xbb),
  load: load('f64', 0x2b, 3),
  store: (address: I32, offset: number, x: F64) => store(address, offset, float64(x), 0x39, 3),
};

export const v128 = {
  /** Four floats, the same in each lane or different. */
  const: (lanes: number | readonly [number, number, number, number]): V128 =>
    value('v128', (out) => {
      simd(out, 0x0c);
      const each = typeof lanes === 'number' ? [lanes, lanes, lanes, lanes] : lanes;
      for (const lane of each) out.float32(lane);
    }),
  load: vectorLoad(0x00),
  /** One 32-bit value from memory into all four lanes. */
  load32Splat: vectorLoad(0x09),
  store: (address: I32, offset: number, x: V128): Statement =>
    statement((out) => {
      int32(address).emit(out);
      x.emit(out);
      simd(out, 0x0b);
      memoryOperand(out, 2, offset);
    }),
  and: vectorBinary(0x4e),
  andnot: vectorBinary(0x4f),
  or: vectorBinary(0x50),
  /** Bits of a where mask is 1, of b elsewhere. */
  bitselect: vectorTernary(0x52),
};

export const f32x4 = {
  splat: (x: F32): V128 => vector('v128', [float32(x)], 0x13),
  extractLane: (x: V128, lane: 0 | 1 | 2 | 3): Value<'f32'> =>
    value('f32', (out) => {
      x.emit(out);
      simd(out, 0x1f);
      out.byte(lane);
    }),
  add: vectorBinary(0xe4),
  sub: vectorBinary(0xe5),
  mul: vectorBinary(0xe6),
  div: vectorBinary(0xe7),
  min: vectorBinary(0xe8),
  max: vectorBinary(0xe9),
  /** b < a ? b : a, one instruction on x86. */
  pmin: vectorBinary(0xea),
  /** a < b ? b : a, one instruction on x86: NaN in b yields a. */
  pmax: vectorBinary(0xeb),
  gt: vectorBinary(0x44),
  ge: vectorBinary(0x46),
  /** a*b + c, rounded once or twice as the machine likes. */
  relaxedMadd: vectorTernary(0x105),
  /** c - a*b, likewise. */
  relaxedNmadd: vectorTernary(0x106),
};

export const memory = {
  copy: (destination: I32, source: I32, bytes: I32): Statement =>
    statement((out) => {
      for (const x of [destination, source, bytes]) int32(x).emit(out);
      out.append([0xfc, 0x0a, 0x00, 0x00]);
    }),
  fill: (destination: I32, byte: I32, bytes: I32): Statement =>
    statement((out) => {
      for (const x of [destination, byte, bytes]) int32(x).emit(out);
      out.append([0xfc, 0x0b, 0x00]);
    }),
};
