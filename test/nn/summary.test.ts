// The figures that can be looked up: the paper's depths, the parameter counts, torchsummary's sizes.

import { describe, expect, test } from 'vitest';
import { createNetwork } from '../../src/nn/network.ts';
import { formatSummary, multiplyAdds, summarizeNetwork } from '../../src/nn/summary.ts';

describe('the six networks of Table 6', () => {
  test.each([
    [20, 269_722, 40.6],
    [32, 464_154, 68.9],
    [44, 658_586, 97.2],
    [56, 853_018, 125.5],
    [110, 1_727_962, 252.9],
    [1202, 19_421_274, 2829],
  ])('resnet%i has %i parameters and %f million multiply-adds', (depth, parameters, millions) => {
    const summary = summarizeNetwork(createNetwork(`resnet${depth}`));
    expect(summary.layers).toBe(depth);
    expect(summary.blocks).toBe((depth - 2) / 2);
    expect(summary.parameters).toBe(parameters);
    expect(summary.multiplyAdds / 1e6).toBeCloseTo(millions, millions > 1000 ? -1 : 1);
  });
});

describe("torchsummary's table for ResNet-20", () => {
  const summary = summarizeNetwork(createNetwork('resnet20'));

  test('has its sizes in MB', () => {
    expect(summary.inputMegabytes.toFixed(2)).toBe('0.01');
    expect(summary.forwardBackwardMegabytes.toFixed(2)).toBe('3.63');
    expect(summary.parametersMegabytes.toFixed(2)).toBe('1.03');
    expect(summary.totalMegabytes.toFixed(2)).toBe('4.67');
  });

  test('lists modules as their forward passes end, blocks after their layers', () => {
    const names = summary.rows.slice(0, 7).map(({ type, index }) => `${type}-${index}`);
    expect(names).toEqual([
      'Conv2d-1',
      'BatchNorm2d-2',
      'Conv2d-3',
      'BatchNorm2d-4',
      'Conv2d-5',
      'BatchNorm2d-6',
      'BasicBlock-7',
    ]);
    expect(
      summary.rows.filter(({ type }) => type === 'LambdaLayer').map(({ name }) => name),
    ).toEqual(['layer2.0.shortcut', 'layer3.0.shortcut']);
  });

  test('rows add up to the totals', () => {
    const sum = (pick: (row: (typeof summary.rows)[number]) => number) =>
      summary.rows.reduce((total, row) => total + pick(row), 0);
    expect(sum((row) => row.parameters)).toBe(summary.parameters);
    expect(sum((row) => row.multiplyAdds)).toBe(summary.multiplyAdds);
  });

  test('prints each row with shape, parameters and PyTorch name', () => {
    const lines = formatSummary(summary)
      .split('\n')
      .map((line) => line.trim().split(/\s{2,}/));
    expect(lines).toContainEqual(['Conv2d-18', '[-1, 32, 16, 16]', '4,608', 'layer2.0.conv1']);
    expect(lines).toContainEqual(['Linear-50', '[-1, 10]', '650', 'linear']);
    expect(lines).toContainEqual(['Total params: 269,722']);
    expect(lines).toContainEqual(['Multiply-adds per image: 40.6 M']);
  });
});

describe('other networks', () => {
  test('a projection shortcut (B) adds its convolution and norm', () => {
    const a = summarizeNetwork(createNetwork('resnet20'));
    const b = summarizeNetwork(createNetwork('resnet20', { shortcut: 'B' }));
    expect(b.parameters - a.parameters).toBe(16 * 32 + 64 + 32 * 64 + 128);
    expect(b.rows.some(({ name }) => name === 'layer2.0.shortcut.0')).toBe(true);
    expect(b.rows.some(({ type }) => type === 'LambdaLayer')).toBe(false);
  });

  test('the plain net has the parameters of option A and no shortcut rows', () => {
    const plain = summarizeNetwork(createNetwork('plain20'));
    expect(plain.parameters).toBe(269_722);
    expect(plain.rows.some(({ type }) => type === 'LambdaLayer')).toBe(false);
  });

  test('100 classes change only the linear layer', () => {
    const difference =
      multiplyAdds(createNetwork('resnet20', { classes: 100 })) -
      multiplyAdds(createNetwork('resnet20'));
    expect(difference).toBe(64 * 90);
  });
});
