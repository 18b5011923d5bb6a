// Networks as data: which exist, how their layers are named and shaped.

import { describe, expect, test } from 'vitest';
import { convNormLayers, createNetwork, parseArch } from '../../src/nn/network.ts';

describe('names', () => {
  test.each(['resnet8', 'resnet20', 'resnet38', 'resnet1202', 'plain56'])('%s exists', (arch) => {
    expect(createNetwork(arch).arch).toBe(arch);
  });

  test('case and a hyphen do not matter', () => {
    expect(parseArch('ResNet-20')).toEqual({ family: 'resnet', depth: 20 });
  });

  test('resnet21 is refused with the depths that exist and the nearest', () => {
    expect(() => parseArch('resnet21')).toThrow(
      /no resnet21: depths are 6n\+2 .*20, 32, 44, 56, 110, 1202.* resnet20 and resnet26/,
    );
  });

  test.each(['resnet2', 'resnet', 'vgg16', '', 'resnet99999'])('"%s" is refused', (arch) => {
    expect(() => createNetwork(arch)).toThrow(/There is no/);
  });

  test('a residual network without shortcuts has its own name', () => {
    expect(() => createNetwork('resnet20', { shortcut: 'none' })).toThrow(/plain20/);
  });

  test.each([1, 0, 2.5, 70_000])('%d classes are refused', (classes) => {
    expect(() => createNetwork('resnet20', { classes })).toThrow(/between 2 and 65536 classes/);
  });
});

describe('layers', () => {
  test('6n+2 weighted layers in 3n blocks', () => {
    const network = createNetwork('resnet32');
    expect(network.blocks).toHaveLength(15);
    expect(convNormLayers(network).length + 1).toBe(32);
  });

  test('each layer reads what the one before wrote, 3x32x32 down to 64x8x8', () => {
    for (const arch of ['resnet20', 'plain20']) {
      const network = createNetwork(arch);
      let channels = 16;
      let size = 32;
      for (const { first, second } of network.blocks) {
        expect([first.conv.inChannels, first.conv.inSize]).toEqual([channels, size]);
        expect([second.conv.inChannels, second.conv.inSize]).toEqual([
          first.conv.outChannels,
          first.conv.outSize,
        ]);
        expect(first.conv.stride).toBe(first.conv.inSize / first.conv.outSize);
        channels = second.conv.outChannels;
        size = second.conv.outSize;
      }
      expect([channels, size]).toEqual([64, 8]);
      expect(network.classifier.inFeatures).toBe(64);
    }
  });

  test('option A-end pads the same number, all of them after', () => {
    const shortcuts = createNetwork('resnet20', { shortcut: 'A-end' }).blocks.map(
      ({ shortcut }) => shortcut,
    );
    expect(shortcuts.filter(({ kind }) => kind === 'pad')).toEqual([
      { kind: 'pad', channelsBefore: 0, channelsBehind: 16 },
      { kind: 'pad', channelsBefore: 0, channelsBehind: 32 },
    ]);
  });

  test('option A pads the same number of zero channels before and after', () => {
    const shortcuts = createNetwork('resnet20').blocks.map(({ shortcut }) => shortcut);
    expect(shortcuts.filter(({ kind }) => kind === 'identity')).toHaveLength(7);
    expect(shortcuts.filter(({ kind }) => kind === 'pad')).toEqual([
      { kind: 'pad', channelsBefore: 8, channelsBehind: 8 },
      { kind: 'pad', channelsBefore: 16, channelsBehind: 16 },
    ]);
  });

  test('option B projects with a strided 1x1 convolution', () => {
    const { shortcut } = createNetwork('resnet20', { shortcut: 'B' }).blocks[3]!;
    expect(shortcut).toMatchObject({
      kind: 'projection',
      projection: {
        conv: {
          name: 'layer2.0.shortcut.0',
          kernel: 1,
          stride: 2,
          inChannels: 16,
          outChannels: 32,
        },
        norm: { name: 'layer2.0.shortcut.1', channels: 32 },
      },
    });
  });
});
