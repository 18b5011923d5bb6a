// A run and the device under it: what is kept when the device is lost, and what is said when a run goes
// on elsewhere.

import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Backend, Executable } from '../../src/engine/backend.ts';
import { DeviceError } from '../../src/engine/device-error.ts';
import { nodeFileSystem } from '../../src/runs/file-system.node.ts';
import { openRun } from '../../src/runs/reader.ts';
import { createRun, resumeRun } from '../../src/runs/run.ts';
import { runTraining } from '../../src/runs/session.ts';
import { arithmeticBackend } from '../train/support/backends.ts';
import { collect, ofKind, tinyConfig, tinyDataset } from '../train/support/tiny.ts';
import { temporaryFolder, testHost } from './support/hosts.ts';

const config = tinyConfig({ epochs: 3, checkpointSteps: 2 });
const options = { dataset: tinyDataset(), host: {} };
const gpu = { half: false, adapter: 'Radeon', driver: 'Mesa 25', tiles: 'fixed' };

/** A device with these facts, which is lost in the given training step. */
function device(facts: Backend['facts'], lostIn = Infinity): Backend {
  const inner = arithmeticBackend();
  let steps = 0;
  return {
    ...inner,
    name: 'webgpu',
    facts,
    async compile(program) {
      const executable = await inner.compile(program);
      const losing: Pick<Executable, 'run'> = {
        async run(batch) {
          if (batch.sgd && ++steps >= lostIn) throw new DeviceError('The GPU was lost (reset).');
          return executable.run(batch);
        },
      };
      return Object.assign(Object.create(executable), losing) as Executable;
    },
  };
}

async function newRun(): Promise<string> {
  const dir = `${await temporaryFolder()}/run`;
  await (await createRun(testHost(), { dir, config })).close();
  return dir;
}

async function train(dir: string, backend: Backend) {
  const run = await resumeRun(testHost(), dir);
  return await collect(runTraining({ run, backend, ...options }));
}

describe('a device that is lost', () => {
  test('stops the run with what was saved, and says how it goes on', async () => {
    const dir = await newRun();
    const lost = train(dir, device(gpu, 6));
    await expect(lost).rejects.toThrow(
      'The GPU was lost (reset). What was saved before is whole. To go on, resume the run.',
    );
    await expect(lost).rejects.toMatchObject({ code: 'device-failed', facts: { dir } });
    expect(await readFile(`${dir}/log.txt`, 'utf8')).toMatch(/The GPU was lost .* resume the run/);
    const steps = ofKind(await train(dir, device(gpu)), 'step');
    // The checkpoint after step 5 was the last; step 6 is done again.
    expect(steps.map(({ iteration }) => iteration)).toEqual([6, 7, 8, 9]);
    const whole = await newRun();
    await train(whole, device(gpu));
    const sha256 = async (folder: string) =>
      (await openRun(nodeFileSystem, folder)).summary?.weightsSha256;
    expect(await sha256(dir)).toBe(await sha256(whole));
  });

  test('before the first checkpoint leaves a run that can be begun again', async () => {
    const dir = await newRun();
    const lost = train(dir, device(gpu, 1));
    await expect(lost).rejects.toThrow(/Nothing was saved yet\. To go on, resume the run/);
    await expect(lost).rejects.toBeInstanceOf(DeviceError);
    expect(ofKind(await train(dir, device(gpu)), 'end')[0]?.outcome).toBe('complete');
  });
});

describe('a run that goes on', () => {
  async function noticeOf(first: Backend, second: Backend): Promise<string | undefined> {
    const dir = await newRun();
    await collect(
      runTraining({ run: await resumeRun(testHost(), dir), backend: first, ...options }),
    );
    return ofKind(await train(dir, second), 'start')[0]?.notice;
  }

  test('on the same device says nothing about it', async () => {
    expect(await noticeOf(device(gpu), device(gpu))).toBeUndefined();
  });

  test('on another GPU, driver or choice of tiles says that its bits differ', async () => {
    const changed = { ...gpu, driver: 'Mesa 26', tiles: 'measured' };
    expect(await noticeOf(device(gpu), device(changed))).toMatch(
      /\(driver Mesa 25 then, Mesa 26 now; tiles fixed then, measured now\).*not bit for bit/,
    );
  });

  test('on another engine names that alone', async () => {
    expect(await noticeOf(device(gpu), arithmeticBackend())).toMatch(
      /\(name webgpu then, reference now\)/,
    );
  });
});

test('half precision is refused by a device that has none', async () => {
  const dir = `${await temporaryFolder()}/run`;
  const half = tinyConfig({ half: true });
  const run = await createRun(testHost(), { dir, config: half });
  const attempt = collect(runTraining({ run, backend: arithmeticBackend(), ...options }));
  await expect(attempt).rejects.toThrow(/has no half precision \(arithmetic\)/);
  const facts = { ...gpu, half: true };
  const again = await resumeRun(testHost(), dir);
  const events = await collect(runTraining({ run: again, backend: device(facts), ...options }));
  expect(ofKind(events, 'end')[0]?.outcome).toBe('complete');
});

test('measured tiles are recorded with the session', async () => {
  const tiles = { 'forward 16-16': 'rows 8' };
  const inner = device({ ...gpu, tiles: 'measured' });
  const measuring: Backend = {
    ...inner,
    async compile(program) {
      const readState = async () => ({ adapter: 'Radeon', tiles });
      return Object.assign(await inner.compile(program), { readState });
    },
  };
  const dir = await newRun();
  await train(dir, measuring);
  const { environment } = await openRun(nodeFileSystem, dir);
  expect(environment.sessions[0]).toMatchObject({ backend: { tiles: 'measured' }, tiles });
});
