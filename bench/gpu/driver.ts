// Whether this machine's Vulkan can reach a GPU, and what has to be in the environment for it. NVIDIA's
// driver brings Vulkan in libraries that must have the kernel driver's version: they cannot be carried,
// containers and compute-only installations often lack them, and then Vulkan just finds nothing. So
// they are looked for by name, and what is missing is said.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What a bare machine may lack and the kit carries: the Vulkan loader, and what drivers link to. */
export const CARRIED_LIBRARIES = [
  'libvulkan.so.1',
  ...['libX11.so.6', 'libXext.so.6', 'libxcb.so.1', 'libXau.so.6', 'libXdmcp.so.6'],
  ...['libbsd.so.0', 'libmd.so.0'],
  // NVIDIA's Vulkan driver does not start without the dispatch libraries of OpenGL.
  ...['libGLdispatch.so.0', 'libGLX.so.0', 'libEGL.so.1'],
];

/** Either is a Vulkan driver; the second does without X11. */
const NVIDIA_DRIVERS = ['libGLX_nvidia.so.0', 'libEGL_nvidia.so.0'];
/** Compiles shaders for both; its file is named by the version alone. */
const NVIDIA_COMPILER = 'libnvidia-glvkspirv.so';

/** Folders of libraries that `ldconfig` may not know: mounted into containers. */
const MOUNTED = ['/usr/local/nvidia/lib64', '/usr/local/nvidia/lib', '/usr/lib/wsl/lib'];
const LIBRARY_FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/lib64', '/usr/lib'];

/** Where the Vulkan loader looks for drivers, and where else NVIDIA's file may be mounted. */
const LOADER_FOLDERS = [
  '/etc/vulkan/icd.d',
  '/usr/share/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
];
const MOUNTED_DRIVERS = ['/usr/local/nvidia/share/vulkan/icd.d'];

const UNKNOWN_VERSION = 'of unknown version';

/** SwiftShader as Debian's Chromium has it. */
export const CHROMIUM_SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** What was found of Vulkan. */
export interface Machine {
  /** Paths of the libraries by name, of those that matter here. */
  readonly libraries: ReadonlyMap<string, string>;
  /** Driver files that the loader finds by itself, and others. */
  readonly drivers: readonly string[];
  readonly mountedDrivers: readonly string[];
  /** Version of NVIDIA's kernel driver, where one is loaded. */
  readonly kernelDriver?: string;
  /** A driver chosen by hand (VK_DRIVER_FILES, VK_ICD_FILENAMES). */
  readonly chosenDriver?: string;
}

/** What the programs get that use the GPU. */
export interface DriverPlan {
  readonly environment: Readonly<Record<string, string>>;
  /** What was found, a line each. */
  readonly lines: readonly string[];
  /** What to do if no GPU is found then. */
  readonly problem?: string;
}

/**
 * @param folder of the libraries that were carried, each in a folder of its own; absent in a checkout
 * @param icd folder of the driver files for NVIDIA's libraries
 * @param swiftshader driver file of the software adapter, if that is asked for
 */
export function planDriver(
  machine: Machine,
  places: { readonly folder?: string; readonly icd: string; readonly swiftshader?: string },
): DriverPlan {
  const { libraries, kernelDriver } = machine;
  const paths = new Set<string>();
  for (const file of libraries.values()) {
    if (MOUNTED.includes(path.dirname(file))) paths.add(path.dirname(file));
  }
  for (const name of CARRIED_LIBRARIES) {
    if (places.folder && !libraries.has(name)) paths.add(path.join(places.folder, name));
  }
  const base: Record<string, string> =
    paths.size > 0 ? { LD_LIBRARY_PATH: [...paths].join(':') } : {};
  const loader = libraries.get('libvulkan.so.1') ?? (places.folder ? 'carried' : undefined);
  const lines = [`Vulkan loader: ${loader ?? 'missing'}`];
  if (places.swiftshader) {
    lines.push(`driver: ${places.swiftshader}, as asked (it computes on the CPU)`);
    return { lines, environment: { ...base, VK_ICD_FILENAMES: places.swiftshader } };
  }
  if (machine.chosenDriver) {
    lines.push(`driver: ${machine.chosenDriver}, chosen in the environment`);
    return { lines, environment: base };
  }
  const found = NVIDIA_DRIVERS.filter((name) => libraries.has(name));
  const compiler = [...libraries.keys()].find((name) => name.startsWith(NVIDIA_COMPILER));
  lines.push(`NVIDIA kernel driver: ${kernelDriver ?? 'none'}`);
  if (kernelDriver || found.length > 0) {
    for (const name of NVIDIA_DRIVERS) lines.push(`${name}: ${libraries.get(name) ?? 'missing'}`);
    lines.push(`${NVIDIA_COMPILER}: ${compiler ? libraries.get(compiler) : 'missing'}`);
  }
  lines.push(
    `driver files: ${[...machine.drivers, ...machine.mountedDrivers].join(', ') || 'none'}`,
  );
  const environment = { ...base, ...driverFiles(machine, found, places.icd) };
  return { lines, environment, problem: problemOf(machine, found, compiler, loader) };
}

