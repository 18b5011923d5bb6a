import { expect, test } from 'vitest';
import { alignColumns } from '../../src/util/columns.ts';

const table = [
  ['network', 'error'],
  ['resnet20', '8.75'],
  ['x', ''],
];

test('columns are as wide as their widest cell, with nothing behind the last one', () => {
  expect(alignColumns(table, () => false)).toBe('network   error\nresnet20  8.75\nx');
});

test('numbers end at the same place', () => {
  expect(alignColumns(table, (column) => column > 0)).toBe('network   error\nresnet20   8.75\nx');
});
