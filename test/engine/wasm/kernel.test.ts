// Declared kernels: what a shape, a name and a call are.

import { describe, expect, expectTypeOf, test } from 'vitest';
import { f32 } from '../../../src/engine/wasm/assembler/instructions.ts';
import { defineKernel, generateModule } from '../../../src/engine/wasm/kernels/kernel.ts';
import { Bench, SEPARATE } from './harness.ts';

interface Shape {
  readonly step: number;
  readonly channels: number;
}

/** Stores value + step. */
const storeSum = defineKernel({
  name: 'storeSum',
  parameters: ['target'],
  floats: ['value'],
  generate: (_, declare, { step }: Shape) => {
    const { fn, target, value } = declare();
    fn.body(f32.store(target, 0, f32.add(value, step)));
  },
});

describe('a declared kernel', () => {
  test('is called with its addresses, then its floats', () => {
    const spec = storeSum({ step: 2, channels: 8 });
    const bench = new Bench([spec], SEPARATE, 1);
    const target = bench.reserve(4);
    bench.kernel(spec)(target, 0.5);
    expect(bench.floats(target, 1)[0]).toBe(2.5);
    expectTypeOf(bench.kernel(spec)).toEqualTypeOf<(target: number, value: number) => void>();
  });

  test('takes the shape that its generator asks for, and no other', () => {
    expectTypeOf(storeSum).parameters.toEqualTypeOf<[shape: Shape]>();
  });

  test('is one function for two equal shapes, whatever the order of their fields', () => {
    const one = storeSum({ step: 2, channels: 8 });
    const other = storeSum({ channels: 8, step: 2 });
    expect(other.name).toBe(one.name);
    const options = { ...SEPARATE, memory: { initialPages: 1, shared: false } };
    expect(generateModule([one, other], options)).toEqual(generateModule([one], options));
  });

  test('is another function for another shape', () => {
    const [two, three] = [storeSum({ step: 2, channels: 8 }), storeSum({ step: 3, channels: 8 })];
    const bench = new Bench([two, three], SEPARATE, 1);
    const target = bench.reserve(8);
    bench.kernel(two)(target, 0);
    bench.kernel(three)(target + 4, 0);
    expect([...bench.floats(target, 2)]).toEqual([2, 3]);
  });

  test('is missing from a module that was generated without it', () => {
    const bench = new Bench([storeSum({ step: 2, channels: 8 })], SEPARATE, 1);
    expect(() => bench.kernel(storeSum({ step: 3, channels: 8 }))).toThrow(
      'no kernel storeSum channels=8 step=3 in the module',
    );
  });
});
