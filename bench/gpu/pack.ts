// Packs all that a bare Linux machine with a GPU needs into one archive: Node.js, Dawn, the Vulkan
// loader and the X11 libraries that NVIDIA's driver links to, this project as it is in the checkout,
// and, where asked, images to train on. What must match the machine's kernel driver (the driver's own
// Vulkan libraries) cannot be carried; driver.ts looks for it there. SwiftShader comes along where
// this machine has Chromium, so that the kit can be tried without a GPU.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '../../src/util/errors.ts';
import { CARRIED_LIBRARIES, CHROMIUM_SWIFTSHADER } from './driver.ts';
import { cutIntoParts } from './parts.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
/** The folder that the archive unpacks to. */
const NAME = 'table6-gpu';

/** Debian packages with the libraries that a minimal machine lacks. */
const LIBRARY_PACKAGES = [
  ...['libvulkan1', 'libx11-6', 'libxext6', 'libxcb1', 'libxau6', 'libxdmcp6', 'libbsd0', 'libmd0'],
  ...['libglvnd0', 'libglx0', 'libegl1'],
  ...['libstdc++6', 'libgcc-s1'],
];
/** Node.js itself links to these; see gpu.sh. */
const CPP_LIBRARIES = ['libstdc++.so.6', 'libgcc_s.so.1'];
const LIBRARY_FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/lib/x86_64-linux-gnu', '/usr/lib64'];

/** Of this project: what runs on the other machine. */
export const SOURCES = [
  ...['bench', 'bin', 'src', 'test/conformance', 'test/support/deviations.ts'],
  ...['package.json', 'LICENSE'],
];
/** Never needed to run: types, maps, other platforms, the peers' packages. */
const LEFT_OUT =
  /(\.map|\.d\.[cm]?ts|\.md|\.tgz)$|\/zod\/src$|\/bench\/peers\/node_modules$|\/webgpu\/(build|types\.d\.ts|dist\/(?!linux-x64)[^/]+)$/;

export interface PackSettings {
  readonly output: string;
  /** An image folder, CIFAR's files, or an archive of either. */
  readonly data?: string;
  /** A third smaller, where the other machine can unpack it. */
  readonly xz: boolean;
  /** The most that one file of the kit may hold; absent: all in one. */
  readonly partBytes?: number;
}

/**
 * Builds the kit.
 * @param say called with a line for people at every step
 * @throws UserError where this machine cannot build it
 */
export function pack(
  { output, data, xz, partBytes }: PackSettings,
  say: (line: string) => void,
): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new UserError('The kit is for Linux on x86-64 and must be packed there.');
  }
  const staging = mkdtempSync(path.join(tmpdir(), 'table6-pack-'));
  const kit = path.join(staging, NAME);
  try {
    for (const source of SOURCES) copy(path.join(ROOT, source), path.join(kit, source));
    const withImages = data !== undefined && carryData(data, path.join(kit, 'data'), say);
    for (const name of runtimePackages(ROOT, withImages ? [] : ['sharp'])) {
      const folder = path.join('node_modules', name);
      copy(path.join(ROOT, folder), path.join(kit, folder));
    }
    mkdirSync(path.join(kit, 'kit', 'bin'), { recursive: true });
    const node = path.join(kit, 'kit', 'bin', 'node');
    copyFileSync(realpathSync(process.execPath), node);
    chmodSync(node, 0o755);
    strip(node, '-s', say);
    strip(path.join(kit, 'node_modules/webgpu/dist/linux-x64/dawn.node'), '--strip-unneeded', say);
    carryLibraries(path.join(kit, 'kit', 'lib'), say);
    carrySwiftShader(path.join(kit, 'kit', 'swiftshader'), say);
    carryCommit(kit);
    const start = path.join(kit, 'run');
    writeFileSync(start, '#!/bin/sh\nexec bash "$(dirname "$0")/bench/gpu.sh" "$@"\n');
    chmodSync(start, 0o755);
    say(`compressing ${megabytes(folderBytes(kit))} with ${xz ? 'xz' : 'gzip'}`);
    const compressor = xz ? 'xz -9 -T2' : 'gzip -9';
    const archive = ['-cf', path.resolve(output), '-C', staging, NAME];
    execFileSync('tar', ['-I', compressor, '--owner=0', '--group=0', ...archive]);
    say(`${output}: ${megabytes(statSync(output).size)}`);
    const name = path.basename(output);
    if (partBytes !== undefined) {
      const { parts, script } = cutIntoParts(path.resolve(output), partBytes, NAME);
      say(`cut into ${parts.length} parts: ${name}.001 ... and ${path.basename(script)}`);
      say(`There, with any of them beside it: sh ${path.basename(script)} STORE all`);
      return;
    }
    const unpack = xz ? `python3 -m tarfile -e ${name}, or tar xJf ${name},` : `tar xzf ${name}`;
    say(`There: ${unpack} and ${NAME}/run all`);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function copy(from: string, to: string): void {
  cpSync(from, to, {
    recursive: true,
    filter: (file) => !LEFT_OUT.test(file.slice(ROOT.length)),
  });
}

/**
 * The packages that this one depends on, optional ones included, as far as they are installed; each
 * once, by name.
 * @param without optional packages that are not needed
 */
export function runtimePackages(root: string, without: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (manifest: string) => {
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
      readFileSync(manifest, 'utf8'),
    ) as Record<string, Record<string, string>>;
    for (const name of [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]) {
      const next = path.join(root, 'node_modules', name, 'package.json');
      if (found.has(name) || without.includes(name) || !existsSync(next)) continue;
      found.add(name);
      visit(next);
    }
  };
  visit(path.join(root, 'package.json'));
  return [...found].sort();
}

