// What is believed of the optional package `webgpu`, which is not ours.

import { expect, test } from 'vitest';
import { findAdapters } from '../../src/cli/session/adapters.ts';

const packageWith = (requestAdapter: () => Promise<unknown>) => async () => ({
  create: () => ({ requestAdapter }),
});

test('its absence is told, not thrown', async () => {
  const facts = await findAdapters(() => Promise.reject(new Error('Cannot find package')));
  expect(facts).toEqual({
    installed: false,
    adapters: [],
    problem: 'the optional package webgpu is not installed',
  });
});

test('an adapter is described by what it says of itself', async () => {
  const adapter = {
    info: { vendor: 'nvidia', architecture: 'hopper', device: '', description: 'H200' },
    features: new Set(['shader-f16']),
  };
  const facts = await findAdapters(packageWith(async () => adapter));
  expect(facts).toEqual({ installed: true, adapters: ['nvidia, hopper, H200 (half precision)'] });
});

test('no adapter, a failing driver and a strange package each say so', async () => {
  const none = await findAdapters(packageWith(async () => null));
  expect(none.problem).toBe('no adapter found');
  const failing = await findAdapters(packageWith(() => Promise.reject(new Error('no Vulkan'))));
  expect(failing).toEqual({ installed: true, adapters: [], problem: 'no Vulkan' });
  const strange = await findAdapters(async () => ({}));
  expect(strange.problem).toMatch(/no function "create"/);
});
