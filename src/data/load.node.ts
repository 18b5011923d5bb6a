// From what a user typed after --data to a data set in memory. This file only decides what the source
// is; each kind of source is read in a file of its own below `node/`.

import { existsSync, statSync } from 'node:fs';
import { UserError } from '../util/errors.ts';
import { didYouMean } from '../util/suggest.ts';
import { systemError } from '../util/system-errors.ts';
import type { Dataset } from './dataset.ts';
import { folderContent } from './folder-layout.ts';
import { fileKind, foreignFiles } from './foreign-data.ts';
import type { LoadOptions } from './load-options.ts';
import { readHead } from './node/archive.ts';
import { loadCifarArchive, loadCifarByName, loadCifarFolder } from './node/cifar-files.ts';
import { diskFolder } from './node/folder-files.ts';
import { loadImageFolder } from './node/image-folder.ts';
import { loadNpz } from './node/npz.ts';
import { damagedBatches } from './original.ts';
import { divided, requireSplits, type Whole } from './splits.ts';
import { isSyntheticSource, makeSynthetic } from './synthetic.ts';

export { cacheFolder } from './node/cache.ts';
export { type CifarName, cacheablePaths, isCached } from './node/cifar-files.ts';
export { DownloadError } from './node/download.ts';

/**
 * Loads `cifar10`, `cifar100`, `synthetic[:train=N,test=N,seed=N]`, a folder or archive in CIFAR's
 * official layout, arrays in a `.npz`, or a folder of images. Without test images of its own a data set needs
 * validation images, its own (`val/`) or held out; they are then its test set, and there is no separate
 * validation split.
 * @throws DownloadError when a named data set is neither in the cache nor to be downloaded
 * @throws UserError for anything else that is wrong with the source
 */
export async function loadDataset(source: string, options: LoadOptions = {}): Promise<Dataset> {
  const whole = await loadWhole(source, options).catch((error: unknown) => {
    // No permission, a broken disk: the user's to repair, whichever file was being read.
    throw systemError(error) ?? error;
  });
  for (const { name, text } of damagedBatches(whole.findings ?? [])) {
    options.onNotice?.(`${source}: ${name} is not as published: ${text}; unpack the archive again`);
  }
  return divided(whole, options);
}

async function loadWhole(source: string, options: LoadOptions): Promise<Whole> {
  if (source === 'cifar10' || source === 'cifar100') return loadCifarByName(source, options);
  if (isSyntheticSource(source)) return makeSynthetic(source);
  if (!existsSync(source)) {
    throw new UserError(
      `there is no data set or path '${source}': give cifar10, cifar100, synthetic, a folder or an ` +
        `archive.${didYouMean(source, ['cifar10', 'cifar100', 'synthetic'])}`,
    );
  }
  if (!statSync(source).isDirectory()) return loadFile(source);
  const cifar = await loadCifarFolder(source, source);
  if (cifar !== undefined) return cifar;
  const images = await loadImageFolder(source, options, ({ classes, folders }) => {
    requireSplits(source, { ...folders, classes, isUndivided: folders.train === '.' }, options);
    options.onClasses?.({ source, classes });
  });
  if (images !== undefined) {
    const { title, classes, folders, splits } = images;
    const isUndivided = folders.train === '.';
    return { source, isOriginalCifar10: false, title, classes, isUndivided, ...splits };
  }
  const folder = diskFolder(source);
  const foreign = foreignFiles(folder);
  throw new UserError(
    foreign === undefined
      ? `${source} is not a data set (${folderContent(folder)}): expected CIFAR's files (such as data_batch_1.bin), ` +
          'a folder of images (train/<class>/*.png and test/<class>/*.png), or one folder of images for each class'
      : `${source} is not a data set that is read: ${foreign}`,
  );
}

async function loadFile(source: string): Promise<Whole> {
  const kind = fileKind(await readHead(source), source);
  if (kind === 'npz') return loadNpz(source);
  if (kind !== undefined) throw new UserError(`${source} ${kind}`);
  return loadCifarArchive(source, source);
}
