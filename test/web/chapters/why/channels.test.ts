// What the drawing of shortcuts says is what the networks are.

import { describe, expect, it } from 'vitest';
import { parametersWith, shortcutChannels } from '../../../../src/web/chapters/why/channels.ts';

describe('shortcuts where channels double', () => {
  it('A: zeros before and behind, every input channel once, nothing to train', () => {
    const { inputs, outputs, inSize, outSize, parameters, sources } = shortcutChannels('A', 2);
    expect({ inputs, outputs, inSize, outSize, parameters }).toEqual({
      ...{ inputs: 16, outputs: 32, inSize: 32, outSize: 16, parameters: 0 },
    });
    const all = Array.from({ length: outputs }, (_, i) => sources(i));
    expect(all.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => []));
    expect(all.slice(8, 24).flat()).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(all.slice(24)).toEqual(Array.from({ length: 8 }, () => []));
  });

  it('B: every output of all inputs, at a price that is that of the whole network', () => {
    expect(shortcutChannels('B', 3).sources(5)).toHaveLength(32);
    const price = shortcutChannels('B', 2).parameters + shortcutChannels('B', 3).parameters;
    expect(price).toBe(parametersWith('resnet20', 'B') - parametersWith('resnet20', 'A'));
  });
});
