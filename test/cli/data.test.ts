// `table6 data`: what a data set is, and which are there.

import { expect, test } from 'vitest';
import { createWorkspace, DATA, parseJson } from './workspace.ts';

const { at, run } = createWorkspace();

test('data tells counts, classes and checksums', async () => {
  const { stdout } = await run(['data', DATA, '--json']);
  const facts = parseJson(stdout) as {
    train?: { count: number; sha256: string };
    classes?: string[];
  };
  expect(facts.train?.count).toBe(640);
  expect(facts.train?.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(facts.classes).toHaveLength(10);
});

test('data without a name tells what is in the cache', async () => {
  const { stdout } = await run(['data', '--json'], { TABLE6_DATA: at('cache') });
  expect(parseJson(stdout)).toEqual({
    cache: at('cache'),
    datasets: [
      { name: 'cifar10', cached: false },
      { name: 'cifar100', cached: false },
    ],
  });
});