/** Where the loader must be told: a driver file that is mounted elsewhere, or none at all. */
function driverFiles(
  { drivers, mountedDrivers }: Machine,
  found: readonly string[],
  icd: string,
): Record<string, string> {
  const isNvidia = (file: string) => /nvidia/i.test(path.basename(file));
  if (found.length === 0 || drivers.some(isNvidia)) return {};
  const mounted = mountedDrivers.filter(isNvidia);
  const own = found.map((name) =>
    path.join(icd, name.startsWith('libGLX') ? 'nvidia_glx.json' : 'nvidia_egl.json'),
  );
  return { VK_ICD_FILENAMES: (mounted.length > 0 ? mounted : own).join(':') };
}

function problemOf(
  { kernelDriver, drivers, mountedDrivers }: Machine,
  found: readonly string[],
  compiler: string | undefined,
  loader: string | undefined,
): string | undefined {
  const advice =
    'they must have the version of the kernel driver and come with it: start a container with NVIDIA_DRIVER_CAPABILITIES=all, and on a server install the whole driver, not the compute part alone (Ubuntu: libnvidia-gl-<version>)';
  if (loader === undefined) {
    return 'The Vulkan loader (libvulkan.so.1) is not here: install it (Debian, Ubuntu: libvulkan1), or use the packed kit, which carries it.';
  }
  if (kernelDriver && found.length === 0) {
    return `NVIDIA's kernel driver is loaded, but its Vulkan libraries (${NVIDIA_DRIVERS.join(' or ')}) are not here; ${advice}.`;
  }
  if (found.length > 0 && !kernelDriver) {
    return "NVIDIA's Vulkan libraries are here, but its kernel driver is not loaded (there is neither /proc/driver/nvidia/version nor /dev/nvidiactl): load it, or give the container the GPU (docker run --gpus all).";
  }
  if (found.length > 0 && !compiler) {
    return `NVIDIA's Vulkan driver is here without ${NVIDIA_COMPILER}, which compiles its shaders; the libraries are incomplete, and ${advice}.`;
  }
  const version = compiler?.slice(NVIDIA_COMPILER.length + 1);
  const isKnown = kernelDriver !== undefined && kernelDriver !== UNKNOWN_VERSION;
  if (isKnown && version && version !== kernelDriver) {
    return `NVIDIA's Vulkan libraries have version ${version}, its kernel driver has ${kernelDriver}; ${advice}.`;
  }
  if (found.length === 0 && drivers.length === 0 && mountedDrivers.length === 0) {
    return 'There is no Vulkan driver here (neither NVIDIA libraries nor files in /usr/share/vulkan/icd.d): install the driver of the GPU, or try the kit without one with --software.';
  }
  return undefined;
}

/** Looks at this machine. */
export function inspectMachine(environment: NodeJS.ProcessEnv = process.env): Machine {
  const folders = [
    ...(environment.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean),
    ...LIBRARY_FOLDERS,
    ...MOUNTED,
  ];
  const wanted = new Set([...CARRIED_LIBRARIES, ...NVIDIA_DRIVERS]);
  const libraries = new Map<string, string>();
  const note = (file: string) => {
    const name = path.basename(file);
    const matters = wanted.has(name) || name.startsWith(`${NVIDIA_COMPILER}.`);
    if (matters && !libraries.has(name)) libraries.set(name, file);
  };
  for (const file of linkerCache()) note(file);
  for (const folder of folders) for (const name of filesOf(folder)) note(path.join(folder, name));
  const driverFilesOf = (places: readonly string[]) =>
    places.flatMap((folder) =>
      filesOf(folder)
        .filter((name) => name.endsWith('.json'))
        .map((name) => path.join(folder, name)),
    );
  return {
    libraries,
    drivers: driverFilesOf(LOADER_FOLDERS),
    mountedDrivers: driverFilesOf(MOUNTED_DRIVERS),
    kernelDriver: kernelDriverVersion(),
    chosenDriver: environment.VK_DRIVER_FILES || environment.VK_ICD_FILENAMES || undefined,
  };
}

/** Paths in `ldconfig -p`; none where that is not installed. */
function linkerCache(): string[] {
  for (const program of ['/sbin/ldconfig', '/usr/sbin/ldconfig', 'ldconfig']) {
    const { status, stdout } = spawnSync(program, ['-p'], { encoding: 'utf8' });
    if (status === 0) {
      return [...stdout.matchAll(/x86-64\b.* => (\S+)$/gm)].map(([, file]) => file!);
    }
  }
  return [];
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Sandboxes may hide the version. */
function kernelDriverVersion(): string | undefined {
  const file = '/proc/driver/nvidia/version';
  if (!existsSync(file)) return existsSync('/dev/nvidiactl') ? UNKNOWN_VERSION : undefined;
  return parseDriverVersion(readFileSync(file, 'utf8')) ?? UNKNOWN_VERSION;
}

/** Out of the text of `/proc/driver/nvidia/version`. */
export function parseDriverVersion(text: string): string | undefined {
  return /\s(\d+(?:\.\d+)+)\s/.exec(text)?.[1];
}
