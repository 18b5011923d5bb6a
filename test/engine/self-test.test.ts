import { describe, expect, it } from 'vitest';
import type { Backend, Executable } from '../../src/engine/backend.ts';
import { createReferenceBackend } from '../../src/engine/reference/backend.ts';
import { selfTest } from '../../src/engine/self-test.ts';

/** The oracle with one of its results changed. */
function distorted(read: Partial<Record<string, (values: Float32Array) => void>>): Backend {
  const oracle = createReferenceBackend();
  return {
    ...oracle,
    async compile(program) {
      const executable = await oracle.compile(program);
      const changed: Pick<Executable, 'read'> = {
        async read(buffer) {
          const values = await executable.read(buffer);
          read[buffer]?.(values);
          return values;
        },
      };
      return Object.assign(Object.create(executable), changed) as Executable;
    },
  };
}

describe('the self-test', () => {
  it('finds no deviation in the oracle itself', async () => {
    expect(await selfTest(createReferenceBackend())).toMatchObject({ ok: true, deviation: 0 });
  });

  it.each([
    ['logits', 'logits', 0, 1.001],
    ['a gradient', 'gradients', 5, 100],
    ['a running statistic', 'running', 3, 1.01],
    ['a weight that was not updated', 'parameters', 0, 2],
  ])('finds %s that is wrong, and says so', async (_, buffer, index, factor) => {
    const change = (values: Float32Array) => {
      for (let i = index; i < values.length; i += 16) values[i] = values[i]! * factor;
    };
    const { ok, deviation, bound } = await selfTest(distorted({ [buffer]: change }));
    expect(ok).toBe(false);
    expect(deviation).toBeGreaterThan(bound);
  });

  it('takes NaN for wrong', async () => {
    const result = await selfTest(distorted({ logits: (values) => values.fill(Number.NaN) }));
    expect(result).toMatchObject({ ok: false, where: 'logits', deviation: Number.NaN });
  });
});
