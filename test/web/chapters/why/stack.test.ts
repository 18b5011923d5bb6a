// The stacks of the chapter's diagram are really computed: their gradients are those of what they compute.

import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../../src/util/random.ts';
import {
  backward,
  forward,
  type StackSettings,
  traceStack,
} from '../../../../src/web/chapters/why/stack.ts';

const SETTINGS: StackSettings = {
  blocks: 3,
  gain: 0.9,
  normalized: false,
  shortcut: true,
  seed: 5,
};
const VALUES = 32 * 32;

function values(purpose: string): Float64Array {
  const random = randomStream(7, purpose);
  return Float64Array.from({ length: VALUES }, () => random.normal());
}

describe('the gradient of a stack', () => {
  for (const shortcut of [true, false]) {
    for (const normalized of [true, false]) {
      it(`is that of finite differences, ${shortcut ? 'with' : 'without'} shortcuts, ${normalized ? '' : 'not '}normalised`, () => {
        const settings = { ...SETTINGS, shortcut, normalized };
        const input = values('input');
        const top = values('top');
        const direction = values('direction');
        const total = (x: Float64Array) =>
          forward(settings, x)
            .at(-1)!
            .output.reduce((sum, value, i) => sum + value * top[i]!, 0);
        const moved = (step: number) => input.map((value, i) => value + step * direction[i]!);
        const step = 1e-7;
        const expected = (total(moved(step)) - total(moved(-step))) / (2 * step);
        const [gradient] = backward(settings, forward(settings, input), top);
        const slope = gradient!.reduce((sum, value, i) => sum + value * direction[i]!, 0);
        expect(Math.abs(slope / expected - 1)).toBeLessThan(1e-4);
      });
    }
  }
});

describe('what the diagram shows', () => {
  const deep = (settings: Partial<StackSettings>) =>
    traceStack({ ...SETTINGS, blocks: 27, ...settings });

  it('begins and ends at 1', () => {
    const { signal, gradient, residual } = deep({});
    expect(signal).toHaveLength(28);
    expect(residual).toHaveLength(27);
    expect(signal[0]).toBe(1);
    expect(gradient.at(-1)).toBe(1);
  });

  it('without shortcuts a gain below 1 leaves nothing of a signal, with them much of it', () => {
    expect(deep({ gain: 0.8, shortcut: false }).signal.at(-1)).toBeLessThan(1e-4);
    expect(deep({ gain: 0.8, shortcut: false }).gradient[0]).toBeLessThan(1e-4);
    expect(deep({ gain: 0.8 }).signal.at(-1)).toBeGreaterThan(1);
  });

  it('normalised, plain signals keep their size, but their gradients grow by about a quarter a layer', () => {
    const { signal, gradient } = deep({ gain: 1, normalized: true, shortcut: false });
    expect(signal.at(-1)).toBeCloseTo(1, 1);
    expect(gradient[0]! ** (1 / 54)).toBeCloseTo(1.25, 1);
    expect(deep({ gain: 1, normalized: true }).gradient[0]).toBeLessThan(100);
  });

  it('is the same for the same seed, and other for another', () => {
    expect(deep({})).toEqual(deep({}));
    expect(deep({ seed: 6 }).signal).not.toEqual(deep({}).signal);
  });
});
