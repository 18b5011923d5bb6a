// Data sets in the tab's file system, so that a reload finds them: the bytes of all splits in one file,
// and the facts in another, which is written last.

import * as z from 'zod';
import { type Dataset, IMAGE_BYTES, type Split } from '../../../data/dataset.ts';
import { type FileSystem, writeAtomically } from '../../../runs/file-system.ts';

const FOLDER = 'data';

const factsSchema = z.object({
  source: z.string(),
  title: z.string(),
  isOriginalCifar10: z.boolean(),
  classes: z.array(z.string()).min(2),
  train: z.int().min(1),
  test: z.int().min(0),
});

/** A source may be any text; a folder's name may not. */
const folderOf = (source: string) => `${FOLDER}/${encodeURIComponent(source)}`;

/** @throws UserError for full storage; what was there before is whole */
export async function storeDataset(files: FileSystem, dataset: Dataset): Promise<void> {
  const { source, title, isOriginalCifar10, classes, train, test } = dataset;
  const folder = folderOf(source);
  await files.removeFolder(folder);
  await files.makeFolder(folder);
  const bytes = new Uint8Array(bytesOf(train.count) + bytesOf(test.count));
  let at = 0;
  for (const split of [train, test]) {
    bytes.set(split.images, at);
    const labels = new DataView(bytes.buffer, at + split.count * IMAGE_BYTES);
    split.labels.forEach((label, i) => {
      labels.setUint16(2 * i, label, true);
    });
    at += bytesOf(split.count);
  }
  await writeAtomically(files, `${folder}/images`, bytes);
  const facts = { source, title, isOriginalCifar10, classes, train: train.count, test: test.count };
  await writeAtomically(files, `${folder}/facts.json`, JSON.stringify(facts));
}

/** The data set, or undefined where it is not there, or not whole. */
export async function loadStored(files: FileSystem, source: string): Promise<Dataset | undefined> {
  const folder = folderOf(source);
  const json = await files.read(`${folder}/facts.json`);
  const bytes = json && (await files.read(`${folder}/images`));
  if (!bytes) return undefined;
  const parsed = factsSchema.safeParse(jsonOf(json));
  if (!parsed.success) return undefined;
  const { train, test, ...facts } = parsed.data;
  if (bytes.length !== bytesOf(train) + bytesOf(test)) return undefined;
  const first = splitAt(bytes, 0, train, facts.classes.length);
  const second = splitAt(bytes, bytesOf(train), test, facts.classes.length);
  return first && second && { ...facts, train: first, test: second };
}

/** The sources of what is stored. */
export async function storedSources(files: FileSystem): Promise<string[]> {
  return (await files.list(FOLDER)).map(decodeURIComponent).sort();
}

export function removeStored(files: FileSystem, source: string): Promise<void> {
  return files.removeFolder(folderOf(source));
}

const bytesOf = (count: number) => count * (IMAGE_BYTES + 2);

function splitAt(
  bytes: Uint8Array,
  start: number,
  count: number,
  classes: number,
): Split | undefined {
  const end = start + count * IMAGE_BYTES;
  const view = new DataView(bytes.buffer, bytes.byteOffset + end, 2 * count);
  const labels = Uint16Array.from({ length: count }, (_, i) => view.getUint16(2 * i, true));
  if (labels.some((label) => label >= classes)) return undefined;
  return { count, images: bytes.subarray(start, end), labels };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // as good as not there
  }
}
