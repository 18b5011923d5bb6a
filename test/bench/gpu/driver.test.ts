// What a machine's Vulkan lacks, told from what is there: the machines are made up.

import { describe, expect, it } from 'vitest';
import {
  CARRIED_LIBRARIES,
  type Machine,
  parseDriverVersion,
  planDriver,
} from '../../../bench/gpu/driver.ts';

const SYSTEM = '/usr/lib/x86_64-linux-gnu';
const NVIDIA = ['libGLX_nvidia.so.0', 'libEGL_nvidia.so.0', 'libnvidia-glvkspirv.so.580.1.2'];
const places = { folder: '/kit/lib', icd: '/kit/icd' };

function machine(names: readonly string[], rest: Partial<Machine> = {}, folder = SYSTEM): Machine {
  const libraries = new Map(names.map((name) => [name, `${folder}/${name}`]));
  return { libraries, drivers: [], mountedDrivers: [], ...rest };
}

describe('a machine with nothing but NVIDIA’s driver', () => {
  const bare = machine(NVIDIA, { kernelDriver: '580.1.2' });

  it('gets the loader, the X11 libraries and driver files', () => {
    const { environment, problem } = planDriver(bare, places);
    expect(problem).toBeUndefined();
    const carried = CARRIED_LIBRARIES.map((name) => `/kit/lib/${name}`).join(':');
    expect(environment).toEqual({
      LD_LIBRARY_PATH: carried,
      VK_ICD_FILENAMES: '/kit/icd/nvidia_glx.json:/kit/icd/nvidia_egl.json',
    });
  });
  it('keeps the libraries and the driver file that it has', () => {
    const drivers = ['/usr/share/vulkan/icd.d/nvidia_icd.json'];
    const whole = machine([...NVIDIA, ...CARRIED_LIBRARIES], { kernelDriver: '580.1.2', drivers });
    expect(planDriver(whole, places)).toMatchObject({ environment: {}, problem: undefined });
  });
  it('finds libraries and a driver file that are mounted elsewhere', () => {
    const mountedDrivers = ['/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json'];
    const facts = { kernelDriver: '580.1.2', mountedDrivers };
    const mounted = machine([...NVIDIA, ...CARRIED_LIBRARIES], facts, '/usr/local/nvidia/lib64');
    expect(planDriver(mounted, places).environment).toEqual({
      LD_LIBRARY_PATH: '/usr/local/nvidia/lib64',
      VK_ICD_FILENAMES: mountedDrivers[0],
    });
  });
});

describe('what is missing', () => {
  const problemOf = (names: readonly string[], rest: Partial<Machine> = {}) =>
    planDriver(machine(names, rest), places).problem;

  it('is the driver’s Vulkan part, in a container or a compute-only installation', () => {
    const problem = problemOf(CARRIED_LIBRARIES, { kernelDriver: '580.1.2' });
    expect(problem).toMatch(/^NVIDIA's kernel driver is loaded, but its Vulkan libraries/);
    expect(problem).toContain('NVIDIA_DRIVER_CAPABILITIES=all');
  });
  it('is the compiler of its shaders', () => {
    const problem = problemOf(NVIDIA.slice(0, 2), { kernelDriver: '580.1.2' });
    expect(problem).toContain('without libnvidia-glvkspirv.so');
  });
  it('is the same version', () => {
    const problem = problemOf(NVIDIA, { kernelDriver: '570.9' });
    expect(problem).toContain('have version 580.1.2, its kernel driver has 570.9');
  });
  it('is the kernel driver', () => {
    expect(problemOf(NVIDIA)).toContain('its kernel driver is not loaded');
  });
  it('is any driver', () => {
    expect(problemOf([])).toMatch(/^There is no Vulkan driver here/);
    expect(problemOf([], { drivers: ['/usr/share/vulkan/icd.d/radeon_icd.json'] })).toBeUndefined();
  });
  it('is the loader, where nothing is carried', () => {
    const { problem } = planDriver(machine([]), { icd: '/icd' });
    expect(problem).toMatch(/^The Vulkan loader \(libvulkan\.so\.1\) is not here/);
  });
});

it('takes a driver that was chosen by hand, or the software adapter', () => {
  const chosen = machine(CARRIED_LIBRARIES, { chosenDriver: '/mine.json' });
  const { environment, problem } = planDriver(chosen, places);
  expect([environment, problem]).toEqual([{}, undefined]);
  const swiftshader = { ...places, swiftshader: '/kit/swiftshader.json' };
  expect(planDriver(machine(CARRIED_LIBRARIES), swiftshader).environment).toEqual({
    VK_ICD_FILENAMES: '/kit/swiftshader.json',
  });
});

it.each([
  ['NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15', '535.104.05'],
  ['NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release', '580.159.04'],
  ['something else', undefined],
])('reads the version out of "%s"', (text, version) => {
  expect(parseDriverVersion(text)).toBe(version);
});
