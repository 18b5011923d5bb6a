// The assembler, by running what it assembles.

import { describe, expect, test } from 'vitest';
import {
  memory as bulk,
  f32,
  f32x4,
  i32,
  v128,
} from '../../../src/engine/wasm/assembler/instructions.ts';
import {
  call,
  type FunctionBuilder,
  increment,
  loop,
  loopMaybe,
  ModuleBuilder,
  set,
  when,
} from '../../../src/engine/wasm/assembler/module.ts';
import { wasm } from '../../../src/engine/wasm/webassembly.ts';

function assemble(define: (module: ModuleBuilder) => void) {
  const module = new ModuleBuilder({ initialPages: 1, shared: false });
  define(module);
  const memory = new wasm.Memory({ initial: 1 });
  const instance = new wasm.Instance(new wasm.Module(module.bytes()), { env: { memory } });
  const run = (name: string, ...parameters: number[]) =>
    (instance.exports[name] as (...values: number[]) => unknown)(...parameters);
  return { run, view: new DataView(memory.buffer as ArrayBuffer) };
}

/** A module of one function `f`. */
const single = (define: (fn: FunctionBuilder) => void) =>
  assemble((module) => define(module.function('f')));

describe('values', () => {
  test.each([0, 1, 63, 64, 127, 128, -1, -64, -65, 8191, 2 ** 31 - 1, -(2 ** 31)])(
    'i32 constant %i survives its encoding',
    (n) => {
      const { run } = single((fn) => fn.result(i32.const(n)));
      expect(run('f')).toBe(n);
    },
  );

  test('integer arithmetic and comparison', () => {
    const { run } = single((fn) => {
      const [a, b] = fn.addresses(2);
      const mixed = i32.sub(i32.mul(i32.add(a, 3), b), i32.shl(i32.and(b, 7), 1));
      fn.result(i32.add(mixed, i32.shl(i32.ltU(a, b), 30)));
    });
    expect(run('f', 5, 6)).toBe((5 + 3) * 6 - 12 + (1 << 30));
    expect(run('f', 7, 6)).toBe(10 * 6 - 12);
  });

  test('floats through memory', () => {
    const { run, view } = single((fn) => {
      const x = fn.parameter('f32');
      fn.body(f32.store(0, 16, f32.mul(f32.sub(f32.mul(x, x), 1), f32.load(0, 24))));
    });
    view.setFloat32(24, 1 / 3, true);
    run('f', 2.5);
    expect(view.getFloat32(16, true)).toBe(Math.fround(5.25 * Math.fround(1 / 3)));
  });

  test('bytes are unsigned', () => {
    const { run, view } = single((fn) => fn.result(f32.convertI32U(i32.load8u(0, 9))));
    view.setUint8(9, 200);
    expect(run('f')).toBe(200);
  });
});

describe('vectors', () => {
  const lanes = (define: (x: ReturnType<typeof v128.load>) => ReturnType<typeof v128.load>) => {
    const { run, view } = single((fn) => fn.body(v128.store(0, 64, define(v128.load(0, 16)))));
    return (...values: [number, number, number, number]) => {
      for (const [i, v] of values.entries()) view.setFloat32(16 + 4 * i, v, true);
      run('f');
      return values.map((_, i) => view.getFloat32(64 + 4 * i, true));
    };
  };

  test.each([
    ['add', f32x4.add, (a: number) => a + 2],
    ['sub', f32x4.sub, (a: number) => a - 2],
    ['mul', f32x4.mul, (a: number) => a * 2],
    ['pmax', f32x4.pmax, (a: number) => Math.max(a, 2)],
  ])('f32x4.%s', (_, operation, expected) => {
    const values = [1, -3, 2, 7.5] as const;
    const run = lanes((x) => operation(x, v128.const(2)));
    expect(run(...values)).toEqual(values.map(expected));
  });

  test('masks select', () => {
    const mask = (x: Parameters<typeof f32x4.gt>[0]) => f32x4.gt(x, v128.const(0));
    expect(lanes((x) => v128.and(x, mask(x)))(1, -1, 0, 5)).toEqual([1, 0, 0, 5]);
  });

  test('relaxed multiply-add and its negative', () => {
    const two = v128.const(2);
    expect(lanes((x) => f32x4.relaxedMadd(x, two, v128.const(1)))(1, 2, 3, 4)).toEqual([
      3, 5, 7, 9,
    ]);
    expect(lanes((x) => f32x4.relaxedNmadd(x, two, v128.const(1)))(1, 2, 3, 4)).toEqual([
      -1, -3, -5, -7,
    ]);
  });

  test('splat, lanes and constants', () => {
    const spread = lanes((x) => f32x4.splat(f32.add(f32x4.extractLane(x, 2), 1)));
    expect(spread(1, 2, 3, 4)).toEqual([4, 4, 4, 4]);
    expect(lanes(() => v128.load32Splat(0, 20))(1, 2, 3, 4)).toEqual([2, 2, 2, 2]);
    expect(lanes((x) => f32x4.add(x, v128.const([1, 2, 3, 4])))(0, 0, 0, 0)).toEqual([1, 2, 3, 4]);
  });
});

