// Functions and modules. A module imports one memory (`env.memory`) and exports every function by its
// name. Structured control flow is limited to what kernels use: counted loops, if/else and calls.

import { ByteWriter } from './bytes.ts';
import { i32 } from './instructions.ts';
import {
  type Code,
  emitCode,
  type I32,
  type Local,
  type Statement,
  statement,
  TYPE_CODES,
  type Value,
  type ValueType,
  value,
} from './value.ts';

const EMPTY_BLOCK = 0x40;

/** One function under construction. */
export class FunctionBuilder {
  readonly name: string;
  readonly index: number;
  readonly parameterTypes: ValueType[] = [];
  readonly localTypes: ValueType[] = [];
  resultType: ValueType | null = null;
  private readonly code: Code[] = [];

  constructor(name: string, index: number) {
    this.name = name;
    this.index = index;
  }

  /** Declares the next parameter. All parameters come before the first local. */
  parameter<T extends ValueType>(type: T): Local<T> {
    if (this.localTypes.length > 0) throw new Error(`${this.name}: parameter after a local`);
    this.parameterTypes.push(type);
    return variable(type, this.parameterTypes.length - 1);
  }

  /** Declares `count` i32 parameters at once. */
  addresses<N extends number>(count: N): FixedArray<Local<'i32'>, N> {
    return fixedArray(count, () => this.parameter('i32'));
  }

  local<T extends ValueType>(type: T): Local<T> {
    this.localTypes.push(type);
    return variable(type, this.parameterTypes.length + this.localTypes.length - 1);
  }

  locals<T extends ValueType, N extends number>(type: T, count: N): FixedArray<Local<T>, N> {
    return fixedArray(count, () => this.local(type));
  }

  /** Appends code to the body. */
  body(...code: Code[]): void {
    this.code.push(...code);
  }

  /** Ends the body with the function's result. */
  result(x: Value<ValueType>): void {
    this.resultType = x.type;
    this.code.push(statement((out) => x.emit(out)));
  }

  emit(out: ByteWriter): void {
    const body = new ByteWriter(4096);
    const runs: { type: ValueType; count: number }[] = [];
    for (const type of this.localTypes) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    body.unsigned(runs.length);
    for (const { type, count } of runs) {
      body.unsigned(count);
      body.byte(TYPE_CODES[type]);
    }
    emitCode(body, this.code);
    body.byte(0x0b);
    const bytes = body.finish();
    out.unsigned(bytes.length);
    out.append(bytes);
  }
}

/** A tuple of N elements for small literal N, so that destructuring is checked; else an array. */
export type FixedArray<T, N extends number, R extends T[] = []> = number extends N
  ? T[]
  : R['length'] extends N
    ? R
    : FixedArray<T, N, [...R, T]>;

/** An array of `count` elements, made one after another. */
export function fixedArray<T, N extends number>(count: N, make: () => T): FixedArray<T, N> {
  return Array.from({ length: count }, make) as FixedArray<T, N>;
}

function variable<T extends ValueType>(type: T, index: number): Local<T> {
  return {
    type,
    index,
    emit: (out) => {
      out.byte(0x20);
      out.unsigned(index);
    },
  };
}

export function set<T extends ValueType>(target: Local<T>, x: Value<NoInfer<T>>): Statement {
  return statement((out) => {
    x.emit(out);
    out.byte(0x21);
    out.unsigned(target.index);
  });
}

/** Sets an i32 local, also from a plain number. */
export function assign(target: Local<'i32'>, x: I32): Statement {
  return set(target, typeof x === 'number' ? i32.const(x) : x);
}

/** target += by. */
export function increment(target: Local<'i32'>, by: I32): Statement {
  return set(target, i32.add(target, by));
}

/**
 * for (counter = from; counter < to; counter += step), signed, of which the caller knows that it runs
 * at least once: the condition is tested at the end, the cheapest form.
 */
