// How a report writes its numbers.

import { expect, test } from 'vitest';
import { duration, signed } from '../../../src/experiment/report/format.ts';

test.each([
  [59, '59 s'],
  [75, '1 min'],
  [3675, '1 h 1 min'],
  [200_000, '2.3 days'],
])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));

test('differences have a sign, and none when they are nothing', () => {
  expect([signed(0.5), signed(-0.5), signed(-0.001)]).toEqual(['+0.50', '−0.50', '0.00']);
});
