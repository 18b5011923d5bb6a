import { describe, expect, it } from 'vitest';
import {
  checkThreads,
  chooseDevice,
  type DeviceSettings,
  deviceName,
  parseDevice,
} from '../../src/engine/devices.ts';
import { UserError } from '../../src/util/errors.ts';

describe('the name of a device', () => {
  it('is auto, cpu, reference, webgpu, or webgpu and part of an adapter’s name', () => {
    expect(parseDevice('auto')).toEqual({ kind: 'auto' });
    expect(parseDevice('CPU')).toEqual({ kind: 'cpu' });
    expect(parseDevice('webgpu')).toEqual({ kind: 'webgpu' });
    expect(parseDevice('webgpu: Arc A770')).toEqual({ kind: 'webgpu', adapterName: 'Arc A770' });
    expect(parseDevice('webgpu:a:b')).toEqual({ kind: 'webgpu', adapterName: 'a:b' });
  });

  it.each(['auto', 'cpu', 'reference', 'webgpu', 'webgpu:Arc A770'])(
    '%s is written back',
    (name) => {
      expect(deviceName(parseDevice(name))).toBe(name);
    },
  );

  it.each(['gpu', 'cuda:0', 'cpu:2', 'webgpu:', 'webgpu: ', ''])('is not %j', (text) => {
    expect(() => parseDevice(text)).toThrow(/must be auto, cpu, webgpu, webgpu:<part/);
  });
});

/** The code of the error that a choice is refused with; undefined where it is not. */
function refusal(settings: DeviceSettings) {
  try {
    chooseDevice(settings);
  } catch (error) {
    if (error instanceof UserError) return error.code;
    throw error;
  }
  return undefined;
}

describe('what a choice of device cannot do is said before anything is opened', () => {
  it('half precision on devices that never have it', () => {
    for (const device of ['cpu', 'reference'] as const) {
      expect(() => chooseDevice({ device, half: true })).toThrow(
        /^Half precision needs a GPU, and/,
      );
      expect(refusal({ device, half: true })).toBe('half-needs-gpu');
      expect(refusal({ device })).toBeUndefined();
    }
    for (const device of ['auto', 'webgpu', 'webgpu:x'] as const) {
      expect(refusal({ device, half: true })).toBeUndefined();
    }
  });

  it('tensor cores without half precision', () => {
    expect(refusal({ device: 'webgpu', tensorCores: 'on' })).toBe('tensor-cores-need-half');
    expect(refusal({ device: 'webgpu', tensorCores: 'auto' })).toBeUndefined();
    expect(refusal({ device: 'webgpu', half: true, tensorCores: 'on' })).toBeUndefined();
  });

  it("the CPU engine's algorithms elsewhere; with auto they are a choice of the CPU", () => {
    const convolution = 'direct';
    for (const device of ['webgpu', 'webgpu:x', 'reference'] as const) {
      expect(refusal({ device, convolution })).toBe('convolution-needs-cpu');
    }
    for (const device of ['auto', 'cpu'] as const) {
      expect(chooseDevice({ device, convolution })).toEqual({ kind: 'cpu' });
      expect(refusal({ device, convolution, half: true })).toBe('convolution-or-half');
    }
  });
});

describe('a number of threads', () => {
  it.each([1, 2, 16])('may be %d on any machine', (threads) => {
    expect(() => checkThreads(threads, 1)).not.toThrow();
  });

  it('may be some times the cores, but no number that takes minutes to start', () => {
    expect(() => checkThreads(256, 64)).not.toThrow();
    expect(() => checkThreads(1000, 64)).toThrow(
      'must be a whole number from 1 to 256 on this machine (64 cores), not 1000.',
    );
  });

  it.each([0, -1, 1.5, Number.NaN])('is not %d', (threads) => {
    expect(() => checkThreads(threads, 1)).toThrow(/from 1 to 16 on this machine \(1 core\), not/);
  });
});
