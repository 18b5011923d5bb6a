// A clone checks its CPU backends against PyTorch with nothing else at hand. WebGPU is checked against
// the same values in test/engine/webgpu/golden.test.ts; real images and deeper networks are compared in
// test/engine/*/golden.test.ts, where their files are.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../src/engine/backend.ts';
import { createReferenceBackend } from '../../src/engine/reference/backend.ts';
import { createWasmBackend } from '../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../src/engine/wasm/host.node.ts';
import { tooLarge } from '../support/deviations.ts';
import { type Bounds, FLOAT32, FLOAT64, smallGoldenDeviations } from './resnet8-steps.ts';

const wasm = (convolution: 'winograd4' | 'winograd2' | 'direct') => () =>
  createWasmBackend({ host: createNodeHost(), threads: 2, convolution });

describe.each<[string, () => Backend | Promise<Backend>, Bounds]>([
  ['the reference', createReferenceBackend, FLOAT64],
  ['WebAssembly with winograd4', wasm('winograd4'), FLOAT32],
  ['WebAssembly with winograd2', wasm('winograd2'), FLOAT32],
  ['WebAssembly with direct convolutions', wasm('direct'), FLOAT32],
])('%s computes what PyTorch computes', (_name, open, bounds) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await open();
  });
  afterAll(() => backend.dispose());

  test.each(['A', 'B'] as const)(
    'ResNet-8, shortcut %s: logits, three steps, gradients, statistics',
    async (shortcut) => {
      expect(tooLarge(await smallGoldenDeviations(backend, shortcut, bounds))).toEqual([]);
    },
  );
});
