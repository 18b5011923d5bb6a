// Weights are recognised by what they are, not by one program's names; and what is another network is not.

import { describe, expect, test } from 'vitest';
import { matchNetwork } from '../../src/interop/recognize.ts';
import { fromNamedTensors, writeSafetensors } from '../../src/interop/safetensors/safetensors.ts';
import { readWeights } from '../../src/interop/weights.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { UserError } from '../../src/util/errors.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';
import { NAMINGS, NEAR_MISSES, nearMiss, renamedWeights, sorted } from './naming.ts';
import { sampleWeights } from './samples.ts';

const namings = Object.entries(NAMINGS);
const match = (tensors: NamedTensors) => matchNetwork(tensors, {}, 'x.pth');

describe('layers are told by order and shape', () => {
  describe.each(['A', 'B'] as const)('shortcut %s', (shortcut) => {
    const network = createNetwork('resnet14', { shortcut });
    test.each(namings)('%s', (_, naming) => {
      const tensors = renamedWeights(naming, { shortcut });
      const { network: matched, names } = match(tensors);
      expect(matched).toEqual(network);
      for (const [name, found] of names) expect(found).toBe(naming(name));
      expect(names.size).toBe(tensors.size);
    });

    test.each(namings)('%s, sorted by name as safetensors files are', (_, naming) => {
      const tensors = sorted(renamedWeights(naming, { shortcut }));
      const { network: matched, names } = match(tensors);
      expect(matched).toEqual(network);
      for (const [name, found] of names) expect(found).toBe(naming(name));
      expect(names.size).toBe(tensors.size);
    });
  });

  test('more than ten blocks: 2 comes before 10, also where names are sorted', () => {
    const naming = NAMINGS['fc and downsample']!;
    const { names, network } = match(sorted(renamedWeights(naming, { arch: 'resnet68' })));
    expect(network.arch).toBe('resnet68');
    expect(names.get('layer1.10.conv1.weight')).toBe('layer1.10.conv1.weight');
  });

  test('names that do not count are taken in the order of the file, and not where that is lost', () => {
    const words = ['red', 'blue'];
    const naming = (name: string) =>
      name.replace(/^(layer\d)\.(\d)/, (_, layer, n) => `${layer}.${words[n]}`);
    const tensors = renamedWeights(naming);
    expect(match(tensors).names.get('layer1.0.conv1.weight')).toBe('layer1.red.conv1.weight');
    expect(() => match(sorted(tensors))).toThrow(
      'its tensors are sorted by name, and the names do not say the order of the layers',
    );
  });

  test('the weights come out under the names of the network', () => {
    const network = createNetwork('resnet8', { shortcut: 'B', classes: 7 });
    const naming = NAMINGS['numbers only']!;
    const tensors = new Map([...sampleWeights(network)].map(([name, t]) => [naming(name), t]));
    const read = readWeights(writeSafetensors(fromNamedTensors(tensors)));
    expect(read.renamed).toBe(true);
    expect(read.network).toEqual(network);
    expect(read.tensors).toEqual(sampleWeights(network));
  });

  test('what tensors cannot tell is said: a plain network, zeros behind', () => {
    const tensors = renamedWeights(NAMINGS.classifier!);
    const as = (hint: { arch?: string; shortcut?: string }) =>
      matchNetwork(tensors, hint, 'x').network;
    expect(as({ arch: 'plain14' })).toEqual(createNetwork('plain14'));
    expect(as({ shortcut: 'A-end' })).toEqual(createNetwork('resnet14', { shortcut: 'A-end' }));
  });
});

describe('what is nearly a CIFAR ResNet is refused', () => {
  const few = [
    'the reference implementation',
    'fc and downsample',
    'a sequence in a block',
    'numbers without blocks',
  ];
  test.each(Object.entries(NEAR_MISSES))('%s', (_, change) => {
    for (const name of few) {
      for (const shortcut of ['A', 'B'] as const) {
        const onlyB = /projection/.test(String(_)) && !/first stage/.test(String(_));
        if (onlyB && shortcut === 'A') continue;
        const tensors = nearMiss(change, NAMINGS[name]!, shortcut);
        expect(() => match(tensors), `${name}, ${shortcut}`).toThrow(UserError);
        expect(() => match(sorted(tensors)), `${name}, ${shortcut}, sorted`).toThrow(UserError);
      }
    }
  });

  test('the reason names the layer', () => {
    const reason = (miss: string) => {
      try {
        match(nearMiss(NEAR_MISSES[miss]!, NAMINGS['fc and downsample']!, 'A'));
      } catch (error) {
        return (error as Error).message.replace(/ \(it begins with .*/, '');
      }
      return 'accepted';
    };
    expect(reason('a scale of the answers')).toContain('it has the tensor "temperature"');
    expect(reason('no classifier')).toContain('it has no linear layer');
  });
});
