// CIFAR from this machine's data cache, so that a served page need not be given files: the batches as
// they lie there, or the archive where it is not unpacked.

import { type CifarName, cacheablePaths } from '../data/load.node.ts';
import type { Folder, OpenFile } from './folder.ts';
import type { CachedData } from './protocol.ts';
import { Refusal } from './refusal.ts';

const DATASETS: readonly CifarName[] = ['cifar10', 'cifar100'];

/** @throws Refusal for another data set */
export async function listCachedData(cache: Folder, dataset: string): Promise<CachedData> {
  const files: { name: string; bytes: number }[] = [];
  for (const names of cacheablePaths(knownDataset(dataset))) {
    await using file = await cache.open(names);
    if (file) files.push({ name: names.at(-1)!, bytes: file.bytes });
  }
  return { dataset, files };
}

/** @throws Refusal for a name that is none of the data set's files */
export async function openCachedFile(
  cache: Folder,
  dataset: string,
  name: string,
): Promise<OpenFile | undefined> {
  const names = cacheablePaths(knownDataset(dataset)).find((path) => path.at(-1) === name);
  if (names === undefined) throw new Refusal(404, `${dataset} has no file "${name}".`);
  return cache.open(names);
}

function knownDataset(name: string): CifarName {
  const known = DATASETS.find((dataset) => dataset === name);
  if (known === undefined) {
    throw new Refusal(404, `The cache holds ${DATASETS.join(' and ')}, not "${name}".`);
  }
  return known;
}
