// Finds CIFAR in a folder, an archive or the cache, and fetches it into the cache when it is missing.

import { existsSync, statSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { UserError } from '../../util/errors.ts';
import { makeFolder } from '../../util/make-folder.node.ts';
import { fileError } from '../../util/system-errors.ts';
import {
  CIFAR_LAYOUTS,
  type CifarFiles,
  type CifarLayout,
  findCifar,
  isCifarFile,
} from '../cifar.ts';
import { readTitledCifar } from '../cifar-title.ts';
import type { Dataset } from '../dataset.ts';
import type { LoadOptions } from '../load-options.ts';
import { readArchive } from './archive.ts';
import { cacheFolder, makeCacheFolder, temporaryBeside } from './cache.ts';
import { DownloadError, download, md5OfFile } from './download.ts';

export type CifarName = CifarLayout['dataset'];

interface Archive {
  readonly file: string;
  readonly md5: string;
}

/** The official archives (www.cs.toronto.edu/~kriz/cifar.html); the first is the one downloaded. */
const ARCHIVES: Record<CifarName, readonly [Archive, Archive]> = {
  cifar10: [
    { file: 'cifar-10-binary.tar.gz', md5: 'c32a1d4ab5d03f1284b67883e8d87530' },
    { file: 'cifar-10-python.tar.gz', md5: 'c58f30108f718f92721af3b95e74349a' },
  ],
  cifar100: [
    { file: 'cifar-100-binary.tar.gz', md5: '03b5dce01913d631647c71ecec9e9cb8' },
    { file: 'cifar-100-python.tar.gz', md5: 'eb9058c3a382ffc7106e4002c42a8d85' },
  ],
};

const OFFICIAL_SERVER = 'https://www.cs.toronto.edu/~kriz';

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

interface Found {
  readonly layout: CifarLayout;
  readonly folder: string;
}

/** Every CIFAR layout in a folder: the folder itself, or below it by its official name. */
function findLayouts(folder: string): Found[] {
  const found: Found[] = [];
  for (const layout of CIFAR_LAYOUTS) {
    for (const candidate of [folder, join(folder, layout.folder)]) {
      const isNamed = basename(resolve(candidate)) === layout.folder && existsSync(candidate);
      const data = [...layout.trainFiles, layout.testFile];
      if (isNamed || data.some((name) => isFile(join(candidate, name)))) {
        found.push({ layout, folder: candidate });
      }
    }
  }
  return found;
}

function filesOfFolder(folder: string): CifarFiles {
  return {
    place: folder,
    async read(name) {
      const path = join(folder, name);
      if (!isFile(path)) return undefined;
      return await readFile(path);
    },
  };
}

/**
 * CIFAR in a folder, unpacked or as an official archive (torchvision's `./data` has both).
 * @returns undefined when there is none
 * @throws UserError when there is more than one data set in it
 */
export async function loadCifarFolder(
  folder: string,
  source: string,
): Promise<Dataset | undefined> {
  const found = findLayouts(folder);
  const first = found[0];
  if (first === undefined) {
    const archive = Object.values(ARCHIVES)
      .flat()
      .find(({ file }) => isFile(join(folder, file)));
    return archive && loadCifarArchive(join(folder, archive.file), source);
  }
  const other = found.find(({ layout }) => layout.dataset !== first.layout.dataset);
  if (other !== undefined) {
    throw new UserError(
      `${folder} holds both CIFAR-10 and CIFAR-100: give ${first.folder} or ${other.folder}`,
    );
  }
  return readTitledCifar(first.layout, filesOfFolder(first.folder), source);
}

/** The layout in an archive and its files by name, without the folder that they are in. */
async function openArchive(
  path: string,
): Promise<{ layout: CifarLayout; files: Map<string, Uint8Array> }> {
  const seen: string[] = [];
  const members = await readArchive(path, (name) => {
    if (seen.length < 3) seen.push(name);
    return isCifarFile(name);
  });
  const found = findCifar(members);
  if (found) return found;
  throw new UserError(
    `${path} is an archive without CIFAR's files (it begins with ${seen.join(', ') || 'nothing'}): ` +
      'for an archive of images, unpack it and give the folder',
  );
}

/** CIFAR in a .tar or .tar.gz, official or with the same files in it. */
export async function loadCifarArchive(path: string, source: string): Promise<Dataset> {
  const { layout, files } = await openArchive(path);
  return readTitledCifar(layout, { place: path, read: async (name) => files.get(name) }, source);
}

/** Whether `cifar10` or `cifar100` is in the cache, unpacked or as an archive. */
export function isCached(name: CifarName): boolean {
  const folder = cacheFolder();
  return (
    findLayouts(folder).some(({ layout }) => layout.dataset === name) ||
    ARCHIVES[name].some(({ file }) => isFile(join(folder, file)))
  );
}

/**
 * The files that the cache may have of `cifar10` or `cifar100`, as paths below it: the batches of each
 * layout, then the archives. Whether they are there is for whoever opens them to see.
 */
export function cacheablePaths(name: CifarName): readonly (readonly string[])[] {
  const layouts = CIFAR_LAYOUTS.filter(({ dataset }) => dataset === name);
  const batches = layouts.flatMap(({ folder, trainFiles, testFile, namesFile }) =>
    [...trainFiles, testFile, namesFile].map((file) => [folder, file]),
  );
  return [...batches, ...ARCHIVES[name].map(({ file }) => [file])];
}

/**
 * `cifar10` or `cifar100` from the cache, downloaded and unpacked there when missing.
 * @throws DownloadError when it is neither there nor to be had
 */
export async function loadCifarByName(
  name: CifarName,
  options: Pick<LoadOptions, 'offline' | 'signal' | 'onProgress' | 'onNotice'>,
): Promise<Dataset> {
  const folder = cacheFolder();
  const inCache = () => findLayouts(folder).find(({ layout }) => layout.dataset === name);
  let found = inCache();
  if (found === undefined) {
    let archive = ARCHIVES[name].find(({ file }) => isFile(join(folder, file)));
    if (archive === undefined) {
      archive = ARCHIVES[name][0];
      await fetchArchive(name, folder, archive, options);
    } else {
      await checkArchive(join(folder, archive.file), archive);
    }
    options.onProgress?.({ kind: 'unpack', file: archive.file });
    await unpack(join(folder, archive.file), folder);
    found = inCache();
    if (found === undefined) throw new UserError(`${archive.file} does not hold ${name}`);
  }
  return readTitledCifar(found.layout, filesOfFolder(found.folder), name);
}

/** A wait that is worth a word about other ways, and how long a rate is watched before it is believed. */
const SLOW_MINUTES = 5;
const WATCHED_SECONDS = 10;

/** Estimated minutes that a download still takes, 0 while nothing can be said. */
export function minutesLeft(seconds: number, done: number, total: number | undefined): number {
  if (seconds < WATCHED_SECONDS || total === undefined || done === 0) return 0;
  return ((total - done) * (seconds / done)) / 60;
}

/** Where else people have the data from, as the end of a sentence. */
function otherWays(name: CifarName, { file }: Archive, cache: string): string {
  const [binary, python] = ARCHIVES[name];
  const folder = CIFAR_LAYOUTS.find(
    ({ dataset, format }) => dataset === name && format === 'python',
  )?.folder;
  return (
    `put ${file} (from ${OFFICIAL_SERVER}/, a mirror or another machine; its MD5 is checked) into ` +
    `${cache}, or name as the data set what is here already: ${binary.file}, ${python.file}, or ` +
    `torchvision's folder with ${folder} in it. TABLE6_DATA names another cache, TABLE6_MIRROR ` +
    'another server'
  );
}

async function fetchArchive(
  name: CifarName,
  folder: string,
  archive: Archive,
  options: Parameters<typeof loadCifarByName>[1],
): Promise<void> {
  const byHand = otherWays(name, archive, folder);
  if (options.offline) {
    throw new DownloadError(`${name} is not in ${folder}, and downloads are off: ${byHand}`);
  }
  await makeCacheFolder(folder);
  const url = `${(process.env.TABLE6_MIRROR || OFFICIAL_SERVER).replace(/\/+$/, '')}/${archive.file}`;
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new UserError(`TABLE6_MIRROR is not a web address: ${process.env.TABLE6_MIRROR}`);
  }
  const started = Date.now();
  let toldOfSlowness = false;
  try {
    await download(url, join(folder, archive.file), {
      md5: archive.md5,
      signal: options.signal,
      onProgress(done, total) {
        options.onProgress?.({ kind: 'download', file: archive.file, done, total });
        const minutes = minutesLeft((Date.now() - started) / 1000, done, total);
        if (toldOfSlowness || minutes < SLOW_MINUTES) return;
        toldOfSlowness = true;
        options.onNotice?.(
          `The server is slow: about ${Math.round(minutes)} minutes more. It may be stopped and ` +
            `goes on later; meanwhile you can ${byHand}`,
        );
      },
    });
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    throw new DownloadError(
      `${name} is not in ${folder}, and ${error.message}; try again, or ${byHand}`,
      { cause: error },
    );
  }
}

/** An archive that somebody put into the cache has the published MD5, or says what it is instead. */
async function checkArchive(path: string, { md5 }: Archive): Promise<void> {
  const actual = await md5OfFile(path);
  if (actual === md5) return;
  await openArchive(path); // throws with a better reason: a web page, cut off, another archive
  throw new UserError(
    `${path} has MD5 ${actual} instead of ${md5}: delete it and download it again`,
  );
}

/** Unpacks into a folder beside its place, then renames it, so that a folder there is complete. */
async function unpack(path: string, cache: string): Promise<void> {
  const { layout, files } = await openArchive(path);
  const target = join(cache, layout.folder);
  const temporary = temporaryBeside(target);
  try {
    await makeFolder(temporary);
    for (const [name, bytes] of files)
      await writeFile(join(temporary, name), bytes, { flush: true });
    await rename(temporary, target);
  } catch (error) {
    // Another process may have been quicker; what it put there is the same.
    if (!existsSync(target)) {
      throw fileError(error, { path: target, doing: 'write' });
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
