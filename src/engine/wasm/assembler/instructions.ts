// WebAssembly's instructions under their own names (`i32.add`, `f32x4.mul`, `v128.load`), as functions
// from typed expressions to typed expressions. Only what the kernels need is here. Opcodes are those of
// the core specification, the fixed-width SIMD and the relaxed SIMD sections.

import type { ByteWriter } from './bytes.ts';
import {
  type F32,
  type I32,
  type Statement,
  statement,
  type V128,
  type Value,
  type ValueType,
  value,
} from './value.ts';

const int32 = (x: I32): Value<'i32'> => (typeof x === 'number' ? i32.const(x) : x);
const float32 = (x: F32): Value<'f32'> => (typeof x === 'number' ? f32.const(x) : x);

/** Prefix 0xfd introduces SIMD opcodes, which are LEB128 numbers of their own. */
function simd(out: ByteWriter, opcode: number): void {
  out.byte(0xfd);
  out.unsigned(opcode);
}

/** The opcode of an instruction: one byte, but where its operands or its results are vectors. */
function instruction(out: ByteWriter, opcode: number, isVector: boolean): void {
  if (isVector) simd(out, opcode);
  else out.byte(opcode);
}

/** An operation over operands that are already values: they first, then the opcode. */
function operation<T extends ValueType>(
  type: T,
  operands: readonly Value<ValueType>[],
  opcode: number,
): Value<T> {
  return value(type, (out) => {
    for (const operand of operands) operand.emit(out);
    instruction(out, opcode, type === 'v128');
  });
}

/** Alignment hint (log2 of bytes), then the constant offset. */
function memoryOperand(out: ByteWriter, alignment: number, offset: number): void {
  if (!Number.isInteger(offset) || offset < 0) throw new RangeError(`bad memory offset ${offset}`);
  out.unsigned(alignment);
  out.unsigned(offset);
}

function load<T extends ValueType>(type: T, opcode: number, alignment = 2) {
  return (address: I32, offset = 0): Value<T> =>
    value(type, (out) => {
      int32(address).emit(out);
      instruction(out, opcode, type === 'v128');
      memoryOperand(out, alignment, offset);
    });
}

function store<T extends I32 | F32 | V128>(opcode: number, asValue: (x: T) => Value<ValueType>) {
  return (address: I32, offset: number, x: T): Statement =>
    statement((out) => {
      const stored = asValue(x);
      int32(address).emit(out);
      stored.emit(out);
      instruction(out, opcode, stored.type === 'v128');
      memoryOperand(out, 2, offset);
    });
}

const i32Binary = (opcode: number) => (a: I32, b: I32) =>
  operation('i32', [int32(a), int32(b)], opcode);
const f32Binary = (opcode: number) => (a: F32, b: F32) =>
  operation('f32', [float32(a), float32(b)], opcode);
const vectorBinary = (opcode: number) => (a: V128, b: V128) => operation('v128', [a, b], opcode);
const vectorTernary = (opcode: number) => (a: V128, b: V128, c: V128) =>
  operation('v128', [a, b, c], opcode);

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
  shl: i32Binary(0x74),
  ltS: i32Binary(0x48),
  ltU: i32Binary(0x49),
  load8u: load('i32', 0x2d, 0),
  store: store(0x36, int32),
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
  convertI32U: (x: I32) => operation('f32', [int32(x)], 0xb3),
  load: load('f32', 0x2a),
  store: store(0x38, float32),
};

export const v128 = {
  /** Four floats, the same in each lane or different. */
  const: (lanes: number | readonly [number, number, number, number]): V128 =>
    value('v128', (out) => {
      simd(out, 0x0c);
      const each = typeof lanes === 'number' ? [lanes, lanes, lanes, lanes] : lanes;
      for (const lane of each) out.float32(lane);
    }),
  load: load('v128', 0x00),
  /** One 32-bit value from memory into all four lanes. */
  load32Splat: load('v128', 0x09),
  store: store(0x0b, (x: V128) => x),
  and: vectorBinary(0x4e),
};

export const f32x4 = {
  splat: (x: F32): V128 => operation('v128', [float32(x)], 0x13),
  extractLane: (x: V128, lane: 0 | 1 | 2 | 3): Value<'f32'> =>
    value('f32', (out) => {
      x.emit(out);
      simd(out, 0x1f);
      out.byte(lane);
    }),
  add: vectorBinary(0xe4),
  sub: vectorBinary(0xe5),
  mul: vectorBinary(0xe6),
  /** a < b ? b : a, one instruction on x86: NaN in b yields a. */
  pmax: vectorBinary(0xeb),
  gt: vectorBinary(0x44),
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
