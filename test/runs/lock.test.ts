import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import { nodeFileSystem } from '../../src/runs/file-system.node.ts';
import type { FileSystem } from '../../src/runs/file-system.ts';
import { lockRun } from '../../src/runs/lock.ts';
import { randomStream } from '../../src/util/random.ts';
import { identity, powerCut, temporaryFolder } from './support/hosts.ts';

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

  test('of a process that cannot be asked is watched: renewed, it is held, whatever the clocks say', async () => {
    const dir = await temporaryFolder();
    let time = 0;
    const lock = await lockRun(nodeFileSystem, dir, identity({ now: () => time }));
    const lines: string[] = [];
    const onWait = (line: string) => lines.push(line);
    let looks = 0;
    const elsewhere = identity({
      ...{ pid: 5, host: 'there', now: () => time - 10 * 60_000 },
      async wait() {
        if (++looks !== 3) return;
        time = 60_000;
        await lock.renew();
      },
    });
    await expect(lockRun(nodeFileSystem, dir, elsewhere, { onWait })).rejects.toThrow(
      'in use by process 100 on here',
    );
    expect(lines).toEqual([expect.stringContaining('watching for up to 90 seconds')]);
    await lock.release();
  });

  test('of a process that cannot be asked is taken over when it was not renewed for long', async () => {
    const dir = await temporaryFolder();
    await lockRun(nodeFileSystem, dir, identity());
    let waited = 0;
    const wait = async (milliseconds: number) => {
      waited += milliseconds;
    };
    const lock = await lockRun(nodeFileSystem, dir, identity({ pid: 5, host: 'there', wait }));
    expect(waited).toBeGreaterThanOrEqual(90_000);
    await lock.check();
  });

  test('of another PID namespace is watched too, although the host has the same name', async () => {
    const dir = await temporaryFolder();
    await lockRun(nodeFileSystem, dir, identity({ space: 'boot 1' }));
    const wait = vi.fn(async () => {});
    await lockRun(nodeFileSystem, dir, identity({ pid: 5, space: 'boot 2', wait }));
    expect(wait).toHaveBeenCalled();
  });

  test('of a process whose number another one has now is taken over at once', async () => {
    const dir = await temporaryFolder();
    await lockRun(nodeFileSystem, dir, identity({ space: 'boot 1', begun: '17' }));
    const isAlive = (_pid: number, begun?: string) => begun === '18';
    const wait = vi.fn(async () => {});
    await lockRun(nodeFileSystem, dir, identity({ pid: 5, space: 'boot 1', isAlive, wait }));
    expect(wait).not.toHaveBeenCalled();
  });

  test.each([
    ['leads out of the folder', { id: '/../../precious' }],
    ['is long', { id: 'a'.repeat(65) }],
    ['is no text', { id: 7 }],
  ])(
    'whose identifier %s is refused as damaged, and nothing is removed',
    async (_what, changes) => {
      const dir = await temporaryFolder();
      await writeFile(`${dir}/precious`, 'years of work');
      await mkdir(`${dir}/run/lock.json.after-`, { recursive: true });
      const planted = { pid: 1, host: 'there', renewed: 0, ...changes };
      await writeFile(`${dir}/run/lock.json`, JSON.stringify(planted));
      await expect(lockRun(nodeFileSystem, `${dir}/run`, identity())).rejects.toThrow(
        /lock.json" is damaged: it is no lock that table6 wrote; .* delete it\.$/,
      );
      expect(await readdir(dir)).toEqual(['precious', 'run']);
    },
  );

  test('that a crash left empty is taken over', async () => {
    const dir = await temporaryFolder();
    await writeFile(`${dir}/lock.json`, '');
    await lockRun(nodeFileSystem, dir, identity());
  });

  test('is had by one of many that find a stale one at the same time, whatever their order', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const dir = await temporaryFolder();
      await lockRun(nodeFileSystem, dir, identity({ pid: 1 }));
      const random = randomStream(seed, 'lock');
      const outcomes = await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) => {
          const alive = identity({ pid: 10 + i, isAlive: (pid) => pid >= 10 });
          return lockRun(
            shuffledFiles(() => random.integer(4) ** 4),
            dir,
            alive,
          );
        }),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await readdir(dir)).toEqual(['lock.json']);
    }
  });

  test('is taken over from one that was killed while taking it over', async () => {
    for (let operations = 0; ; operations++) {
      const dir = await temporaryFolder();
      await lockRun(nodeFileSystem, dir, identity({ pid: 1 }));
      const killed = lockRun(powerCut(operations), dir, identity({ pid: 2 }));
      const finished = await killed.then(
        () => true,
        () => false,
      );
      const third = identity({ pid: 3 });
      await lockRun(nodeFileSystem, dir, third);
      const fourth = identity({ pid: 4, isAlive: (pid) => pid === 3 });
      await expect(lockRun(nodeFileSystem, dir, fourth)).rejects.toThrow('process 3');
      if (finished) break;
    }
  });

  test('of a process that slept while another host took it over is not renewed or removed', async () => {
    const dir = await temporaryFolder();
    let time = 0;
    const now = () => time;
    const asleep = await lockRun(nodeFileSystem, dir, identity({ now }));
    time = 10 * 60_000;
    await lockRun(nodeFileSystem, dir, identity({ pid: 5, host: 'there', now }));
    await expect(asleep.renew()).rejects.toThrow('Another process took over the run');
    await asleep.release();
    expect(await readFile(`${dir}/lock.json`, 'utf8')).toContain('there');
  });
});

/** Lets other work go first a few times before each operation. */
function shuffledFiles(turns: () => number): FileSystem {
  const wait = async () => {
    for (let turn = turns(); turn > 0; turn--) await new Promise(setImmediate);
  };
  const { read, rename, remove, createWhole } = nodeFileSystem;
  return {
    ...nodeFileSystem,
    read: (path) => wait().then(() => read(path)),
    rename: (from, to) => wait().then(() => rename(from, to)),
    remove: (path) => wait().then(() => remove(path)),
    createWhole: (path, bytes) => wait().then(() => createWhole(path, bytes)),
  };
}
