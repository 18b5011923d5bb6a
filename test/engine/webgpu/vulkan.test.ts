// What is said about Vulkan, for machines with more and less of it: folders that look like a root.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { vulkanAdvice, vulkanFacts } from '../../../src/engine/webgpu/vulkan.node.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'table6-vulkan-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(file: string, content = ''): string {
  const full = path.join(root, file);
  mkdirSync(path.dirname(full), { recursive: true });
  writeFileSync(full, content);
  return full;
}
const advice = (environment = {}) => vulkanAdvice(vulkanFacts(environment, root));

describe('a machine without a usable GPU', () => {
  it('that has no loader is told so first', () => {
    put('usr/share/vulkan/icd.d/nvidia_icd.json');
    put('dev/nvidiactl');
    expect(advice()).toMatch(/loader \(libvulkan\.so\.1\) is missing: install it/);
  });

  it.each([
    ['a library folder', () => put('usr/lib64/libvulkan.so.1')],
    ["the linker's cache", () => put('etc/ld.so.cache', 'x\0libvulkan.so.1\0/opt/libvulkan.so.1')],
  ])('is known to have the loader by %s', (_, make) => {
    make();
    expect(vulkanFacts({}, root).hasLoader).toBe(true);
    expect(advice()).toMatch(/loader is there, but no Vulkan driver .*: install the GPU's driver/);
  });

  it('finds the loader where LD_LIBRARY_PATH says', () => {
    const folder = path.dirname(put('opt/gpu/libvulkan.so.1'));
    expect(vulkanFacts({ LD_LIBRARY_PATH: `/nowhere:${folder}` }, root).hasLoader).toBe(true);
    expect(vulkanFacts({ LD_LIBRARY_PATH: '/nowhere' }, root).hasLoader).toBe(false);
  });

  it('is told which drivers were found, and that there is no GPU for them', () => {
    put('usr/lib/libvulkan.so.1');
    put('usr/share/vulkan/icd.d/lvp_icd.json');
    put('etc/vulkan/icd.d/nvidia_icd.json');
    put('dev/dri/card0');
    expect(advice()).toMatch(/\(nvidia_icd\.json, lvp_icd\.json\), but no GPU \(neither/);
  });

  it('is told what is there when it is all there', () => {
    put('usr/lib/libvulkan.so.1');
    const driver = put('mine/icd.json');
    put('dev/dri/renderD128');
    put('dev/nvidiactl');
    expect(advice({ VK_DRIVER_FILES: driver })).toMatch(
      /a GPU \(\/dev\/dri\/renderD128, \/dev\/nvidiactl\), but none that WebGPU can use.* libglx0 libegl1/,
    );
    expect(advice({ VK_ICD_FILENAMES: '/not/there.json' })).toMatch(/none in \/not\/there\.json\)/);
  });
});
