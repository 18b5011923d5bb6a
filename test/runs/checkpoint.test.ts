import { beforeAll, describe, expect, test } from 'vitest';
import { readSafetensors } from '../../src/interop/safetensors/safetensors.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { checkWeights } from '../../src/nn/parameters.ts';
import {
  decodeState,
  decodeWeights,
  encodeState,
  encodeWeights,
  weightsSha256,
} from '../../src/runs/checkpoint.ts';
import type { TrainingState } from '../../src/train/state.ts';
import { arithmeticBackend } from '../train/support/backends.ts';
import { collect, tinyConfig, tinyTrainer } from '../train/support/tiny.ts';

let state: TrainingState;
beforeAll(async () => {
  const trainer = await tinyTrainer(arithmeticBackend(), { config: tinyConfig({ epochs: 1 }) });
  await collect(trainer.run());
  state = await trainer.snapshot();
});

const network = createNetwork('resnet8', { classes: 3 });

describe('a checkpoint', () => {
  test('gives back the whole training state, bit for bit', () => {
    expect(decodeState(encodeState(state, 1234), 'x')).toEqual({ state, metricsBytes: 1234 });
  });

  test('of weights alone has exactly the tensors of the network, by their PyTorch names', () => {
    const { tensors, metadata } = readSafetensors(encodeWeights(state));
    checkWeights(
      network,
      new Map([...tensors].map(([name, { shape }]) => [name, { shape, data: new Float32Array() }])),
    );
    expect(metadata).toMatchObject({
      format: 'table6',
      arch: 'resnet8',
      recipe: 'quick',
      epochs: '1',
    });
  });

  test.each([
    ['last', () => encodeState(state, 0)],
    ['best', () => encodeWeights(state)],
  ])('"%s" is enough to evaluate: weights, normalisation, classes, configuration', (_, encode) => {
    const { weights, facts } = decodeWeights(encode(), 'x');
    checkWeights(network, weights);
    expect(weights).toEqual(state.weights);
    expect(facts).toEqual({
      config: state.config,
      classes: state.classes,
      normalization: state.normalization,
      epochs: 1,
      error: state.progress.result.final!.error,
    });
  });

  test('keeps per-pixel means exactly', () => {
    const mean = Array.from({ length: 3072 }, (_, i) => Math.sin(i) / 3);
    const normalization = { kind: 'per-pixel-mean' as const, mean, deviation: [1, 1, 1] };
    const bytes = encodeWeights({ ...state, normalization });
    expect(decodeWeights(bytes, 'x').facts!.normalization).toEqual(normalization);
  });

  test('of weights alone cannot be resumed, and says so', () => {
    expect(() => decodeState(encodeWeights(state), 'The file')).toThrow(
      'The file has weights but no training state: training can only go on from a run\'s "last" checkpoint.',
    );
  });

  test('that is cut short is refused by name', () => {
    const bytes = encodeState(state, 0);
    expect(() => decodeState(bytes.subarray(0, bytes.length - 100), '"last"')).toThrow(
      /^"last" is not a readable safetensors file/,
    );
  });

  test('whose metadata was edited is refused', () => {
    // A TextDecoder's latin1 is windows-1252, which has other characters for some bytes.
    const text = Buffer.from(encodeState(state, 0)).toString('latin1');
    const edited = text.replace('\\"batch\\":0', '\\"batch\\":-');
    expect(edited).not.toBe(text);
    const bytes = new Uint8Array(Buffer.from(edited, 'latin1'));
    expect(() => decodeState(bytes, '"last"')).toThrow(/^"last" is damaged: its "progress"/);
  });
});

test('the SHA-256 of weights does not depend on anything else in the state', async () => {
  const hash = await weightsSha256(state.weights);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(await weightsSha256(decodeState(encodeState(state, 5), 'x').state.weights)).toBe(hash);
  const changed = structuredClone(state.weights);
  const data = changed.get('linear.bias')!.data;
  data[0] = data[0]! * (1 + 2 ** -23);
  expect(await weightsSha256(changed)).not.toBe(hash);
});
