// scripts/kill-test.ts in small: real processes, SIGKILL, `table6 train --resume`.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const script = join(import.meta.dirname, '..', '..', 'scripts', 'kill-test.ts');

test('a run that is killed three times ends with the weights of one never stopped', async () => {
  const data = 'synthetic:train=200,test=50';
  const settings = ['--kills', '3', '--epochs', '4', '--seed', '1', '--data', data];
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...settings]);
  expect(stdout).toContain('killed 3 times');
  expect(stdout).toContain('Weights and metrics are equal.');
}, 240_000);
