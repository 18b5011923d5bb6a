// From files that were dropped on the page to a data set: an archive is unpacked, CIFAR is told by its
// files' names, and anything else is a folder of images. Nothing is believed: each reader checks what it
// is given and says in one sentence what is wrong.

import { findCifar, isCifarFile } from '../../../data/cifar.ts';
import { readTitledCifar } from '../../../data/cifar-title.ts';
import { archiveKind, HEAD_BYTES, readTar } from '../../../formats/tar.ts';
import { unpackFolder } from '../../../formats/zip-folder.ts';
import { messageOf, UserError } from '../../../util/errors.ts';
import type { DroppedFile, Progress } from '../protocol.ts';
import { IMAGE_FILES, type LabelledPicture, type ReadData, readPictures } from './pictures.ts';

/** Most bytes of an archive's files, and of an archive that must be in memory as a whole. */
const MOST_BYTES = 2 ** 31;

/**
 * @param name how errors and titles call what was dropped; its first path component by default
 * @throws UserError saying what is wrong with it
 */
export async function readDropped(
  dropped: readonly DroppedFile[],
  name: string | undefined,
  onProgress: (progress: Progress) => void,
): Promise<ReadData> {
  const [first] = dropped;
  if (!first) throw new UserError('Nothing was dropped: choose an archive, a folder or files.');
  const place = name ?? (first.path.split('/')[0] as string);
  const only = dropped.length === 1 ? first : undefined;
  const files = only
    ? await unpacked(only, onProgress)
    : new Map(dropped.map(({ path, file }) => [path, file]));
  const cifar = findCifar(files);
  if (!cifar) return await readPictures(place, labelled(place, files), onProgress);
  const read = async (fileName: string) => {
    const file = cifar.files.get(fileName);
    return file && new Uint8Array(await file.arrayBuffer());
  };
  const dataset = await readTitledCifar(cifar.layout, { place, read }, place);
  // Node.js and the cluster know the original by this name, so a run finds its data again there.
  const source = dataset.isOriginalCifar10 ? 'cifar10' : place;
  return { dataset: { ...dataset, source }, notices: [] };
}

/** The files in an archive; a file that is none stands for itself. */
async function unpacked(
  { path, file }: DroppedFile,
  onProgress: (progress: Progress) => void,
): Promise<Map<string, Blob>> {
  const kind = archiveKind(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
  if (isCifarFile(path) || IMAGE_FILES.test(path)) return new Map([[path, file]]);
  if (kind === 'zip') return await unzipped(path, file);
  const wanted = (inside: string) => isCifarFile(inside) || isPicture(inside);
  const files = await readTar(file.stream() as ReadableStream<Uint8Array<ArrayBuffer>>, kind, {
    path,
    wanted,
    maxBytes: MOST_BYTES,
    onProgress: (done) => onProgress({ what: 'unpack', done, total: file.size }),
  });
  return asBlobs(files);
}

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

/** Not what a Mac adds to archives. */
function isPicture(path: string): boolean {
  return (
    IMAGE_FILES.test(path) &&
    !path.split('/').some((part) => part.startsWith('.') || part === '__MACOSX')
  );
}

const SPLITS: Readonly<Record<string, 'train' | 'test'>> = {
  train: 'train',
  training: 'train',
  test: 'test',
  val: 'test',
  valid: 'test',
  validation: 'test',
};

/**
 * Class and split of each picture from its path: `[folder/][train|test/]class/.../picture.png`.
 * @throws UserError for a structure without classes
 */
function labelled(place: string, files: ReadonlyMap<string, Blob>): LabelledPicture[] {
  const paths = [...files].filter(([path]) => isPicture(path));
  let parts = paths.map(([path, file]) => ({ path, file, folders: path.split('/').slice(0, -1) }));
  if (parts.length === 0) {
    throw new UserError(
      `${place} is no data set: drop CIFAR-10's archive, its folder or its files, or a folder of images (PNG, JPEG, WebP) with a subfolder for each class.`,
    );
  }
  // The chosen folder itself, and archives that hold one folder.
  while (parts.every(({ folders }) => folders.length > 1 && folders[0] === parts[0]!.folders[0])) {
    if (SPLITS[parts[0]!.folders[0]!.toLowerCase()]) break;
    parts = parts.map((part) => ({ ...part, folders: part.folders.slice(1) }));
  }
  const hasSplits = parts.every(({ folders }) => SPLITS[(folders[0] ?? '').toLowerCase()]);
  return parts.map(({ path, file, folders }) => {
    const [first, ...inner] = folders;
    const label = hasSplits ? inner[0] : first;
    if (label === undefined) {
      throw new UserError(
        `${path} lies in no class: give each class a folder of its own in ${place}, with its images in it.`,
      );
    }
    const split = hasSplits ? SPLITS[first!.toLowerCase()] : undefined;
    return { path, file, label, ...(split && { split }) };
  });
}
