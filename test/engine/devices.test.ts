import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/engine/backend.ts';
import {
  type DeviceHosts,
  deviceName,
  openDeviceBackend,
  parseDevice,
} from '../../src/engine/devices.ts';

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

describe('opening a device', () => {
  const backend = (description: string) => ({ description }) as unknown as Backend;
  const hosts = (adapter: { description: string } | null): DeviceHosts => ({
    gpu: {
      open: async () =>
        ({
          requestAdapter: async () => adapter && { info: adapter, features: new Set(), limits: {} },
        }) as unknown as GPU,
      describes: 'adapter',
      mayHaveGpu: () => true,
      adviceWithoutAdapter: 'Install a driver.',
    },
    openCpu: async () => backend('cpu'),
    openReference: async () => backend('reference'),
  });

  it('auto takes the CPU where there is no GPU, or only a software one', async () => {
    for (const adapter of [null, { description: 'llvmpipe (LLVM 15)' }]) {
      const opened = await openDeviceBackend({ kind: 'auto' }, hosts(adapter));
      expect(opened.description).toBe('cpu');
    }
  });

  it('auto tries a real GPU, and does not hide that it fails', async () => {
    const attempt = openDeviceBackend({ kind: 'auto' }, hosts({ description: 'Radeon' }));
    await expect(attempt).rejects.toThrow('The GPU "Radeon" cannot be opened');
  });

  it('webgpu does not fall back', async () => {
    const attempt = openDeviceBackend({ kind: 'webgpu' }, hosts(null));
    await expect(attempt).rejects.toThrow('finds no usable GPU. Install a driver.');
  });

  it('a name does not match another GPU', async () => {
    const request = { kind: 'webgpu', adapterName: 'Arc' } as const;
    const attempt = openDeviceBackend(request, hosts({ description: 'Radeon' }));
    await expect(attempt).rejects.toThrow('no GPU with "Arc" in its name (found "Radeon").');
  });

  it.each(['auto', 'cpu', 'reference'] as const)('%s refuses half precision', async (kind) => {
    const attempt = openDeviceBackend({ kind }, hosts(null), { half: true });
    await expect(attempt).rejects.toThrow(/--half needs a GPU/);
  });
});
