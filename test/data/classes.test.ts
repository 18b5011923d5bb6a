// Class names are compared as a reader does, and matched where they are the same in another order.

import { expect, test } from 'vitest';
import { matchClasses } from '../../src/data/classes.ts';

test('the same names, however they are written', () => {
  expect(matchClasses(['Red Cat', 'grün'], ['red_cat', 'gru\u0308n'])).toEqual({ kind: 'same' });
});

test('the same names in another order: which of the weights’ classes each is', () => {
  expect(matchClasses(['a', 'b', 'c'], ['c', 'a', 'b'])).toEqual({
    kind: 'reordered',
    order: [2, 0, 1],
  });
});

test('one name that is another: the first that differs', () => {
  expect(matchClasses(['airplane', 'car', 'ship'], ['airplane', 'ship', 'auto'])).toEqual({
    kind: 'different',
    at: 1,
  });
  expect(matchClasses(['a', 'b'], ['a', 'a'])).toEqual({ kind: 'different', at: 1 });
});
