import { beforeAll, describe, expect, test } from 'vitest';
import { IMAGENET_NORMALIZATION } from '../../src/data/normalization.ts';
import { readPyTorch } from '../../src/interop/pytorch/read.ts';
import { writePyTorch } from '../../src/interop/pytorch/write.ts';
import {
  fromNamedTensors,
  readSafetensors,
  writeSafetensors,
} from '../../src/interop/safetensors/safetensors.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { encodeState, encodeWeights } from '../../src/runs/checkpoint.ts';
import { exportModel, formatOfName } from '../../src/runs/export.ts';
import { type Model, readModel } from '../../src/runs/model.ts';
import type { TrainingState } from '../../src/train/state.ts';
import { sampleWeights } from '../interop/samples.ts';
import { arithmeticBackend } from '../train/support/backends.ts';
import { collect, tinyConfig, tinyTrainer } from '../train/support/tiny.ts';

/** A run's state with a mean image, which not every format can carry. */
let state: TrainingState;
beforeAll(async () => {
  const trainer = await tinyTrainer(arithmeticBackend(), { config: tinyConfig({ epochs: 1 }) });
  await collect(trainer.run());
  const mean = Array.from({ length: 3072 }, (_, i) => Math.sin(i) / 3);
  const normalization = { kind: 'per-pixel-mean' as const, mean, deviation: [1, 1, 1] };
  state = { ...(await trainer.snapshot()), normalization };
});

const plain = createNetwork('plain8');

describe('a model', () => {
  test('from a checkpoint says everything itself', () => {
    for (const bytes of [encodeWeights(state), encodeState(state, 0)]) {
      const model = readModel(bytes, 'x');
      expect(model).toMatchObject({
        format: 'safetensors',
        classes: state.classes,
        normalization: state.normalization,
        saysNormalization: true,
        config: state.config,
        facts: { epochs: 1, error: state.progress.result.final!.error },
      });
      expect(model.weights).toEqual(state.weights);
    }
  });

  test('in the middle of an epoch has no test error', () => {
    const later = { ...state, progress: { ...state.progress, batch: 1 } };
    expect(readModel(encodeWeights(later), 'x').facts?.error).toBeUndefined();
  });

  test('from another program is recognised, and takes ImageNet’s normalisation', () => {
    const network = createNetwork('resnet8', { shortcut: 'B', classes: 4 });
    const bytes = writePyTorch(sampleWeights(network), { extra: { best_prec1: 91.5 } });
    const model = readModel(bytes, 'x');
    expect(model).toMatchObject({
      format: 'pytorch-zip',
      network: { arch: 'resnet8', shortcut: 'B', classes: 4 },
      normalization: IMAGENET_NORMALIZATION,
      saysNormalization: false,
      metadata: { best_prec1: '91.5' },
    });
    expect(model.classes).toBeUndefined();
  });

  test('that looks residual is plain where the user says so', () => {
    const bytes = writePyTorch(sampleWeights(plain));
    expect(readModel(bytes, 'x').network.arch).toBe('resnet8');
    expect(readModel(bytes, 'x', { arch: 'plain8' }).network.arch).toBe('plain8');
    expect(() => readModel(bytes, 'x', { arch: 'resnet20' })).toThrow('not of resnet20');
  });

  test('ignores metadata that only looks like ours', () => {
    const network = createNetwork('resnet8');
    const metadata = {
      normalization: '{"kind":"dataset","mean":[0,0],"deviation":[1,1,1]}',
      classes: '["cat","dog"]',
    };
    const bytes = writeSafetensors(fromNamedTensors(sampleWeights(network)), metadata);
    const model = readModel(bytes, 'x');
    expect([model.saysNormalization, model.classes]).toEqual([false, undefined]);
  });
});

describe('written and read again', () => {
  const again = (model: Model, format: 'safetensors' | 'pth', modulePrefix = false) =>
    readModel(exportModel(model, format, { modulePrefix }).bytes, 'x');

  test('safetensors keep everything that a checkpoint knows, without the optimiser', () => {
    const model = readModel(encodeState(state, 99), 'x');
    const copy = again(model, 'safetensors');
    expect(copy.facts).toEqual(model.facts);
    expect(copy.weights).toEqual(model.weights);
    const { tensors, metadata } = readSafetensors(exportModel(model, 'safetensors').bytes);
    expect([...tensors.keys()].some((name) => name.startsWith('optimizer'))).toBe(false);
    expect(metadata).toMatchObject({ recipe: 'quick', error: String(model.facts!.error) });
    expect(metadata.progress).toBeUndefined();
  });

  test('for trainer.py: module., epoch and best_prec1; ours come back with them', () => {
    const model = readModel(encodeWeights(state), 'x');
    const { bytes } = exportModel(model, 'pth', { modulePrefix: true });
    const { metadata, tensors } = readPyTorch(bytes);
    expect(tensors.every(({ name }) => name.startsWith('state_dict.module.'))).toBe(true);
    expect(metadata).toMatchObject({
      epoch: '1',
      best_prec1: String(100 * (1 - model.facts!.error!)),
    });
    const copy = again(model, 'pth', true);
    expect(copy).toMatchObject({
      normalization: model.normalization,
      classes: model.classes,
      network: model.network,
    });
    expect(copy.weights).toEqual(model.weights);
  });

  test('other programs do not read normalisation and name out of a bare state_dict, which is said', () => {
    const checkpoint = readModel(encodeWeights(state), 'x');
    const { notices } = exportModel(checkpoint, 'pth');
    expect(notices).toEqual([expect.stringContaining('(per-pixel-mean (mean 3072 means')]);
    const bytes = writePyTorch(sampleWeights(plain));
    const bare = readModel(bytes, 'x', { arch: 'plain8' });
    expect(exportModel(bare, 'pth').notices).toEqual([
      expect.stringContaining('say that they are plain8'),
    ]);
    expect(again(bare, 'safetensors').network).toEqual(plain);
    expect(again(bare, 'pth', true).network).toEqual(plain);
    const residual = readModel(bytes, 'x');
    expect(exportModel(residual, 'pth').notices).toEqual([]);
  });

  test('has the same bytes every time', () => {
    const model = readModel(encodeWeights(state), 'x');
    for (const format of ['safetensors', 'pth', 'onnx'] as const) {
      expect(exportModel(model, format).bytes).toEqual(exportModel(model, format).bytes);
    }
  });

  test('ONNX whose normalisation was assumed says so', () => {
    const assumed = readModel(writePyTorch(sampleWeights(createNetwork('resnet8'))), 'x');
    expect(exportModel(assumed, 'onnx').notices).toEqual([expect.stringContaining('ImageNet')]);
    expect(exportModel(readModel(encodeWeights(state), 'x'), 'onnx').notices).toEqual([]);
  });
});

test('the format is told by the name', () => {
  const names = ['a.safetensors', 'a.PTH', 'dir.onnx/a.th', 'a.pt', 'a.onnx', 'a.bin', 'onnx'];
  expect(names.map(formatOfName)).toEqual([
    ...['safetensors', 'pth', 'pth', 'pth', 'onnx'],
    ...[undefined, undefined],
  ]);
});
