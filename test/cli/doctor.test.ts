// `table6 doctor`: what this machine has, and whether it computes correctly.

import { expect, test } from 'vitest';
import { createWorkspace, parseJson } from './workspace.ts';

const { run } = createWorkspace();

test('doctor measures the engine, and tests it against the oracle', async () => {
  // A software adapter would take a minute to pass its own test, which is another test's matter.
  const { code, stdout } = await run(['doctor', '--json', '--seconds', '0.1']);
  expect(code).toBe(0);
  const { engine, gpu } = parseJson(stdout) as {
    engine: {
      ok: boolean;
      facts: { simdWidth: number };
      selfTest: { ok: boolean; deviation: number; bound: number };
    };
    gpu: { adapters: object[]; problem?: string; selfTest?: object };
  };
  expect(engine.ok).toBe(true);
  expect([128, 256]).toContain(engine.facts.simdWidth);
  expect(engine.selfTest.ok).toBe(true);
  expect(engine.selfTest.deviation).toBeGreaterThan(0);
  expect(engine.selfTest.deviation).toBeLessThan(engine.selfTest.bound);
  for (const adapter of gpu.adapters) {
    expect(Object.keys(adapter)).toEqual(
      expect.arrayContaining(['name', 'driver', 'vendor', 'features', 'limits', 'isSoftware']),
    );
  }
  expect(gpu.problem ?? gpu.selfTest).toBeDefined();
});

test('doctor tells people the same', async () => {
  const { code, stdout } = await run(['doctor', '--seconds', '0.1']);
  expect(code).toBe(0);
  const parts = ['Node', 'processor', 'memory', 'CPU engine', 'data cache', 'GPU', '--device auto'];
  for (const part of parts) expect(stdout).toContain(part);
  expect(stdout).toMatch(/self-test: ok, largest relative deviation from the oracle \d\.\de-\d/);
});
