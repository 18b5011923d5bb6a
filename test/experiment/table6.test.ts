import { describe, expect, test } from 'vitest';
import { TABLE6, table6Row } from '../../src/experiment/table6.ts';
import { createNetwork, TABLE6_DEPTHS } from '../../src/nn/network.ts';
import { parameterCount } from '../../src/nn/parameters.ts';

describe.each(TABLE6)('$arch', (row) => {
  const network = createNetwork(row.arch);

  test('has the parameters and layers of the table, and 3n blocks', () => {
    expect(parameterCount(network)).toBe(row.parameters);
    expect(network.depth).toBe(row.layers);
    expect(network.depth).toBe(6 * row.n + 2);
    expect(network.blocks).toHaveLength(3 * row.n);
  });
});

test('the table has the six networks, and nothing for others', () => {
  expect(TABLE6.map(({ layers }) => layers)).toEqual([...TABLE6_DEPTHS]);
  expect(table6Row('resnet56')?.paperError).toBe(6.97);
  expect(table6Row('resnet1202')?.notebookError).toBeUndefined();
  expect(table6Row('resnet38')).toBeUndefined();
});
