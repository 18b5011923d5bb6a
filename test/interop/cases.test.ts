// Files that stand for public reports, where they are on this machine: each gives PyTorch's number of wrong
// answers on the sample of CIFAR-10's test images, or is refused for the right reason.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Split } from '../../src/data/dataset.ts';
import { loadDataset } from '../../src/data/load.node.ts';
import { fixedNormalization, type NormalizationKind } from '../../src/data/normalization.ts';
import type { Backend } from '../../src/engine/backend.ts';
import { openBackend } from '../../src/library/open-backend.node.ts';
import type { ShortcutOption } from '../../src/nn/network.ts';
import { readModel } from '../../src/runs/model.ts';
import { evaluateSplit } from '../../src/train/evaluate.ts';
import { createInference } from '../../src/train/executables.ts';
import { sharedFile } from '../support/shared.ts';

const folder = sharedFile('cases');
const sample = sharedFile('data/cifar10-sample');

interface Said {
  readonly normalization?: NormalizationKind;
  readonly shortcut?: ShortcutOption;
  readonly key?: string;
}

describe.skipIf(!folder || !sample)('shared cases', () => {
  let images: Split;
  let backend: Backend;
  beforeAll(async () => {
    images = (await loadDataset(sample as string)).test;
    backend = await openBackend({ device: 'cpu', threads: 1 });
  });
  afterAll(() => backend.dispose());

  const open = (file: string, { normalization: kind, ...said }: Said = {}) =>
    readModel(readFileSync(`${folder}/${file}`), file, {
      ...said,
      ...(kind && { normalization: fixedNormalization(kind) }),
    });

  test.each<[string, string, number, number, Said?]>([
    ['beside-the-weights/control.pth', 'A', 719, 1.99841],
    ['names/fc-downsample.pth', 'B', 691, 1.80598],
    ['names/fc-downsample.pth', 'B', 682, 1.77543, { normalization: 'cifar10' }],
    [
      'names/padded-at-end.pth',
      'A-end',
      708,
      1.80591,
      { normalization: 'cifar10', shortcut: 'A-end' },
    ],
    ['normalisation/half.pth', 'A', 667, 1.75304, { normalization: 'half' }],
    ['normalisation/half.pth', 'A', 660, 2.22535],
  ])('%s, shortcut %s: %i wrong', async (file, shortcut, wrong, loss, said) => {
    const { network, weights, normalization } = open(file, said);
    expect([network.arch, network.shortcut]).toEqual(['resnet8', shortcut]);
    const executable = await createInference(backend, network, weights, normalization, 128);
    const report = await evaluateSplit(executable, images);
    await executable.dispose();
    expect(report.wrong).toBe(wrong);
    expect(report.loss).toBeCloseTo(loss, 4);
  });

  test.each<[string, Said?]>([
    ['names/fc.pth'],
    ['prefixes/_orig_mod-.pth'],
    ['prefixes/module-_orig_mod-.pth'],
    ['prefixes/model-.pth'],
    ['prefixes/module-.safetensors'],
    ['wrappers/ema.pth'],
    ['wrappers/model_state.pth'],
    ['wrappers/ema-and-model.pth', { key: 'ema' }],
    ['beside-the-weights/args.pth'],
    ['beside-the-weights/numpy1.pth'],
    ['beside-the-weights/scheduler.pth'],
    ['whole-model/model.pth'],
  ])('%s has the weights of control.pth', (file, said) => {
    const { network, weights } = open(file, said);
    const control = open('beside-the-weights/control.pth');
    expect(network).toEqual(control.network);
    expect(new Map([...weights].sort())).toEqual(new Map([...control.weights].sort()));
  });

  test.each([
    ['names/alpha.pth', 'layer1.0.alpha'],
    ['prefixes/two-networks.pth', 'student and teacher'],
    ['beside-the-weights/hostile.pth', 'posix.system'],
  ])('%s is refused, and %s is named', (file, reason) => {
    expect(() => open(file)).toThrow(reason);
  });

  test('the same wrong guesses would be silent: both are told', () => {
    const abouts = (file: string) => open(file).notices.map(({ about }) => about);
    expect(abouts('names/padded-at-end.pth')).toEqual(['shortcut']);
    expect(abouts('wrappers/ema-and-model.pth')).toEqual(['key']);
  });
});
