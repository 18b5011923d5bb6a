// What a reader may say of weights: what was assumed, and what was said already.

import { describe, expect, it } from 'vitest';
import { mayBeSaid, remarks } from '../../../../src/web/chapters/test/assumed.ts';

const assumed = { about: 'normalization', text: 'ImageNet’s is assumed.' } as const;
const taken = { about: 'key', text: 'ema is taken.', choices: ['ema', 'student'] } as const;
const plain = { text: 'Not used: epoch.' };

describe('weights', () => {
  it('that leave nothing open ask for nothing', () => {
    expect(mayBeSaid({ notices: [plain] }, {}, [])).toEqual([]);
    expect(remarks({ notices: [plain, assumed] })).toEqual([plain.text]);
  });

  it('show what was assumed, with what it may be instead', () => {
    const names = mayBeSaid({ notices: [assumed, taken] }, {}, taken.choices).map(
      ({ name, choices }) => [name, choices],
    );
    expect(names).toEqual([
      ['key', ['ema', 'student']],
      ['normalization', []],
    ]);
  });

  it('show what was said, which may be said otherwise again', () => {
    const said = { key: 'student', normalization: 'half' } as const;
    expect(mayBeSaid({ notices: [] }, said, taken.choices)).toEqual([
      { name: 'key', text: 'As you said.', choices: ['ema', 'student'] },
      { name: 'normalization', text: 'As you said.', choices: [] },
    ]);
  });
});
