// The wide path: V8 fuses pairs of 128-bit operations to 256 bits behind a flag, and fails silently, so
// this checks that it is in effect where it must be, that it changes no bit, and that it is faster.

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { measureSimd } from '../../../src/engine/wasm/features.ts';

interface ChildResult {
  readonly width: 128 | 256;
  readonly fused: string;
  readonly separate: string;
}

const child = fileURLToPath(new URL('./width-child.ts', import.meta.url));

async function run(path: 'wide' | 'narrow'): Promise<ChildResult> {
  const { stdout } = await promisify(execFile)(process.execPath, [child, path]);
  return JSON.parse(stdout) as ChildResult;
}

/** AVX2 on x64, as far as the system tells. */
function hasAvx2(): boolean | null {
  if (process.arch !== 'x64' || !existsSync('/proc/cpuinfo')) return null;
  return /\bavx2\b/.test(readFileSync('/proc/cpuinfo', 'utf8'));
}

describe('with and without the wide path', () => {
  let wide: ChildResult;
  let narrow: ChildResult;
  beforeAll(async () => {
    wide = await run('wide');
    narrow = await run('narrow');
  });

  test.skipIf(hasAvx2() !== true)(
    'it is in effect on x64 with AVX2 (skipped where /proc/cpuinfo does not say so)',
    () => expect(wide.width).toBe(256),
  );

  test('it is not in effect without the flag', () => expect(narrow.width).toBe(128));

  test('every kernel gives the same bits', () => {
    expect(wide.fused).toBe(narrow.fused);
    expect(wide.separate).toBe(narrow.separate);
  });
});

test('the multiply-add that it chooses is measured, and not clearly slower than the other', () => {
  const { rates, gflops, multiplyAdd } = measureSimd();
  expect(rates[multiplyAdd]).toBe(gflops);
  expect(gflops).toBeGreaterThan(0);
  expect(Math.max(rates.fused, rates.separate)).toBeLessThanOrEqual(1.25 * gflops);
});
