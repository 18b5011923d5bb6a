// `table6 doctor`: what this machine has.

import { expect, test } from 'vitest';
import { createWorkspace, parseJson } from './workspace.ts';

const { run } = createWorkspace();

test('doctor measures the engine', async () => {
  const { code, stdout } = await run(['doctor', '--json']);
  expect(code).toBe(0);
  const { engine } = parseJson(stdout) as {
    engine?: { ok: boolean; facts: { simdWidth: number } };
  };
  expect(engine?.ok).toBe(true);
  expect([128, 256]).toContain(engine?.facts.simdWidth);
  const text = await run(['doctor']);
  for (const part of ['Node', 'processor', 'memory', 'CPU engine', 'data cache', 'GPU']) {
    expect(text.stdout).toContain(part);
  }
});
