// From files that were dropped on the page to a data set, by the rules that `--data` has on Node.js: CIFAR is
// told by its files' names, arrays of numpy by what they are, anything else is a folder of images
// (data/folder-layout.ts). Archives are unpacked, zip too. Nothing is believed: each reader checks what it is
// given and says in one sentence what is wrong.

import { findCifar, isCifarFile } from '../../../data/cifar.ts';
import { readTitledCifar } from '../../../data/cifar-title.ts';
import { IMAGE_FILES, isSeen, listedFolder } from '../../../data/folder-files.ts';
import { folderContent, readFolderLayout } from '../../../data/folder-layout.ts';
import { fileKind, foreignFiles } from '../../../data/foreign-data.ts';
import { readNpz } from '../../../data/npz.ts';
import { archiveKind, HEAD_BYTES, readTar } from '../../../formats/tar.ts';
import { unpackFolder } from '../../../formats/zip-folder.ts';
import { messageOf, UserError } from '../../../util/errors.ts';
import type { DroppedFile, Progress } from '../protocol.ts';
import { type ReadData, readImageFolder, withTest } from './pictures.ts';

/** Most bytes of an archive's files, and of a file that must be in memory as a whole. */
const MOST_BYTES = 2 ** 31;

type Tell = (progress: Progress) => void;

/**
 * @param name how errors and titles call what was dropped; its first path component by default
 * @throws UserError saying what is wrong with it
 */
export async function readDropped(
  dropped: readonly DroppedFile[],
  name: string | undefined,
  onProgress: Tell,
): Promise<ReadData> {
  const [first] = dropped;
  if (!first) throw new UserError('Nothing was dropped: choose an archive, a folder or files.');
  const place = name ?? (first.path.split('/')[0] as string);
  if (dropped.length > 1) return await readFiles(place, insideOf(dropped), onProgress);
  const head = new Uint8Array(await first.file.slice(0, HEAD_BYTES).arrayBuffer());
  const kind = fileKind(head, first.path);
  if (kind === 'npz') return await readArrays(place, first.file);
  const archive = archiveKind(head);
  if (kind !== undefined && archive !== 'zip') throw new UserError(`${place} ${kind}`);
  return await readFiles(place, await unpacked(first, archive, onProgress), onProgress);
}

/** Files by their paths in the folder that was dropped, where it was one. */
function insideOf(dropped: readonly DroppedFile[]): Map<string, Blob> {
  const tops = new Set(dropped.map(({ path }) => path.split('/')[0]));
  const isFolder = tops.size === 1 && dropped.every(({ path }) => path.includes('/'));
  return new Map(
    dropped.map(({ path, file }) => [isFolder ? path.slice(path.indexOf('/') + 1) : path, file]),
  );
}

async function readFiles(
  place: string,
  files: ReadonlyMap<string, Blob>,
  onProgress: Tell,
): Promise<ReadData> {
  const cifar = findCifar(files);
  if (cifar) {
    const read = async (fileName: string) => {
      const file = cifar.files.get(fileName);
      return file && new Uint8Array(await file.arrayBuffer());
    };
    const dataset = await readTitledCifar(cifar.layout, { place, read }, place);
    // Node.js and the cluster know the original by this name, so a run finds its data again there.
    const source = dataset.isOriginalCifar10 ? 'cifar10' : place;
    return { dataset: { ...dataset, source }, notices: [] };
  }
  const folder = listedFolder(place, files.keys(), (path) => (files.get(path) as Blob).text());
  const layout = await readFolderLayout(folder);
  if (layout) return await readImageFolder(folder, layout, files, onProgress);
  const foreign = foreignFiles(folder);
  throw new UserError(
    foreign === undefined
      ? `${place} is no data set (${folderContent(folder)}): drop CIFAR-10's archive, its folder or its files, a .npz, or a folder of images (PNG, JPEG, WebP) with a subfolder for each of two classes or more.`
      : `${place} is not a data set that is read: ${foreign}`,
  );
}

async function readArrays(place: string, file: Blob): Promise<ReadData> {
  if (file.size > MOST_BYTES) {
    throw new UserError(`${place} is larger than a data set in memory can be: split it.`);
  }
  const notices: string[] = [];
  const whole = await readNpz(new Uint8Array(await file.arrayBuffer()), place);
  const dataset = withTest(whole, { onNotice: (line) => notices.push(line) });
  return {
    dataset: dataset.isOriginalCifar10 ? { ...dataset, source: 'cifar10' } : dataset,
    notices,
  };
}

/** The files in an archive; a file that is none stands for itself. */
async function unpacked(
  { path, file }: DroppedFile,
  kind: ReturnType<typeof archiveKind>,
  onProgress: Tell,
): Promise<Map<string, Blob>> {
  if (isCifarFile(path) || IMAGE_FILES.test(path)) return new Map([[path, file]]);
  if (kind === 'zip') return await unzipped(path, file);
  const files = await readTar(file.stream() as ReadableStream<Uint8Array<ArrayBuffer>>, kind, {
    path,
    wanted: (inside) => isCifarFile(inside) || isOfFolder(inside),
    maxBytes: MOST_BYTES,
    onProgress: (done) => onProgress({ what: 'unpack', done, total: file.size }),
  });
  return asBlobs(files);
}

/** An image, or a table of labels. */
const isOfFolder = (path: string) =>
  (IMAGE_FILES.test(path) || /\.csv$/i.test(path)) && path.split('/').every(isSeen);

async function unzipped(path: string, file: Blob): Promise<Map<string, Blob>> {
  if (file.size > MOST_BYTES) {
    throw new UserError(
      `${path} is too large for a zip archive in a tab: unpack it and drop the folder.`,
    );
  }
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    return asBlobs(await unpackFolder(bytes, { maxBytes: MOST_BYTES, maxFiles: 200_000 }));
  } catch (error) {
    if (error instanceof UserError)
      throw new UserError(`${path}: ${error.message}`, { cause: error });
    throw new UserError(
      `${path} cannot be unpacked (${messageOf(error)}): unpack it and drop the folder.`,
    );
  }
}

function asBlobs(files: ReadonlyMap<string, Uint8Array>): Map<string, Blob> {
  return new Map(
    [...files].map(([path, bytes]) => [path, new Blob([bytes as Uint8Array<ArrayBuffer>])]),
  );
}
