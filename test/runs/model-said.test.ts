// What weights do not say themselves: it can be said, it is told where it was assumed, and weights that are no
// numbers are refused before anything is computed with them.

import { describe, expect, test } from 'vitest';
import { fixedNormalization, IMAGENET_NORMALIZATION } from '../../src/data/normalization.ts';
import { writePyTorch } from '../../src/interop/pytorch/write.ts';
import { fromNamedTensors, writeSafetensors } from '../../src/interop/safetensors/safetensors.ts';
import { loadWeights } from '../../src/library/library.node.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { alignClasses } from '../../src/runs/class-order.ts';
import { exportModel } from '../../src/runs/export.ts';
import { modelNotices, readModel } from '../../src/runs/model.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';
import { NAMINGS } from '../interop/naming.ts';
import { sampleNetwork, sampleWeights } from '../interop/samples.ts';

const weights = sampleWeights(sampleNetwork);
const plain = writePyTorch(weights);
const renamed = writePyTorch(
  new Map([...weights].map(([name, tensor]) => [NAMINGS['stages by their width']!(name), tensor])),
);
const half = fixedNormalization('half')!;
const about = (bytes: Uint8Array, options = {}) =>
  modelNotices(readModel(bytes, 'x', options)).map((notice) => notice.about);

describe('the normalisation', () => {
  test('is assumed aloud where nothing says it, and not where it is said', () => {
    expect(about(plain)).toEqual(['normalization']);
    expect(modelNotices(readModel(plain, 'x'))[0]!.text).toMatch(
      /^The weights do not say their normalisation: imagenet \(mean 0\.485 .* is assumed/,
    );
    expect(about(plain, { normalization: half })).toEqual([]);
  });

  test('goes with what is converted, and comes back', () => {
    const model = readModel(plain, 'x', { normalization: half });
    const again = readModel(exportModel(model, 'safetensors').bytes, 'y');
    expect(again).toMatchObject({ normalization: half, saysNormalization: true });
    const numbers = fixedNormalization('0.1,0.2,0.3/0.4,0.5,0.6')!;
    const other = readModel(plain, 'x', { normalization: numbers });
    expect(readModel(exportModel(other, 'safetensors').bytes, 'y').normalization).toEqual(numbers);
  });

  test('goes with a state_dict too, as an attribute that PyTorch leaves alone', () => {
    const model = readModel(renamed, 'x', { normalization: half, shortcut: 'A-end' });
    const again = readModel(exportModel(model, 'pth').bytes, 'y');
    expect(again).toMatchObject({ normalization: half, saysNormalization: true, notices: [] });
    expect(again.network).toEqual(model.network);
  });

  test('said otherwise than the file does is taken, and told', () => {
    const bytes = exportModel(readModel(plain, 'x', { normalization: half }), 'safetensors').bytes;
    const model = readModel(bytes, 'x', { normalization: IMAGENET_NORMALIZATION });
    expect(model.normalization).toBe(IMAGENET_NORMALIZATION);
    expect(modelNotices(model)[0]!.text).toContain('is taken as asked');
  });

  test('of the library: a name, numbers, or what was made of images', async () => {
    const kind = async (normalization: string) =>
      (await loadWeights(plain, { normalization })).normalization.kind;
    expect(await kind('cifar10')).toBe('cifar10');
    expect(await kind('0.5/0.25')).toBe('0.5,0.5,0.5/0.25,0.25,0.25');
    await expect(kind('dataset')).rejects.toThrow(
      'give makeNormalization("dataset", dataset.train)',
    );
    await expect(kind('none')).rejects.toThrow('The normalisation must be one of imagenet');
    await expect(kind('127/64')).rejects.toThrow('must have means from 0 to 1');
    await expect(kind('0.5/0')).rejects.toThrow('must have deviations above 0');
  });
});

describe('the padding of shortcuts', () => {
  test('is assumed aloud where the names are not the reference implementation’s', () => {
    expect(about(renamed)).toEqual(['shortcut', 'normalization']);
    expect(about(plain)).toEqual(['normalization']);
  });

  test('can be said, and goes with what is converted', () => {
    const model = readModel(renamed, 'x', { shortcut: 'A-end' });
    expect(model.network).toEqual(createNetwork('resnet8', { shortcut: 'A-end' }));
    const again = readModel(exportModel(model, 'safetensors').bytes, 'y');
    expect(again.network).toEqual(model.network);
    expect(again.notices).toEqual([]);
  });

  test('said of weights that have a projection is an error', () => {
    const network = createNetwork('resnet8', { shortcut: 'B' });
    const bytes = writePyTorch(sampleWeights(network));
    expect(() => readModel(bytes, 'x', { shortcut: 'A-end' })).toThrow(
      'x has shortcut B, not A-end',
    );
  });
});

describe('values that are no numbers', () => {
  const withValue = (name: string, at: number, value: number): NamedTensors => {
    const { shape, data } = weights.get(name)!;
    const changed = data.slice();
    changed[at] = value;
    return new Map(weights).set(name, { shape, data: changed });
  };
  test.each([
    ['NaN', withValue('layer2.0.bn1.running_var', 3, NaN), '"layer2.0.bn1.running_var" has NaN at'],
    [
      'infinity',
      withValue('linear.weight', 0, Infinity),
      '"linear.weight" has Infinity at place 0',
    ],
    ['a negative variance', withValue('bn1.running_var', 1, -1), '"bn1.running_var" has -1 at'],
  ])('%s is named in every format, and can be looked at', (_, tensors, message) => {
    for (const bytes of [writePyTorch(tensors), writeSafetensors(fromNamedTensors(tensors))]) {
      expect(() => readModel(bytes, 'x')).toThrow(message);
      expect(readModel(bytes, 'x', { allowDefects: true }).defect).toContain(message);
    }
  });
});

describe('classes are matched by name', () => {
  const model = {
    ...readModel(plain, 'x'),
    network: createNetwork('resnet8', { classes: 3 }),
    weights: sampleWeights(createNetwork('resnet8', { classes: 3 })),
    classes: ['cat', 'dog', 'fox'],
  };
  const align = (classes: string[], from = model) =>
    alignClasses(from, { classes, title: 'photos' });

  test('in another order: the rows of the last layer move with them', () => {
    const { model: moved, notice } = align(['fox', 'Cat', 'dog']);
    expect(notice).toContain('in another order, and are matched by name');
    const [before, after] = [model, moved].map(({ weights: w }) => w.get('linear.weight')!.data);
    const bias = [model, moved].map(({ weights: w }) => [...w.get('linear.bias')!.data]);
    expect([...after!.subarray(0, 64)]).toEqual([...before!.subarray(128, 192)]);
    expect([...after!.subarray(64, 128)]).toEqual([...before!.subarray(0, 64)]);
    expect(bias[1]).toEqual([bias[0]![2], bias[0]![0], bias[0]![1]]);
  });

  test('the same need no word; others are warned of, and stay as they are', () => {
    expect(align(['cat', 'dog', 'fox']).notice).toBeUndefined();
    const { notice, model: same } = align(['cat', 'hound', 'fox']);
    expect(notice).toMatch(/^Beware: class 1 is "dog" in the weights and "hound" in photos/);
    expect(same.weights).toBe(model.weights);
  });

  test('ten unnamed classes are compared with CIFAR-10’s, others cannot be', () => {
    const ten = readModel(plain, 'x');
    const names = 'plane car bird cat deer dog frog horse ship truck'.split(' ');
    const { notice } = alignClasses(ten, { classes: names, title: 'photos' });
    expect(notice).toMatch(/^Beware: the weights do not name their classes; class 0 of CIFAR-10/);
    const unnamed = { ...model, classes: undefined };
    expect(align(['a', 'b', 'c'], unnamed as never).notice).toMatch(/does not name its classes/);
  });

  test('another number of classes is an error', () => {
    expect(() => align(['cat', 'dog'])).toThrow('tells 3 classes apart, and photos has 2');
  });
});
