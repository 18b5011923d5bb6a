// What the descriptions say, held against whole programs and against the network's own summary.

import { describe, expect, it } from 'vitest';
import { lowerInference } from '../../../src/engine/lower-infer.ts';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import {
  buffersOf,
  describeOperation,
  OPERATIONS,
  type Operation,
  type OperationKind,
} from '../../../src/engine/operations/index.ts';
import type { Program } from '../../../src/engine/program.ts';
import { compileKernels } from '../../../src/engine/webgpu/compile.ts';
import { convolutionMultiplyAdds } from '../../../src/nn/multiply-adds.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { multiplyAdds } from '../../../src/nn/summary.ts';

const network = createNetwork('resnet8', { shortcut: 'B' });
const optionA = createNetwork('resnet14', { shortcut: 'A' });
const batchSize = 4;

const PROGRAMS: readonly (readonly [string, Program])[] = [
  ['training, shortcut A', lowerTraining(optionA, { batchSize, memory: 'keep' })],
  ['training, shortcut B', lowerTraining(network, { batchSize, memory: 'keep' })],
  ['training, recomputing', lowerTraining(optionA, { batchSize, memory: 'recompute' })],
  ['training with frozen layers', lowerTraining(network, { batchSize, freeze: 'layer1' })],
  ['training without shortcuts', lowerTraining(createNetwork('plain8'), { batchSize })],
  ['training by Muon', lowerTraining(network, { batchSize, optimizer: 'muon' })],
  ['inference', lowerInference(network, { batchSize })],
];

const accesses = (operation: Operation) => {
  const { reads, writes } = OPERATIONS[operation.kind] as {
    reads(of: Operation): readonly number[];
    writes(of: Operation): readonly number[];
  };
  return { reads: reads(operation), writes: writes(operation) };
};
const operationsOf = ({ setup, body }: Program) => [...setup, ...body];
const total = (program: Program) =>
  program.body.reduce(
    (sum, operation) => sum + describeOperation(operation, program.norms).multiplyAdds,
    0,
  );

describe.each(PROGRAMS)('the operations of %s', (_, program) => {
  it('read no buffer that none before them wrote', () => {
    const written = new Set<number>();
    for (const operation of operationsOf(program)) {
      const { reads, writes } = accesses(operation);
      // A kept operand is written by the operation that makes it, and read by later ones.
      for (const id of reads) expect(written, `${operation.kind} ${id}`).toContain(id);
      for (const id of writes) written.add(id);
    }
  });

  it('write nothing that is not read later, but the logits', () => {
    const isRead = new Set(operationsOf(program).flatMap((operation) => accesses(operation).reads));
    for (const operation of operationsOf(program)) {
      for (const id of accesses(operation).writes) {
        const { name, role } = program.buffers[id]!;
        if (role !== 'output') expect([...isRead], name).toContain(id);
      }
    }
  });

  it('touch each buffer once, whatever they do to it', () => {
    for (const operation of operationsOf(program)) {
      const buffers = buffersOf(operation);
      expect(new Set(buffers).size).toBe(buffers.length);
    }
  });

  it('have names of their own in a profile, but for what runs again', () => {
    const names = program.body.map((operation) => describeOperation(operation, program.norms).name);
    const again = names.filter((name, index) => names.indexOf(name) !== index);
    expect(again.every((name) => name.startsWith('convolution '))).toBe(true);
    expect(names).toContain('linear');
  });

  it('have the multiply-adds that their kernels on a GPU have', () => {
    const kernels = compileKernels(program).body;
    const sum = kernels.reduce((all, kernel) => all + kernel.multiplyAddsPerImage, 0);
    expect(sum).toBe(total(program));
  });
});

describe('the multiply-adds of a program', () => {
  it('are those of the network for an evaluation', () => {
    expect(total(lowerInference(network, { batchSize }))).toBe(multiplyAdds(network));
  });

  it('are three times those of the network for a training step, but for the image’s gradient', () => {
    const image = convolutionMultiplyAdds(network.stem.conv);
    expect(total(lowerTraining(network, { batchSize, memory: 'keep' }))).toBe(
      3 * multiplyAdds(network) - image,
    );
  });
});

it('every kind of operation is described under its own name, and occurs', () => {
  const kinds = new Set(
    PROGRAMS.flatMap(([, program]) => operationsOf(program).map(({ kind }) => kind)),
  );
  expect([...kinds].sort()).toEqual((Object.keys(OPERATIONS) as OperationKind[]).sort());
});
