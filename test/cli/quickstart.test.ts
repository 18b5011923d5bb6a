// `table6 quickstart`, which is `npm start`.

import { expect, test } from 'vitest';
import { createWorkspace } from './workspace.ts';

const { at, run } = createWorkspace();

test('without a network it says so, and labels every line that follows', async () => {
  const { code, stdout, stderr } = await run(
    [
      'quickstart',
      '--epochs',
      '1',
      '--limit-batches',
      '2',
      '--save-dir',
      'quick',
      '--threads',
      '1',
    ],
    { TABLE6_DATA: at('empty-cache'), TABLE6_MIRROR: 'http://127.0.0.1:9' },
  );
  expect([code, stderr]).toEqual([0, '']);
  const [first, ...rest] = stdout.trimEnd().split('\n');
  expect(first).toBe('CIFAR-10 is not in the cache; trying to download it.');
  expect(rest.filter((line) => !line.startsWith('[synthetic]'))).toEqual([]);
  expect(stdout).toMatch(/\[synthetic\] CIFAR-10 cannot be had: .*connection is refused/);
  expect(stdout).toMatch(/Table 6 \(He et al\. 2015\) +8\.75 % +CIFAR-10 +64,000/);
  expect(stdout).toMatch(/this run +\d+\.\d\d % +synthetic +2/);
  expect(stdout).toContain('The two numbers cannot be compared');
  expect(stdout).toMatch(/The run is in quick\. What next:/);
});
