import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writePyTorch } from '../../src/interop/pytorch/write.ts';
import { recognizeNetwork, requireArch } from '../../src/interop/recognize.ts';
import { fromNamedTensors, writeSafetensors } from '../../src/interop/safetensors/safetensors.ts';
import { readWeightsFile } from '../../src/interop/weights.node.ts';
import { readWeights } from '../../src/interop/weights.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { UserError } from '../../src/util/errors.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';
import { sharedFile } from '../support/shared.ts';
import { sampleNetwork, sampleWeights } from './samples.ts';

const without = (tensors: NamedTensors, pattern: RegExp): NamedTensors =>
  new Map([...tensors].filter(([name]) => !pattern.test(name)));

describe('the network is recognised from names and shapes', () => {
  it.each([
    ['resnet8', 'A', 10],
    ['resnet20', 'B', 100],
    ['resnet56', 'A', 3],
  ] as const)('%s with shortcut %s and %i classes', (arch, shortcut, classes) => {
    const network = createNetwork(arch, { shortcut, classes });
    expect(recognizeNetwork(sampleWeights(network))).toEqual(network);
  });

  it('plain networks only by their metadata, since shortcut A has the same tensors', () => {
    const plain = createNetwork('plain14');
    const tensors = sampleWeights(plain);
    expect(recognizeNetwork(tensors).arch).toBe('resnet14');
    expect(recognizeNetwork(tensors, { arch: 'plain14' })).toEqual(plain);
    expect(recognizeNetwork(tensors, { shortcut: 'none' })).toEqual(plain);
  });

  it.each([
    [/^linear\.weight/, 'x.th does not hold a CIFAR ResNet: it has no tensor "linear.weight"'],
    [/^layer2\.0\./, 'x.th is incomplete: it has no block "layer2.0"'],
    [/^layer3\.1\./, 'layer1 has 2 blocks and layer3 has 1'],
    [/^layer1\.1\.bn2\.running_var/, 'it has no tensor "layer1.1.bn2.running_var"'],
    [/./, 'it begins with nothing'],
  ])('without %s it says what is missing', (pattern, message) => {
    const tensors = without(sampleWeights(createNetwork('resnet14')), pattern);
    expect(() => recognizeNetwork(tensors, {}, 'x.th')).toThrow(message);
  });

  it('a misshapen tensor is named with both shapes', () => {
    const tensors = sampleWeights(sampleNetwork);
    tensors.set('layer2.0.conv1.weight', { shape: [8, 16, 3, 3], data: new Float32Array(1152) });
    expect(() => recognizeNetwork(tensors)).toThrow(
      '"layer2.0.conv1.weight" has shape [8, 16, 3, 3] instead of [32, 16, 3, 3]',
    );
  });

  it("torchvision's ResNet is called what it is", () => {
    const one = { shape: [1], data: new Float32Array(1) };
    const tensors = new Map(
      ['conv1.weight', 'layer1.0.conv1.weight', 'layer4.0.conv1.weight', 'fc.weight'].map(
        (name) => [name, one] as const,
      ),
    );
    expect(() => recognizeNetwork(tensors)).toThrow("torchvision's ImageNet ResNet");
  });

  it('weights of another depth than asked: the message says which depth the file has', () => {
    expect(() => requireArch(createNetwork('resnet56'), 'resnet20', 'x.th')).toThrow(
      'x.th holds the weights of resnet56, not of resnet20: ask for resnet56',
    );
    expect(() => requireArch(createNetwork('resnet56'), 'ResNet-56')).not.toThrow();
  });
});

describe('the format is told by content', () => {
  const weights = sampleWeights(sampleNetwork);

  it('safetensors with metadata', () => {
    const bytes = writeSafetensors(fromNamedTensors(weights), { recipe: 'paper' });
    expect(readWeights(bytes)).toEqual({
      format: 'safetensors',
      network: sampleNetwork,
      tensors: weights,
      metadata: { recipe: 'paper' },
      renamed: false,
      notices: [],
    });
  });

  it('PyTorch, without its batch counters, and what stood beside the weights as metadata', () => {
    const bytes = writePyTorch(weights, {
      modulePrefix: true,
      extra: { epoch: 7, best_prec1: 91.5 },
    });
    expect(readWeights(bytes)).toEqual({
      format: 'pytorch-zip',
      network: sampleNetwork,
      tensors: weights,
      metadata: { epoch: '7', best_prec1: '91.5' },
      renamed: false,
      notices: [],
    });
  });

  const ascii = (text: string) => new TextEncoder().encode(text);
  const tar = new Uint8Array(512);
  tar.set(ascii('ustar'), 257);
  it.each([
    ['nothing', new Uint8Array(0), 'w.th is empty: copy or download it again.'],
    ['a web page', ascii('\n<!DOCTYPE html><html>'), 'w.th is a web page, not weights'],
    [
      'an LFS pointer',
      ascii('version https://git-lfs.github.com/spec/v1'),
      'w.th is a Git LFS pointer',
    ],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8), 'w.th is compressed with gzip'],
    ['tar', tar, 'w.th is a tar archive'],
    ['text', ascii('hello'), 'w.th is not a weights file'],
    ['a cut zip', ascii('PK\x03\x04...'), 'w.th: not a readable zip archive: it has no directory'],
    ['a cut pickle', Uint8Array.of(0x80, 2), 'w.th: not a readable pickle: it ends in the middle'],
  ])('%s is called what it is', (_name, bytes, message) => {
    expect(() => readWeights(bytes, 'w.th')).toThrow(UserError);
    expect(() => readWeights(bytes, 'w.th')).toThrow(message);
  });
});

describe('files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'table6-weights-'));

  it('are opened whatever their extension', async () => {
    const path = join(folder, 'misnamed.th');
    writeFileSync(path, writeSafetensors(fromNamedTensors(sampleWeights(sampleNetwork))));
    expect((await readWeightsFile(path)).format).toBe('safetensors');
  });

  it('that are not there, or are folders, are one sentence', async () => {
    await expect(readWeightsFile(join(folder, 'no.th'))).rejects.toThrow(
      /no\.th does not exist: check the path\.$/,
    );
    await expect(readWeightsFile(folder)).rejects.toThrow('is a folder: name the weights file');
  });

  const published = ['resnet20-12fca82f', 'resnet56-4bfd9763'].map((name) => ({
    arch: name.slice(0, 8),
    path: sharedFile(`data/pretrained/${name}.th`),
  }));
  const here = published.every(({ path }) => path !== undefined);
  it.skipIf(!here).each(published)('published $arch', async ({ arch, path }) => {
    const { network, format, tensors } = await readWeightsFile(path as string);
    expect(network).toEqual(createNetwork(arch));
    expect(format).toBe('pytorch-legacy');
    expect(tensors.get('conv1.weight')?.shape).toEqual([16, 3, 3, 3]);
  });
});
