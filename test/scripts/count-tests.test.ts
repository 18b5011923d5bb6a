// The last lines of CI: every skipped test is counted beside its reason.

import { expect, test } from 'vitest';
import { type CountedModule, countLines } from '../../scripts/count-tests.ts';

function module(
  name: string,
  results: readonly { state: string; note?: string }[],
  state: ReturnType<CountedModule['state']> = 'passed',
): CountedModule {
  return {
    id: `id-${name}`,
    relativeModuleId: `test/${name}.test.ts`,
    state: () => state,
    children: {
      size: results.length,
      allTests: () => results.map((result) => ({ result: () => result })),
    },
  };
}

const passed = { state: 'passed' };
const skipped = { state: 'skipped' };

test('skipped tests are grouped by what their files say, the largest group first', () => {
  const modules = [
    module('a', [passed, skipped]),
    module('b', [skipped, skipped]),
    module('c', [skipped, passed, { state: 'skipped', note: 'not on Windows' }]),
    module('d', [skipped]),
  ];
  const reasons = new Map([
    ['id-a', new Set(['no GPU'])],
    ['id-b', new Set(['no PyTorch', 'no images'])],
    ['id-c', new Set(['no GPU'])],
  ]);
  expect(countLines(modules, reasons)).toEqual([
    '6 skipped:',
    '  2: no GPU (test/a.test.ts, test/c.test.ts)',
    '  2: no PyTorch; no images (test/b.test.ts)',
    '  1: not on Windows (test/c.test.ts)',
    '  1: no reason given (test/d.test.ts)',
    '2 passed, 0 failed',
  ]);
});

test('a file that does not load is a failure', () => {
  const modules = [module('a', [passed, { state: 'failed' }], 'failed'), module('b', [], 'failed')];
  expect(countLines(modules, new Map())).toEqual(['1 passed, 2 failed']);
});
