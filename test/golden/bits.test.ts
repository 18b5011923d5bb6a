// The very bits that short runs on the CPU end with. Same seed, same bits is promised to whoever
// compares two runs or resumes an old one, so a change of bits has to be meant.
//
// The table may change only with a commit that says which arithmetic it changes and why (another order
// of sums, another initialisation, another draw of an image), and that tells of it in CHANGELOG.md:
// runs that were begun before it cannot be resumed exactly. A new option or a faster kernel is no reason.
// Where this fails without such a change, the change has a defect.

import { existsSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { createWasmBackend, type WasmBackend } from '../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../src/engine/wasm/host.node.ts';
import { type ConfigOverrides, resolveConfig } from '../../src/experiment/recipes.ts';
import { weightsSha256 } from '../../src/runs/checkpoint.ts';
import type { TrainConfig } from '../../src/train/config.ts';
import type { Trainer } from '../../src/train/loop.ts';
import { lacks } from '../support/skip.ts';
import { CLASSES, collect, tinyDataset, tinyTrainer } from '../train/support/tiny.ts';

interface Case {
  readonly arch?: string;
  readonly convolution?: 'winograd2' | 'direct';
  readonly overrides?: ConfigOverrides;
  readonly schedule?: TrainConfig['schedule'];
  /** SHA-256 of weights and running statistics, its first half. */
  readonly weights: string;
}

const CASES: Readonly<Record<string, Case>> = {
  'ResNet-20': { weights: '87b5ed976c0a60f034ff06e9ab2cd52a' },
  'ResNet-20, winograd2': { convolution: 'winograd2', weights: 'a7a49856a3c530213d4803da96c63293' },
  'ResNet-20, direct': { convolution: 'direct', weights: 'c303bef1e1aa0c0acb96d5836d4b2109' },
  'ResNet-20, shortcut B': {
    overrides: { shortcut: 'B' },
    weights: 'e1ff66e3e81785eba46ef024f2b335fc',
  },
  'ResNet-20, recomputed': {
    overrides: { memory: 'recompute' },
    weights: '87b5ed976c0a60f034ff06e9ab2cd52a',
  },
  'ResNet-20, shortcut B, Muon': {
    overrides: { shortcut: 'B', optimizer: 'muon', nesterov: true },
    weights: '0e807a22ec12f188f112fdefbdcf07e4',
  },
  'plain-20': { arch: 'plain20', weights: '7184539804dda52aa47c74c9a972f109' },
  'ResNet-8, frozen, one cycle, smooth labels': {
    arch: 'resnet8',
    overrides: { freeze: 'layer1', labelSmoothing: 0.1 },
    schedule: { kind: 'one-cycle', unit: 'epochs', length: 2, rise: 0.5 },
    weights: '5ad09c29b3137d5c3fd1a8b8b33be524',
  },
};

const backends = new Map<string, Promise<WasmBackend>>();
function open(threads: number, convolution?: Case['convolution']): Promise<WasmBackend> {
  const name = `${threads} ${convolution}`;
  const backend =
    backends.get(name) ?? createWasmBackend({ host: createNodeHost(), threads, convolution });
  backends.set(name, backend);
  return backend;
}
afterAll(async () => {
  for (const backend of backends.values()) await (await backend).dispose();
});

/** Two epochs of a whole batch of 16 and one of 8, with augmentation. */
function configOf({ arch = 'resnet20', overrides, schedule }: Case): TrainConfig {
  const shared = { epochs: 2, classes: CLASSES.length, batchSize: 16, data: 'random', seed: 7 };
  const config = resolveConfig({ arch, recipe: 'quick', overrides: { ...shared, ...overrides } });
  return schedule ? { ...config, schedule } : config;
}

const dataset = tinyDataset({ train: 24 });

async function weightsOf(trainer: Trainer): Promise<string> {
  return (await weightsSha256((await trainer.snapshot()).weights)).slice(0, 32);
}

/** WebAssembly's multiply-add rounds once only where the processor does. */
function hasMultiplyAdd(): boolean {
  const facts = '/proc/cpuinfo';
  if (process.arch !== 'x64' || !existsSync(facts)) return true;
  return /^flags\s*:.*\bfma\b/m.test(readFileSync(facts, 'utf8'));
}
const skip = lacks(hasMultiplyAdd(), 'this processor has no fused multiply-add');

describe.skipIf(skip)('two short epochs end with the same bits as ever', () => {
  test.each(Object.entries(CASES))('%s', async (_name, each) => {
    const trainer = await tinyTrainer(await open(2, each.convolution), {
      config: configOf(each),
      dataset,
    });
    await collect(trainer.run());
    expect(await weightsOf(trainer)).toBe(each.weights);
    await trainer.dispose();
  });

  test('on one thread, and stopped and resumed in the middle of an epoch', async () => {
    const backend = await open(1);
    const options = { config: configOf({ weights: '' }), dataset };
    const stop = { requested: false };
    const first = await tinyTrainer(backend, { ...options, stop });
    await collect(first.run(), (event) => {
      if (event.kind === 'step' && event.iteration === 3) stop.requested = true;
    });
    const middle = structuredClone(await first.snapshot());
    await first.dispose();
    expect(middle.progress).toMatchObject({ epoch: 1, batch: 1 });
    const second = await tinyTrainer(backend, { ...options, resume: middle });
    await collect(second.run());
    expect(await weightsOf(second)).toBe(CASES['ResNet-20']!.weights);
    await second.dispose();
  });
});