export function loop(counter: Local<'i32'>, from: I32, to: I32, step: number, body: Code): Code {
  return [
    assign(counter, from),
    statement((out) => {
      out.append([0x03, EMPTY_BLOCK]);
      emitCode(out, body);
      i32.ltS(tee(counter, i32.add(counter, step)), to).emit(out);
      out.append([0x0d, 0x00, 0x0b]);
    }),
  ];
}

/** The same for a count that may be zero: tested before the first round. */
export function loopMaybe(
  counter: Local<'i32'>,
  from: I32,
  to: I32,
  step: number,
  body: Code,
): Code {
  return [
    assign(counter, from),
    when(i32.ltS(counter, to), loop(counter, counter, to, step, body)),
  ];
}

/** if (condition) then else otherwise. */
export function when(condition: Value<'i32'>, then: Code, otherwise: Code = null): Statement {
  return statement((out) => {
    condition.emit(out);
    out.append([0x04, EMPTY_BLOCK]);
    emitCode(out, then);
    if (otherwise !== null) {
      out.byte(0x05);
      emitCode(out, otherwise);
    }
    out.byte(0x0b);
  });
}

/** Calls a function of the same module that has no result. */
export function call(callee: FunctionBuilder, ...parameters: Value<ValueType>[]): Statement {
  const given = parameters.map((p) => p.type).join();
  if (given !== callee.parameterTypes.join() || callee.resultType !== null) {
    throw new Error(`call of ${callee.name} with (${given})`);
  }
  return statement((out) => {
    for (const parameter of parameters) parameter.emit(out);
    out.byte(0x10);
    out.unsigned(callee.index);
  });
}

function tee<T extends ValueType>(target: Local<T>, x: Value<NoInfer<T>>): Value<T> {
  return value(target.type, (out) => {
    x.emit(out);
    out.byte(0x22);
    out.unsigned(target.index);
  });
}

export interface MemoryImport {
  readonly initialPages: number;
  /** Required for shared memory; at most 65,536 pages of 64 KiB. */
  readonly maximumPages?: number;
  readonly shared: boolean;
}

/** A module: functions over one imported memory. */
export class ModuleBuilder {
  private readonly functions: FunctionBuilder[] = [];
  private readonly memory: MemoryImport;

  constructor(memory: MemoryImport) {
    if (memory.shared && memory.maximumPages === undefined) {
      throw new Error('shared memory needs a maximum size');
    }
    this.memory = memory;
  }

  function(name: string): FunctionBuilder {
    const builder = new FunctionBuilder(name, this.functions.length);
    this.functions.push(builder);
    return builder;
  }

  /** The module in WebAssembly's binary format. */
  bytes(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter(65536);
    out.append([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    const section = (id: number, write: (content: ByteWriter) => void) => {
      const content = new ByteWriter();
      write(content);
      out.byte(id);
      out.unsigned(content.length);
      out.append(content.finish());
    };
    section(1, (types) => {
      types.unsigned(this.functions.length);
      for (const { parameterTypes, resultType } of this.functions) {
        types.byte(0x60);
        types.unsigned(parameterTypes.length);
        for (const type of parameterTypes) types.byte(TYPE_CODES[type]);
        types.unsigned(resultType === null ? 0 : 1);
        if (resultType !== null) types.byte(TYPE_CODES[resultType]);
      }
    });
    section(2, (imports) => {
      const { shared, initialPages, maximumPages } = this.memory;
      imports.unsigned(1);
      imports.name('env');
      imports.name('memory');
      imports.byte(0x02);
      imports.byte(shared ? 0x03 : maximumPages === undefined ? 0x00 : 0x01);
      imports.unsigned(initialPages);
      if (maximumPages !== undefined) imports.unsigned(maximumPages);
    });
    section(3, (declarations) => {
      declarations.unsigned(this.functions.length);
      for (const { index } of this.functions) declarations.unsigned(index);
    });
    section(7, (exports) => {
      exports.unsigned(this.functions.length);
      for (const { name, index } of this.functions) {
        exports.name(name);
        exports.byte(0x00);
        exports.unsigned(index);
      }
    });
    section(10, (code) => {
      code.unsigned(this.functions.length);
      for (const builder of this.functions) builder.emit(code);
    });
    return out.finish();
  }
}