describe('control', () => {
  test('loops count, also not at all', () => {
    const { run } = assemble((module) => {
      for (const [name, form] of [
        ['once', loop],
        ['maybe', loopMaybe],
      ] as const) {
        const fn = module.function(name);
        const [from, to] = fn.addresses(2);
        const [i, sum] = fn.locals('i32', 2);
        fn.body(form(i!, from, to, 3, increment(sum!, i!)));
        fn.result(sum!);
      }
    });
    expect(run('once', 0, 10)).toBe(0 + 3 + 6 + 9);
    expect(run('once', 5, 5)).toBe(5);
    expect(run('maybe', 0, 10)).toBe(18);
    expect(run('maybe', 5, 5)).toBe(0);
  });

  test('if and else, calls between functions', () => {
    const { run, view } = assemble((module) => {
      const store = module.function('store');
      const [at, x] = store.addresses(2);
      store.body(i32.store(at, 0, x));
      const fn = module.function('f');
      const [n] = fn.addresses(1);
      fn.body(
        when(
          i32.ltS(n, 10),
          call(store, i32.const(8), i32.add(n, 100)),
          call(store, i32.const(8), i32.const(-1)),
        ),
      );
    });
    run('f', 3);
    expect(view.getInt32(8, true)).toBe(103);
    run('f', 30);
    expect(view.getInt32(8, true)).toBe(-1);
  });

  test('bulk memory', () => {
    const { run, view } = single((fn) => fn.body(bulk.fill(0, 7, 4), bulk.copy(100, 0, 4)));
    run('f');
    expect(view.getUint32(100, true)).toBe(0x07070707);
  });
});

describe('mistakes', () => {
  test('are compile-time errors where value types differ', () => {
    single((fn) => {
      const x = fn.parameter('f32');
      const y = fn.local('v128');
      // @ts-expect-error a float is not a vector
      expect(() => f32x4.add(x, y)).not.toThrow();
      // @ts-expect-error nor the other way round
      expect(() => set(x, y)).not.toThrow();
    });
  });

  test('wrong parameters of a call, a late parameter and a negative offset are refused', () => {
    const module = new ModuleBuilder({ initialPages: 1, shared: false });
    const callee = module.function('callee');
    callee.parameter('f32');
    expect(() => call(callee, i32.const(1))).toThrow('call of callee with (i32)');
    callee.local('i32');
    expect(() => callee.parameter('i32')).toThrow('parameter after a local');
    module.function('bad').body(i32.store(0, -4, 1));
    expect(() => module.bytes()).toThrow('bad memory offset -4');
    expect(() => new ModuleBuilder({ initialPages: 1, shared: true })).toThrow('maximum');
  });
});

test('shared memory is accepted', () => {
  const module = new ModuleBuilder({ initialPages: 1, maximumPages: 65536, shared: true });
  const fn = module.function('f');
  fn.body(i32.store(0, 4, 42));
  const memory = new wasm.Memory({ initial: 1, maximum: 65536, shared: true });
  const { exports } = new wasm.Instance(new wasm.Module(module.bytes()), { env: { memory } });
  (exports.f as () => void)();
  expect(new Int32Array(memory.buffer as ArrayBuffer)[1]).toBe(42);
});