function strip(file: string, option: string, say: (line: string) => void): void {
  const { error, status } = spawnSync('strip', [option, file]);
  if (error || status !== 0) say(`not stripped, because strip (binutils) failed: ${file}`);
}

/**
 * Each library in a folder of its own, so that only those are used which the other machine lacks. Out
 * of Debian's packages; where those cannot be had, this machine's own.
 */
function carryLibraries(folder: string, say: (line: string) => void): void {
  const work = mkdtempSync(path.join(tmpdir(), 'table6-debs-'));
  // apt-get downloads as a user of its own.
  chmodSync(work, 0o777);
  try {
    const places = downloadPackages(work) ?? LIBRARY_FOLDERS;
    if (places === LIBRARY_FOLDERS) {
      say('apt-get download failed: the libraries are those of this machine');
    }
    for (const name of [...CARRIED_LIBRARIES, ...CPP_LIBRARIES]) {
      const file = places.map((place) => path.join(place, name)).find((each) => existsSync(each));
      if (file === undefined) {
        say(`not carried, because it is not here: ${name}`);
        continue;
      }
      mkdirSync(path.join(folder, name), { recursive: true });
      copyFileSync(realpathSync(file), path.join(folder, name, name));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Folders of the unpacked packages' libraries, or undefined without apt-get or its servers. */
function downloadPackages(work: string): string[] | undefined {
  const { status } = spawnSync('apt-get', ['download', ...LIBRARY_PACKAGES], { cwd: work });
  if (status !== 0) return undefined;
  const packages = readdirSync(work).filter((name) => name.endsWith('.deb'));
  for (const file of packages) execFileSync('dpkg-deb', ['-x', file, 'root'], { cwd: work });
  return ['usr/lib', 'lib'].map((part) => path.join(work, 'root', part, 'x86_64-linux-gnu'));
}

function carrySwiftShader(folder: string, say: (line: string) => void): void {
  const library = path.join(path.dirname(CHROMIUM_SWIFTSHADER), 'libvk_swiftshader.so');
  if (!existsSync(library)) {
    say(
      "SwiftShader is not here (it comes with Debian's chromium): --software will not work there",
    );
    return;
  }
  mkdirSync(folder, { recursive: true });
  for (const file of [CHROMIUM_SWIFTSHADER, library]) {
    copyFileSync(file, path.join(folder, path.basename(file)));
  }
}

/**
 * An archive of pictures is unpacked, one of CIFAR's own files is read as it is.
 * @returns whether pictures have to be decoded there
 */
function carryData(data: string, folder: string, say: (line: string) => void): boolean {
  if (!existsSync(data)) throw new UserError(`There are no images to pack at ${data}.`);
  const target = path.join(folder, path.basename(data).replace(/\.(tar\.\w+|tar|tgz)$/, ''));
  mkdirSync(folder, { recursive: true });
  if (statSync(data).isDirectory()) cpSync(data, target, { recursive: true, dereference: true });
  else if (holdsPictures(data)) {
    mkdirSync(target);
    execFileSync('tar', ['-xf', path.resolve(data), '-C', target]);
  } else copyFileSync(data, path.join(folder, path.basename(data)));
  say(`images: ${data}, ${megabytes(folderBytes(folder))}`);
  return existsSync(path.join(target, 'train'));
}

function holdsPictures(archive: string): boolean {
  const names = execFileSync('tar', ['-tf', archive], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  return /^(\.\/)?train\//m.test(names);
}

/** Where `git` would say which commit this is; hostFacts reads it. */
function carryCommit(kit: string): void {
  const { status, stdout } = spawnSync('git', ['rev-parse', 'HEAD'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) return;
  const changed = spawnSync(
    'git',
    ['status', '--porcelain', '--untracked-files=no', 'src', 'bench'],
    {
      cwd: ROOT,
      encoding: 'utf8',
    },
  );
  mkdirSync(path.join(kit, '.git'));
  const suffix = changed.stdout.trim() === '' ? '' : '-changed';
  writeFileSync(path.join(kit, '.git', 'HEAD'), `${stdout.trim()}${suffix}\n`);
}

function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce((sum, name) => {
    const found = lstatSync(path.join(folder, name));
    return found.isFile() ? sum + found.size : sum;
  }, 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
