// How a step divides into submissions: all kernels, in their order, each part short at the rate that was
// seen; and how waiting is hurried where callbacks are slow.

import { describe, expect, it, vi } from 'vitest';
import type { OpenDevice } from '../../../src/engine/webgpu/adapter.ts';
import { Device } from '../../../src/engine/webgpu/device.ts';
import { Submissions } from '../../../src/engine/webgpu/submissions.ts';

const kernel = (multiplyAddsPerImage: number) => ({ kernel: { multiplyAddsPerImage } });
const kernels = Array.from({ length: 40 }, (_, i) => kernel(i % 3 === 0 ? 0 : 2e6));
const COUNT = 128;
const WORK = kernels.reduce((sum, { kernel }) => sum + kernel.multiplyAddsPerImage * COUNT, 0);

/** A device of a constant rate, one step after the other. */
function measured(multiplyAddsPerMillisecond: number, steps = 30) {
  let now = 0;
  const submissions = new Submissions(() => now);
  for (let step = 0; step < steps; step++) {
    const finished = submissions.begin(kernels, COUNT);
    now += WORK / multiplyAddsPerMillisecond;
    finished();
  }
  return submissions;
}

describe('a step', () => {
  it.each([1e6, 1e7, 1e9])(
    'on a device of %d multiply-adds a millisecond: parts under 100 ms',
    (rate) => {
      const parts = measured(rate).divide(kernels, COUNT);
      expect(parts.flat()).toEqual(kernels);
      for (const part of parts) {
        const work = part.reduce((sum, { kernel }) => sum + kernel.multiplyAddsPerImage * COUNT, 0);
        // One kernel cannot be divided.
        if (part.length > 1) expect(work / rate).toBeLessThan(100);
        expect(part.length).toBeGreaterThan(0);
      }
    },
  );

  it('is one submission on a fast device, and several before anything is known', () => {
    expect(measured(1e9).divide(kernels, COUNT)).toHaveLength(1);
    expect(new Submissions().divide(kernels, COUNT).length).toBeGreaterThan(1);
  });

  it('does not count the time that the device had an earlier step to do', () => {
    let now = 0;
    const submissions = new Submissions(() => now);
    const inFlight = Array.from({ length: 4 }, () => submissions.begin(kernels, COUNT));
    for (const finished of inFlight) {
      now += WORK / 1e9;
      finished();
    }
    const alone = measured(1e9, 4);
    expect(submissions.divide(kernels, COUNT)).toEqual(alone.divide(kernels, COUNT));
  });
});

describe('waiting for a device', () => {
  function device(slowCallbacks: boolean) {
    const submit = vi.fn();
    const gpu = { lost: new Promise(() => {}), queue: { submit } };
    const open = { device: gpu, adapter: { name: 'test' }, info: {}, slowCallbacks };
    return { submit, device: new Device(open as unknown as OpenDevice) };
  }
  const moment = () => new Promise<string>((resolve) => setTimeout(() => resolve('done'), 50));

  it('submits nothing meanwhile where callbacks come in time', async () => {
    const { device: plain, submit } = device(false);
    expect(await plain.settled(moment())).toBe('done');
    expect(submit).not.toHaveBeenCalled();
  });

  it('submits empty lists until the last wait is over where they are slow', async () => {
    const { device: slow, submit } = device(true);
    await Promise.all([slow.settled(moment()), slow.settled(moment())]);
    expect(submit.mock.calls.length).toBeGreaterThan(2);
    expect(submit.mock.calls.every(([lists]) => lists.length === 0)).toBe(true);
    const before = submit.mock.calls.length;
    await moment();
    expect(submit.mock.calls.length).toBe(before);
    await expect(slow.settled(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
  });
});
