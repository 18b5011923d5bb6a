import { expect, test } from 'vitest';
import { fixed, scientific } from '../../src/util/python-format.ts';

// What Python 3 prints for '{:.Nf}'.format(x).
test.each([
  [1.5625, 3, '1.562'],
  [4.6875, 3, '4.688'],
  [0.0625, 3, '0.062'],
  [0.1875, 3, '0.188'],
  [-1.5625, 3, '-1.562'],
  [2.5, 0, '2'],
  [3.5, 0, '4'],
  [30.46875, 3, '30.469'],
  [1.0005, 3, '1.000'],
  [2.675, 2, '2.67'],
  [100, 3, '100.000'],
  [0, 4, '0.0000'],
  [Number.NaN, 3, 'NaN'],
])('%d with %d digits is %s', (value, digits, text) => expect(fixed(value, digits)).toBe(text));

test.each([
  [0.1, '1.00000e-01'],
  [0.00010000000000000002, '1.00000e-04'],
  [1e-12, '1.00000e-12'],
  [2, '2.00000e+00'],
])('%d as an exponent is %s', (value, text) => expect(scientific(value)).toBe(text));
