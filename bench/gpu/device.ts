// The GPU as the phases use it: backends by precision, and what else is known of the machine.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { type AdapterFacts, findAdapter } from '../../src/engine/webgpu/adapter.ts';
import { createWebGpuBackend, type WebGpuBackend } from '../../src/engine/webgpu/backend.ts';
import { createNodeGpuHost } from '../../src/engine/webgpu/host.node.ts';
import { createFileTileCache } from '../../src/engine/webgpu/tile-cache.node.ts';
import { hostFacts } from '../../src/runs/environment.node.ts';
import { UserError } from '../../src/util/errors.ts';
import { inspectMachine } from './driver.ts';
import type { GpuSettings, Precision } from './options.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');

/**
 * The adapter that everything will run on.
 * @throws UserError where there is none, or only one that computes on the CPU and that was not asked for
 */
export async function findGpu({ adapter, software }: GpuSettings): Promise<AdapterFacts> {
  const host = createNodeGpuHost();
  const found = await findAdapter(host, adapter);
  const problem = process.env.TABLE6_DRIVER_PROBLEM ?? host.adviceWithoutAdapter;
  if (!found) throw new UserError(`WebGPU finds no GPU. ${problem}`);
  if (found.isSoftware && !software) {
    throw new UserError(
      `WebGPU finds only "${found.name}", which computes on the CPU. ${process.env.TABLE6_DRIVER_PROBLEM ?? ''} To try the kit on it: --software --tiny.`,
    );
  }
  return found;
}

/**
 * Backends by precision, one open at a time, so that measurements share compiled kernels. What fails
 * may have lost the device, so it is opened anew after that.
 */
export class Gpu {
  private readonly settings: GpuSettings;
  private open: { readonly key: string; readonly backend: WebGpuBackend } | undefined;

  constructor(settings: GpuSettings) {
    this.settings = settings;
  }

  /**
   * @param tune tiles measured (and remembered in the folder of the results), or the fixed ones
   * @throws UserError where the GPU has not that precision
   */
  async use<Result>(
    precision: Precision,
    tune: 'auto' | 'off',
    measure: (backend: WebGpuBackend) => Promise<Result>,
  ): Promise<Result> {
    const { adapter, output, software } = this.settings;
    // A software adapter has only the fixed ones.
    const tiles = software ? 'off' : tune;
    const key = `${precision} ${tiles}`;
    if (this.open?.key !== key) {
      await this.close();
      const backend = await createWebGpuBackend({
        gpu: createNodeGpuHost(),
        adapterName: adapter,
        half: precision !== 'float32',
        tensorCores: precision === 'tensor-cores' ? 'on' : 'off',
        tune: tiles,
        tileCache: createFileTileCache(output),
      });
      this.open = { key, backend };
    }
    try {
      return await measure(this.open.backend);
    } catch (error) {
      await this.close().catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    const { open } = this;
    this.open = undefined;
    await open?.backend.dispose();
  }
}

/** Precision as options of `table6`. */
export function precisionOptions(precision: Precision): string[] {
  switch (precision) {
    case 'float32':
      return [];
    case 'half':
      return ['--half', '--tensor-cores', 'off'];
    case 'tensor-cores':
      return ['--half', '--tensor-cores', 'auto'];
    default:
      throw new Error(`unknown precision ${precision satisfies never}`);
  }
}

/** What must not change between results of one folder. */
export function fixedFacts(adapter: AdapterFacts): Record<string, string> {
  const { table6, commit } = hostFacts(1);
  return {
    adapter: adapter.name,
    driver: adapter.driver,
    table6: commit === undefined ? String(table6) : `${table6}, commit ${commit}`,
  };
}

/** Those that decide which kernels there are. */
const FEATURES = /f16|subgroup|timestamp/;

/** What else a reader wants to know. */
export function otherFacts(adapter: AdapterFacts): Record<string, string> {
  const { kernelDriver } = inspectMachine();
  const { node, platform, cpu, cores } = hostFacts(1);
  return {
    'adapter features': adapter.features.filter((name) => FEATURES.test(name)).join(', '),
    ...(kernelDriver && { 'NVIDIA kernel driver': kernelDriver }),
    ...nvidiaFacts(),
    'npm package webgpu': versionOf('webgpu'),
    Node: String(node),
    system: String(platform),
    processor: `${cpu}, ${cores} cores`,
  };
}

function nvidiaFacts(): Record<string, string> {
  const fields = 'name,memory.total,clocks.max.sm,clocks.max.memory,power.limit';
  const { status, stdout } = spawnSync(
    'nvidia-smi',
    [`--query-gpu=${fields}`, '--format=csv,noheader'],
    { encoding: 'utf8' },
  );
  if (status !== 0) return {};
  return { [`nvidia-smi (${fields})`]: stdout.trim().split('\n').join('; ') };
}

function versionOf(name: string): string {
  const manifest = path.join(ROOT, 'node_modules', name, 'package.json');
  const text = readFileSync(manifest, 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
