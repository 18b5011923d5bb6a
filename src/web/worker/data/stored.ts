// Data sets in the tab's file system, so that a reload finds them: the bytes of all splits in one file,
// and the facts in another, which is written last.

import * as z from 'zod/mini';
import { classCounts, type Dataset, IMAGE_BYTES, type Split } from '../../../data/dataset.ts';
import { type FileSystem, writeAtomically } from '../../../runs/file-system.ts';
import { sum } from '../../../util/statistics.ts';

const FOLDER = 'data';

const factsSchema = z.object({
  source: z.string(),
  title: z.string(),
  isOriginalCifar10: z.boolean(),
  classes: z.array(z.string()).check(z.minLength(2)),
  /** Images of each class. */
  train: z.array(z.int()),
  test: z.array(z.int()),
  validation: z.optional(z.array(z.int())),
});

/** What is known of a stored data set without reading its images. */
export type StoredFacts = z.infer<typeof factsSchema>;

/** A source may be any text; a folder's name may not. */
const folderOf = (source: string) => `${FOLDER}/${encodeURIComponent(source)}`;

/** @throws UserError for full storage; what was there before is whole */
export async function storeDataset(files: FileSystem, dataset: Dataset): Promise<void> {
  const { source, title, isOriginalCifar10, classes, train, test, validation } = dataset;
  const folder = folderOf(source);
  await files.removeFolder(folder);
  await files.makeFolder(folder);
  const splits = validation ? [train, test, validation] : [train, test];
  const bytes = new Uint8Array(sum(splits.map(({ count }) => bytesOf(count))));
  let at = 0;
  for (const split of splits) {
    bytes.set(split.images, at);
    const labels = new DataView(bytes.buffer, at + split.count * IMAGE_BYTES);
    split.labels.forEach((label, i) => {
      labels.setUint16(2 * i, label, true);
    });
    at += bytesOf(split.count);
  }
  await writeAtomically(files, `${folder}/images`, bytes);
  const facts: StoredFacts = {
    source,
    title,
    isOriginalCifar10,
    classes: [...classes],
    train: classCounts(train, classes.length),
    test: classCounts(test, classes.length),
    ...(validation && { validation: classCounts(validation, classes.length) }),
  };
  await writeAtomically(files, `${folder}/facts.json`, JSON.stringify(facts));
}

/** What is said of a data set that is there and whole; its 180 MB of images are not read for that. */
export async function describeStored(
  files: FileSystem,
  source: string,
): Promise<StoredFacts | undefined> {
  const folder = folderOf(source);
  const json = await files.read(`${folder}/facts.json`);
  const parsed = json && factsSchema.safeParse(jsonOf(json));
  if (!parsed?.success) return undefined;
  const { train, test, validation = [] } = parsed.data;
  const bytes = sum([train, test, validation].map((counts) => bytesOf(sum(counts))));
  const isWhole = (await files.size(`${folder}/images`)) === bytes;
  return isWhole ? parsed.data : undefined;
}

/** The data set, or undefined where it is not there, or not whole. */
export async function loadStored(files: FileSystem, source: string): Promise<Dataset | undefined> {
  const known = await describeStored(files, source);
  const bytes = known && (await files.read(`${folderOf(source)}/images`));
  if (!bytes) return undefined;
  const { train, test, validation, ...facts } = known;
  let at = 0;
  const next = (counts: readonly number[]) => {
    const split = splitAt(bytes, at, sum(counts), facts.classes.length);
    at += bytesOf(sum(counts));
    return split;
  };
  const splits = { train: next(train), test: next(test) };
  const held = validation && next(validation);
  if (!splits.train || !splits.test || (validation && !held)) return undefined;
  return { ...facts, train: splits.train, test: splits.test, ...(held && { validation: held }) };
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
