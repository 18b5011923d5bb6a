// Tuning on Dawn's null backend: every candidate is compiled and dispatched, and its clock stands still.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lowerTraining } from '../../../src/engine/lower-train.ts';
import { openDevice } from '../../../src/engine/webgpu/adapter.ts';
import { defaultTiles, tileCandidates } from '../../../src/engine/webgpu/candidates.ts';
import { compileKernels } from '../../../src/engine/webgpu/compile.ts';
import { Device, type PipelineSource } from '../../../src/engine/webgpu/device.ts';
import { createNodeGpuHost } from '../../../src/engine/webgpu/host.node.ts';
import { createFileTileCache } from '../../../src/engine/webgpu/tile-cache.node.ts';
import { type GradientTile, gradientKey } from '../../../src/engine/webgpu/tiles.ts';
import {
  type TileCache,
  tileName,
  tilesNamed,
  tuneTiles,
} from '../../../src/engine/webgpu/tune.ts';
import { createNetwork } from '../../../src/nn/network.ts';

const program = lowerTraining(createNetwork('resnet20', { shortcut: 'A' }), { batchSize: 2 });
const candidates = tileCandidates();
const sources = (names: Awaited<ReturnType<typeof tuneTiles>>) =>
  compileKernels(program, { tiles: tilesNamed(names, candidates) }).body.map(
    ({ source }) => source,
  );

describe('tuning', () => {
  let device: Device;
  let folder: string;
  beforeAll(async () => {
    device = new Device(await openDevice(createNodeGpuHost({ backend: 'null' })));
    folder = await mkdtemp(path.join(tmpdir(), 'table6-tiles-'));
  });
  afterAll(async () => {
    device.dispose();
    await rm(folder, { recursive: true });
  });

  it('measures once, and then remembers', async () => {
    const cache = createFileTileCache(folder);
    const sets: [string, string][] = [];
    const spied: TileCache = {
      get: (key) => cache.get(key),
      set: async (key, value) => {
        sets.push([key, value]);
        await cache.set(key, value);
      },
    };
    const first = await tuneTiles(device, program, 'f32', candidates, spied);
    const second = await tuneTiles(device, program, 'f32', candidates, spied);
    expect(sets).toHaveLength(1);
    const choice = JSON.parse(sets[0]![1]) as Record<string, string>;
    // The stem, three stages and two strides; the stem has no input gradient.
    expect(Object.keys(choice).filter((key) => key.startsWith('forward'))).toHaveLength(6);
    expect(Object.keys(choice).filter((key) => key.startsWith('inputGradient'))).toHaveLength(5);
    expect(Object.keys(choice).filter((key) => key.startsWith('weightGradient'))).toHaveLength(6);
    expect(sources(second)).toEqual(sources(first));
  });

  it('compiles everything before it times anything, so that the device never idles', async () => {
    const fresh = new Device(await openDevice(createNodeGpuHost({ backend: 'null' })));
    const events: ('compile' | 'submit')[] = [];
    const known = new Set<string>();
    const queue = new Proxy(fresh.gpu.queue, {
      get(target, name) {
        if (name === 'submit') events.push('submit');
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const gpu = new Proxy(fresh.gpu, {
      get(target, name) {
        if (name === 'queue') return queue;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const watched = Object.create(fresh, {
      gpu: { value: gpu },
      pipeline: {
        value: (kernel: PipelineSource) => {
          if (!known.has(kernel.source)) events.push('compile');
          known.add(kernel.source);
          return fresh.pipeline(kernel);
        },
      },
    }) as Device;
    await tuneTiles(watched, program, 'f32', candidates);
    fresh.dispose();
    const first = events.indexOf('submit');
    expect(first).toBeGreaterThan(50);
    expect(events.slice(first)).not.toContain('compile');
  });

  it('takes a remembered choice at its word, and a damaged one for none', async () => {
    const key = 'weightGradient 64-64 8 k3 s1';
    let tiles: readonly GradientTile[] = [];
    compileKernels(program, {
      tiles: {
        ...defaultTiles(candidates),
        gradient(conv) {
          const all = candidates.gradient(conv);
          if (gradientKey(conv) === key) tiles = all;
          return all[0]!;
        },
      },
    });
    const [usualTile, , , otherTile] = tiles;
    const remembered = (value: string): TileCache => ({
      get: async () => value,
      set: async () => {},
    });
    const kernelsAfter = async (value: string) =>
      sources(await tuneTiles(device, program, 'f32', candidates, remembered(value)));
    const usual = await kernelsAfter('{}');
    expect(await kernelsAfter(JSON.stringify({ [key]: tileName(usualTile!) }))).toEqual(usual);
    expect(await kernelsAfter(JSON.stringify({ [key]: tileName(otherTile!) }))).not.toEqual(usual);
    expect(await kernelsAfter(JSON.stringify({ [key]: 'a tile of another version' }))).toEqual(
      usual,
    );
    // Such as the products of convolutions on tensor cores, which there are no more.
    const removed =
      'rows 8, columns 8, channels 32, chunk 16, threadPixels 4, threadQuads 1, staging "f16", matrices {"unit":{"m":16,"n":16,"k":16}}';
    const keys = ['forward 64-64 8 k3 s1 p1', 'inputGradient 64-64 8 k3 s1 p1'];
    const old = Object.fromEntries(keys.map((name) => [name, removed]));
    expect(await kernelsAfter(JSON.stringify(old))).toEqual(usual);
    await writeFile(path.join(folder, 'webgpu-tiles.json'), '{"broken');
    expect(await createFileTileCache(folder).get('anything')).toBeUndefined();
  });

  it('is none of the business of other drivers', async () => {
    const keys: string[] = [];
    const spied: TileCache = {
      get: async (key) => {
        keys.push(key);
        return '{}';
      },
      set: async () => {},
    };
    const updated = Object.create(device, {
      facts: { value: { ...device.facts, driver: 'NVIDIA: 600.1' } },
    }) as Device;
    for (const each of [device, updated]) await tuneTiles(each, program, 'f32', candidates, spied);
    expect(new Set(keys).size).toBe(2);
  });

  it('goes on where its choice cannot be written', async () => {
    const file = path.join(folder, 'a file');
    await writeFile(file, '');
    const cache = createFileTileCache(file);
    await cache.set('key', 'value');
    expect(await cache.get('key')).toBeUndefined();
  });
});
