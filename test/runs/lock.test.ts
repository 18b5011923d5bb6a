import { readdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/runs/file-system.node.ts';
import { lockRun } from '../../src/runs/lock.ts';
import { identity, temporaryFolder } from './support/hosts.ts';

const other = identity({ pid: 200, isAlive: (pid) => pid === 100 });

describe('the lock of a run folder', () => {
  test('keeps a second process out while the first lives, naming it', async () => {
    const dir = await temporaryFolder();
    await lockRun(nodeFileSystem, dir, identity());
    await expect(lockRun(nodeFileSystem, dir, other)).rejects.toThrow(
      `The run "${dir}" is in use by process 100 on here: wait for it to finish or stop it first (if it is certainly gone, delete "${dir}/lock.json").`,
    );
  });

  test('is free after release', async () => {
    const dir = await temporaryFolder();
    await (await lockRun(nodeFileSystem, dir, identity())).release();
    await lockRun(nodeFileSystem, dir, other);
  });

  test('of a killed process is taken over', async () => {
    const dir = await temporaryFolder();
    await lockRun(nodeFileSystem, dir, identity());
    await lockRun(nodeFileSystem, dir, identity({ pid: 200, isAlive: () => false }));
    expect(await readdir(dir)).toEqual(['lock.json']);
  });

  test('with our own process number is an old one (containers give numbers again)', async () => {
    const dir = await temporaryFolder();
    await lockRun(nodeFileSystem, dir, identity());
    await lockRun(nodeFileSystem, dir, identity({ isAlive: () => true }));
  });

  test('of another host is respected while it is renewed, and taken over five minutes later', async () => {
    const dir = await temporaryFolder();
    let time = 0;
    const now = () => time;
    const lock = await lockRun(nodeFileSystem, dir, identity({ now }));
    const elsewhere = identity({ pid: 5, host: 'there', now });
    time = 4 * 60_000;
    await lock.renew();
    time = 8 * 60_000;
    await expect(lockRun(nodeFileSystem, dir, elsewhere)).rejects.toThrow('process 100 on here');
    time = 10 * 60_000;
    await lockRun(nodeFileSystem, dir, elsewhere);
  });

  test('that a crash left empty is taken over', async () => {
    const dir = await temporaryFolder();
    await writeFile(`${dir}/lock.json`, '');
    await lockRun(nodeFileSystem, dir, identity());
  });

  test('is had by one of many that find a stale one at the same time', async () => {
    const dir = await temporaryFolder();
    await lockRun(nodeFileSystem, dir, identity({ pid: 1 }));
    const attempts = Array.from({ length: 8 }, (_, i) =>
      lockRun(nodeFileSystem, dir, identity({ pid: 10 + i, isAlive: (pid) => pid >= 10 })),
    );
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
