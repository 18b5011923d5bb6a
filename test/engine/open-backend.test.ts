// The one door to the backends, with hosts whose GPUs are made up.

import { describe, expect, it } from 'vitest';
import type { DeviceName } from '../../src/engine/devices.ts';
import { type BackendHost, openBackendOn } from '../../src/engine/open-backend.ts';
import { createInlineHost } from '../../src/engine/wasm/host-inline.ts';

type Adapter = { readonly description: string } | null;

function hostWith(adapter: Adapter, more: Partial<BackendHost> = {}): BackendHost {
  return {
    testsGpu: false,
    openGpuHost: async () => ({
      open: async () =>
        ({
          requestAdapter: async () => adapter && { info: adapter, features: new Set(), limits: {} },
        }) as unknown as GPU,
      describes: 'adapter',
      mayHaveGpu: () => true,
      adviceWithoutAdapter: 'Install a driver.',
    }),
    openCpuHost: async (threads = 1) => ({ host: createInlineHost(), threads }),
    ...more,
  };
}

async function opened(device: DeviceName | undefined, host: BackendHost) {
  const backend = await openBackendOn(host, { device });
  await backend.dispose();
  return backend;
}

describe('opening a backend', () => {
  it.each([
    ['cpu', 'wasm'],
    ['reference', 'reference'],
  ] as const)('%s gives the %s backend', async (device, name) => {
    expect((await opened(device, hostWith(null))).name).toBe(name);
  });

  it('auto, which is the default, takes the CPU where there is no GPU, or only software', async () => {
    for (const adapter of [null, { description: 'llvmpipe (LLVM 15)' }]) {
      for (const device of ['auto', undefined] as const) {
        const { description } = await opened(device, hostWith(adapter));
        expect(description).toMatch(/^wasm, 1 thread, \d+-bit SIMD, Winograd F\(4×4, 3×3\)$/);
      }
    }
  });

  it('auto tries a real GPU, and does not hide that it fails', async () => {
    const attempt = openBackendOn(hostWith({ description: 'Radeon' }));
    await expect(attempt).rejects.toThrow('The GPU "Radeon" cannot be opened');
  });

  it('webgpu does not fall back', async () => {
    const attempt = openBackendOn(hostWith(null), { device: 'webgpu' });
    await expect(attempt).rejects.toThrow('finds no usable GPU. Install a driver.');
    await expect(attempt).rejects.toMatchObject({ code: 'no-gpu' });
  });

  it('a name does not match another GPU', async () => {
    const attempt = openBackendOn(hostWith({ description: 'Radeon' }), { device: 'webgpu:Arc' });
    await expect(attempt).rejects.toThrow('no GPU with "Arc" in its name (found "Radeon").');
  });

  it.each(['auto', 'cpu', 'reference'] as const)('%s refuses half precision', async (device) => {
    const attempt = openBackendOn(hostWith(null), { device, half: true });
    await expect(attempt).rejects.toThrow(/^Half precision needs a GPU/);
  });

  it('an algorithm of the CPU engine makes auto the CPU, whatever GPU there is', async () => {
    const backend = await openBackendOn(hostWith({ description: 'Radeon' }), {
      convolution: 'direct',
    });
    expect(backend.description).toMatch(/^wasm, .*direct convolution$/);
    await backend.dispose();
  });
});

describe('on a page, where nobody else has tried the GPU', () => {
  const page = { testsGpu: true };

  it.each([
    [null, 'WebGPU finds no GPU'],
    [{ description: 'SwiftShader' }, 'WebGPU finds only "SwiftShader", which is software'],
    [{ description: 'Radeon' }, 'the GPU failed the self-test: The GPU "Radeon" cannot be opened'],
  ])('auto says why it is the CPU (%j)', async (adapter, reason) => {
    const { name, description } = await opened('auto', hostWith(adapter, page));
    expect(name).toBe('wasm');
    expect(description).toContain(` (${reason}`);
  });

  it('half precision is not given up for a GPU that fails', async () => {
    const attempt = openBackendOn(hostWith({ description: 'Radeon' }, page), { half: true });
    await expect(attempt).rejects.toMatchObject({ code: 'half-needs-gpu' });
  });

  it('what the host says of its threads is part of the description', async () => {
    const note = 'one thread, because the page is not cross-origin isolated';
    const host = hostWith(null, {
      openCpuHost: async () => ({ host: createInlineHost(), threads: 1, note }),
    });
    expect((await opened('cpu', host)).description).toMatch(
      /^wasm, 1 thread, .* \(one thread, because the page is not cross-origin isolated\)$/,
    );
  });
});
