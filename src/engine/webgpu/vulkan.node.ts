// What a Linux machine has of Vulkan, by looking at files: when WebGPU finds no adapter, the driver
// itself gives no reason, and one of these three is usually what is missing.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface VulkanFacts {
  /** Whether the loader, libvulkan.so.1, is there. */
  readonly hasLoader: boolean;
  /** Files by which drivers make themselves known to the loader (ICDs). */
  readonly drivers: readonly string[];
  /** Where they were looked for. */
  readonly driverPlaces: readonly string[];
  /** What kernel drivers of GPUs make in /dev. */
  readonly devices: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const LOADER = 'libvulkan.so.1';

/** Where the linker looks beside its cache. */
const LIBRARY_FOLDERS = ['/lib', '/usr/lib', '/lib64', '/usr/lib64', '/usr/local/lib'];

const DRIVER_FOLDERS = [
  '/etc/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
  '/usr/share/vulkan/icd.d',
];

/** @param root the folder to take for `/`, for tests */
export function vulkanFacts(environment: Environment = process.env, root = ''): VulkanFacts {
  const given = environment.VK_DRIVER_FILES ?? environment.VK_ICD_FILENAMES;
  return {
    hasLoader: hasLoader(environment, root),
    drivers: given
      ? given.split(':').filter((file) => existsSync(file))
      : DRIVER_FOLDERS.flatMap((folder) => list(root + folder, /\.json$/)),
    driverPlaces: given ? given.split(':') : DRIVER_FOLDERS,
    devices: gpuDevices(root),
  };
}

/** Render nodes, NVIDIA's own device, and what Windows' subsystem for Linux has instead. */
export function gpuDevices(root = ''): string[] {
  const nodes = list(`${root}/dev/dri`, /^renderD\d+$/).map((name) => `/dev/dri/${name}`);
  return [...nodes, ...['/dev/nvidiactl', '/dev/dxg'].filter((file) => existsSync(root + file))];
}

/** One sentence on what keeps Vulkan from working, and what to do. */
export function vulkanAdvice(facts: VulkanFacts): string {
  const { hasLoader, drivers, driverPlaces, devices } = facts;
  if (!hasLoader) {
    return `The Vulkan loader (${LOADER}) is missing: install it (Debian, Ubuntu: libvulkan1; Fedora: vulkan-loader) and the GPU's driver.`;
  }
  if (drivers.length === 0) {
    return `The Vulkan loader is there, but no Vulkan driver (none in ${driverPlaces.join(', ')}): install the GPU's driver (NVIDIA's own; for other GPUs on Debian and Ubuntu mesa-vulkan-drivers).`;
  }
  const found = `The Vulkan loader and drivers are there (${drivers.join(', ')})`;
  if (devices.length === 0) {
    return `${found}, but no GPU (neither /dev/dri/renderD* nor /dev/nvidiactl): a container must be given its devices, a virtual machine its GPU.`;
  }
  // On a bare server it loads, and then offers no entry point: the dispatch libraries are missing.
  const nvidia = devices.includes('/dev/nvidiactl')
    ? ", and NVIDIA's the libraries libGLX and libEGL of libglvnd (Debian, Ubuntu: libglx0 libegl1)"
    : '';
  return `${found}, and a GPU (${devices.join(', ')}), but none that WebGPU can use: it needs a current driver, permission to open the device, and in a container the driver's Vulkan libraries${nvidia} (\`vulkaninfo --summary\` says more).`;
}

function hasLoader(environment: Environment, root: string): boolean {
  const given = (environment.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '');
  const folders = [...given, ...LIBRARY_FOLDERS.map((folder) => root + folder)];
  if (folders.some((folder) => existsSync(path.join(folder, LOADER)))) return true;
  try {
    // The linker's list of all libraries, in a format that holds their names as they are.
    return readFileSync(`${root}/etc/ld.so.cache`).includes(LOADER);
  } catch {
    return false;
  }
}

function list(folder: string, pattern: RegExp): string[] {
  try {
    return readdirSync(folder).filter((name) => pattern.test(name));
  } catch {
    return [];
  }
}
