import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nodeHost } from '../../src/runs/runs.node.ts';
import { lacks } from '../support/skip.ts';

const { isAlive } = nodeHost.self;

test('this process lives, one that was waited for does not', async () => {
  expect(isAlive(process.pid)).toBe(true);
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  expect(isAlive(child.pid!)).toBe(false);
});

test.skipIf(lacks(existsSync('/proc/self/stat'), 'only /proc tells of such processes'))(
  'one that ended and that its parent has not noticed does not live',
  async () => {
    // The shell becomes a program that never waits for the child it had.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60']);
    try {
      const [line] = await once(parent.stdout, 'data');
      const pid = Number(String(line));
      const state = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]![0];
      await expect.poll(state).toBe('Z');
      expect(isAlive(pid)).toBe(false);
    } finally {
      parent.kill('SIGKILL');
    }
  },
);
