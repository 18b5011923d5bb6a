import { describe, expect, it } from 'vitest';
import { permutation, philox4x32, randomStream } from '../../src/util/random.ts';

describe('philox4x32', () => {
  // Known-answer vectors published with the Random123 library (kat_vectors, philox4x32 10 rounds).
  it('gives the published answers', () => {
    expect(philox4x32([0, 0, 0, 0], [0, 0])).toEqual([
      0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8,
    ]);
    const ones = 0xffffffff;
    expect(philox4x32([ones, ones, ones, ones], [ones, ones])).toEqual([
      0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
    ]);
    expect(
      philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
    ).toEqual([0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
  });
});

describe('randomStream', () => {
  const draw = (...name: Parameters<typeof randomStream>) => {
    const random = randomStream(...name);
    return Array.from({ length: 9 }, () => random.uint32());
  };

  it('repeats itself for the same name and differs in every part of it', () => {
    const base = draw(1, 'shuffle', 2, 3);
    expect(draw(1, 'shuffle', 2, 3)).toEqual(base);
    for (const other of [
      draw(2, 'shuffle', 2, 3),
      draw(1, 'crop', 2, 3),
      draw(1, 'shuffle', 3, 3),
      draw(1, 'shuffle', 2, 4),
    ]) {
      expect(other).not.toEqual(base);
    }
  });

  it('has uniform and normal moments', () => {
    const random = randomStream(7, 'moments');
    const n = 50_000;
    let uniform = 0;
    let normal = 0;
    let square = 0;
    for (let i = 0; i < n; i++) {
      uniform += random.uniform();
      const z = random.normal();
      normal += z;
      square += z * z;
    }
    expect(uniform / n).toBeCloseTo(0.5, 2);
    expect(Math.abs(normal / n)).toBeLessThan(0.02);
    expect(Math.abs(square / n - 1)).toBeLessThan(0.03);
  });

  it('draws every integer below the bound and none above', () => {
    const random = randomStream(7, 'integers');
    const seen = new Set(Array.from({ length: 500 }, () => random.integer(9)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('permutation', () => {
  it('holds every index once', () => {
    const order = permutation(1000, randomStream(3, 'shuffle'));
    expect(new Set(order).size).toBe(1000);
    expect(Array.from(order)).not.toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });
});
