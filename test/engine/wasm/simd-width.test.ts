// The wide path: V8 fuses pairs of 128-bit operations to 256 bits behind a flag, and fails silently, so
// this checks that it is in effect where it must be, and that it changes no bit. That a whole step gains
// by it is measured by `npm run bench -- --width 256,128`.

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { createWasmBackend } from '../../../src/engine/wasm/backend.ts';
import { createInlineHost } from '../../../src/engine/wasm/host-inline.ts';
import { lacks } from '../../support/skip.ts';
import { ALGORITHMS, kernelKinds, WIDTH_PROGRAMS } from './width-programs.ts';

interface ChildResult {
  /** What the backend says of itself. */
  readonly width: 128 | 256;
  readonly kernels: { readonly fused: string; readonly separate: string };
  /** By program. */
  readonly programs: Readonly<Record<string, string>>;
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

const withoutAvx2 = lacks(hasAvx2() === true, '/proc/cpuinfo tells of no AVX2');

describe('with and without the wide path', () => {
  let wide: ChildResult;
  let narrow: ChildResult;
  beforeAll(async () => {
    [wide, narrow] = await Promise.all([run('wide'), run('narrow')]);
  });

  test.skipIf(withoutAvx2)(
    'it is in effect on x64 with AVX2 (skipped where /proc/cpuinfo does not say so)',
    () => expect(wide.width).toBe(256),
  );

  test('it is not in effect without the flag', () => expect(narrow.width).toBe(128));

  test.each(['fused', 'separate'] as const)('every kernel gives the same bits, %s', (mode) => {
    expect(wide.kernels[mode]).toBe(narrow.kernels[mode]);
  });

  test('so do whole steps and evaluations', () => {
    expect(Object.keys(wide.programs)).toHaveLength(ALGORITHMS.length * WIDTH_PROGRAMS.length);
    expect(wide.programs).toEqual(narrow.programs);
  });

  test.each(ALGORITHMS)('those have every kind of kernel that Table 6 needs, %s', (algorithm) => {
    const compared = new Set(
      WIDTH_PROGRAMS.flatMap((each) => [...kernelKinds(each, algorithm, 40)]),
    );
    for (const shortcut of ['A', 'B'] as const) {
      for (const memory of ['keep', 'recompute'] as const) {
        for (const freeze of [undefined, 'layer1', 'layer2'] as const) {
          const needed = kernelKinds(
            { arch: 'resnet20', shortcut, memory, freeze },
            algorithm,
            128,
          );
          expect([...needed].filter((kind) => !compared.has(kind))).toEqual([]);
        }
      }
    }
  });

  // Processors with AVX2 have fused multiply-adds; without them both kinds round twice.
  test.skipIf(withoutAvx2)(
    'one rounding and two differ: digests see the last bit (skipped where /proc/cpuinfo has no avx2)',
    () => expect(wide.kernels.fused).not.toBe(wide.kernels.separate),
  );
});

test('one rounding is the default wherever it runs, however fast two may be at the moment', async () => {
  for (const [asked, multiplyAdd] of [
    [undefined, 'fused'],
    ['fused', 'fused'],
    ['separate', 'separate'],
  ] as const) {
    const options = { host: createInlineHost(), threads: 1, multiplyAdd: asked };
    const backend = await createWasmBackend(options);
    expect(backend.facts.multiplyAdd).toBe(multiplyAdd);
    expect(backend.ceiling).toBeGreaterThan(0);
    await backend.dispose();
  }
});
