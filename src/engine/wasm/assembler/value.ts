// What WebAssembly code is made of here: typed expressions (`Value<'f32'>`), locals (a value that can
// be set) and statements. The value type is part of the TypeScript type, so adding an i32 to a v128
// does not compile. An expression is a small function that appends its own bytes; one that is used
// twice is emitted (and computed) twice.

import type { ByteWriter } from './bytes.ts';

export type ValueType = 'i32' | 'f32' | 'v128';

export const TYPE_CODES: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  f32: 0x7d,
  v128: 0x7b,
};

/** An expression that leaves one value of type T on the stack. */
export interface Value<T extends ValueType> {
  readonly type: T;
  readonly emit: (out: ByteWriter) => void;
}

/** A parameter or local variable. */
export interface Local<T extends ValueType> extends Value<T> {
  readonly index: number;
}

/** Code that leaves nothing on the stack. */
export interface Statement {
  readonly type: 'statement';
  readonly emit: (out: ByteWriter) => void;
}

/** Statements in order, nested as is convenient; `null` stands for nothing. */
export type Code = Statement | null | readonly Code[];

/** i32 operands may be written as plain numbers. */
export type I32 = Value<'i32'> | number;
export type F32 = Value<'f32'> | number;
export type V128 = Value<'v128'>;

export function emitCode(out: ByteWriter, code: Code): void {
  if (code === null) return;
  if ('emit' in code) code.emit(out);
  else for (const part of code) emitCode(out, part);
}

export function statement(emit: (out: ByteWriter) => void): Statement {
  return { type: 'statement', emit };
}

export function value<T extends ValueType>(type: T, emit: (out: ByteWriter) => void): Value<T> {
  return { type, emit };
}
