import { describe, expect, it } from 'vitest';
import { lowerInference } from '../../src/engine/lower-infer.ts';
import { lowerTraining } from '../../src/engine/lower-train.ts';
import { buffersOf } from '../../src/engine/operations/index.ts';
import { BUFFER_ALIGNMENT, bufferBytes } from '../../src/engine/plan.ts';
import type { Program } from '../../src/engine/program.ts';
import { createNetwork } from '../../src/nn/network.ts';

/** Pairs of buffers that live at the same time and share bytes. */
function collisions(program: Program): string[] {
  const operations = [...program.setup, ...program.body];
  const life = program.buffers.map(({ role }, id) => {
    if (role !== 'activation') return { first: 0, last: operations.length };
    const times = operations.flatMap((op, time) => (buffersOf(op).includes(id) ? [time] : []));
    return { first: times[0]!, last: times.at(-1)! };
  });
  const found: string[] = [];
  program.buffers.forEach((a, i) => {
    program.buffers.forEach((b, j) => {
      if (j <= i || life[i]!.first > life[j]!.last || life[j]!.first > life[i]!.last) return;
      if (a.offset < b.offset + bufferBytes(b) && b.offset < a.offset + bufferBytes(a)) {
        found.push(`${a.name} and ${b.name}`);
      }
    });
  });
  return found;
}

describe('the memory plan', () => {
  const programs = {
    'resnet20 to train': lowerTraining(createNetwork('resnet20'), { batchSize: 8 }),
    'resnet20 B, recomputing': lowerTraining(createNetwork('resnet20', { shortcut: 'B' }), {
      batchSize: 8,
      memory: 'recompute',
    }),
    'plain20 to train': lowerTraining(createNetwork('plain20'), { batchSize: 8 }),
    'resnet20 to infer': lowerInference(createNetwork('resnet20', { shortcut: 'B' }), {
      batchSize: 8,
    }),
  };

  it.each(Object.entries(programs))('%s: no two living buffers overlap', (_, program) => {
    expect(collisions(program)).toEqual([]);
    for (const { offset } of program.buffers) expect(offset % BUFFER_ALIGNMENT).toBe(0);
    const end = Math.max(...program.buffers.map((buffer) => buffer.offset + bufferBytes(buffer)));
    expect(program.bytes).toBeGreaterThanOrEqual(end);
    expect(program.bytes - end).toBeLessThan(BUFFER_ALIGNMENT);
  });

  it('inference needs three activations of the first stage, whatever the depth', () => {
    const activation = 128 * 32 * 32 * 16 * 4;
    const bytes = (arch: string) => {
      const program = lowerInference(createNetwork(arch), { batchSize: 128 });
      const persistent = program.buffers
        .filter(({ role }) => role !== 'activation')
        .reduce((sum, buffer) => sum + bufferBytes(buffer), 0);
      return program.bytes - persistent;
    };
    expect(bytes('resnet20')).toBeLessThan(3.1 * activation);
    expect(bytes('resnet110')).toBeLessThan(3.1 * activation);
  });

  it('recomputing lets ResNet-1202 train at batch 128 inside 4 GiB', () => {
    const network = createNetwork('resnet1202');
    const keep = lowerTraining(network, { batchSize: 128, memory: 'keep' });
    const recompute = lowerTraining(network, { batchSize: 128, memory: 'recompute' });
    expect(keep.bytes).toBeGreaterThan(2 ** 32);
    expect(recompute.bytes).toBeLessThan(3.5 * 2 ** 30);
  });
});
