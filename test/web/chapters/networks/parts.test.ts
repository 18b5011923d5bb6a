// The drawing's parts are the whole network, no more and no less.

import { describe, expect, it } from 'vitest';
import { createNetwork } from '../../../../src/nn/network.ts';
import { summarizeNetwork } from '../../../../src/nn/summary.ts';
import {
  partsOf,
  shapeText,
  shortCount,
  shortcutText,
  stageTitle,
} from '../../../../src/web/chapters/networks/parts.ts';

describe('the parts of a network', () => {
  for (const [arch, shortcut] of [
    ['resnet20', 'A'],
    ['resnet56', 'B'],
    ['plain20', undefined],
    ['resnet1202', 'A'],
  ] as const) {
    it(`${arch} ${shortcut ?? ''}: blocks and their figures add up to the summary's`, () => {
      const network = createNetwork(arch, { shortcut });
      const summary = summarizeNetwork(network);
      const parts = partsOf(network);
      expect(parts).toHaveLength(summary.blocks + 2);
      const sum = (key: 'parameters' | 'multiplyAdds') =>
        parts.reduce((total, part) => total + part[key], 0);
      expect(sum('parameters')).toBe(summary.parameters);
      expect(sum('multiplyAdds')).toBe(summary.multiplyAdds);
      const rows = parts.flatMap((part) => part.rows);
      expect(rows).toEqual(summary.rows.filter(({ type }) => type !== 'BasicBlock'));
    });
  }

  it('each takes what the one before gives', () => {
    const parts = partsOf(createNetwork('resnet32'));
    parts.slice(1).forEach((part, i) => {
      expect(part.input).toEqual(parts[i]!.output);
    });
  });

  it('are named by stage, and their shortcuts said in words', () => {
    const parts = partsOf(createNetwork('resnet20', { shortcut: 'B' }));
    expect(stageTitle(2, parts)).toBe('Stage 2: 3 blocks, maps of 16 × 16, 32 channels');
    const block = parts.find(({ name }) => name === 'layer2.0')!;
    expect(block.title).toBe('Stage 2, block 1 of 3');
    expect(shapeText(block.output)).toBe('16 × 16 × 32');
    expect(shortcutText(block)).toContain('1 × 1 convolution');
    expect(shortcutText(parts[0]!)).toBe('');
  });
});

it('counts are short', () => {
  expect([640, 4672, 40_552_320, 2_829_185_664].map(shortCount)).toEqual([
    ...['640', '4.7 k', '40.6 M', '2,829.2 M'],
  ]);
});
