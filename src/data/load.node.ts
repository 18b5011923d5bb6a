// From what a user typed after --data to a data set in memory. This file only decides what the source
// is; each kind of source is read in a file of its own below `node/`.

import { existsSync, statSync } from 'node:fs';
import { UserError } from '../util/errors.ts';
import { didYouMean } from '../util/suggest.ts';
import type { Dataset } from './dataset.ts';
import type { LoadOptions } from './load-options.ts';
import { loadCifarArchive, loadCifarByName, loadCifarFolder } from './node/cifar-files.ts';
import { isImageFolder, loadImageFolder } from './node/image-folder.ts';
import { damagedBatches } from './original.ts';
import { isSyntheticSource, makeSynthetic } from './synthetic.ts';
import { splitValidation } from './validation.ts';

export { cacheFolder } from './node/cache.ts';
export { type CifarName, cacheablePaths, isCached } from './node/cifar-files.ts';
export { DownloadError } from './node/download.ts';

/**
 * Loads `cifar10`, `cifar100`, `synthetic[:train=N,test=N,seed=N]`, a folder or archive in CIFAR's
 * official layout, or a folder of images. An image folder without `test/` needs `validation`; the
 * held-out images are then its test set, and there is no separate validation split.
 * @throws DownloadError when a named data set is neither in the cache nor to be downloaded
 * @throws UserError for anything else that is wrong with the source
 */
export async function loadDataset(source: string, options: LoadOptions = {}): Promise<Dataset> {
  const whole = await loadWhole(source, options).catch((error: unknown) => {
    throw isFileSystemError(error)
      ? new UserError(`${error.path} cannot be read: ${error.message}`, { cause: error })
      : error;
  });
  for (const { name, text } of damagedBatches(whole.findings ?? [])) {
    options.onNotice?.(`${source}: ${name} is not as published: ${text}; unpack the archive again`);
  }
  const { validation, seed = 0 } = options;
  const { test } = whole;
  if (test === undefined) {
    if (validation === undefined) {
      throw new UserError(
        `${source} has no test folder: add one, or hold images out for validation (a number of them, or a fraction)`,
        { code: 'no-test-images', facts: { source } },
      );
    }
    const parts = splitValidation(whole.train, validation, seed, whole.classes);
    options.onNotice?.(
      `${source} has no test folder: the ${parts.validation.count} held-out images are its test set`,
    );
    return { ...whole, train: parts.train, test: parts.validation };
  }
  if (validation === undefined) return { ...whole, test };
  return { ...whole, test, ...splitValidation(whole.train, validation, seed, whole.classes) };
}

/** No permission, a broken disk: the user's to repair, whichever file was being read. */
function isFileSystemError(error: unknown): error is Error & { path: string } {
  return error instanceof Error && 'syscall' in error && 'path' in error;
}

async function loadWhole(
  source: string,
  options: LoadOptions,
): Promise<Omit<Dataset, 'test'> & { readonly test?: Dataset['test'] }> {
  if (source === 'cifar10' || source === 'cifar100') return loadCifarByName(source, options);
  if (isSyntheticSource(source)) return makeSynthetic(source);
  if (!existsSync(source)) {
    throw new UserError(
      `there is no data set or path '${source}': give cifar10, cifar100, synthetic, a folder or an ` +
        `archive.${didYouMean(source, ['cifar10', 'cifar100', 'synthetic'])}`,
    );
  }
  if (!statSync(source).isDirectory()) return loadCifarArchive(source, source);
  const cifar = await loadCifarFolder(source, source);
  if (cifar !== undefined) return cifar;
  if (isImageFolder(source)) {
    return { source, isOriginalCifar10: false, ...(await loadImageFolder(source, options)) };
  }
  throw new UserError(
    `${source} is not a data set: expected CIFAR's files (such as data_batch_1.bin) or a folder of ` +
      'images (train/<class>/*.png and test/<class>/*.png)',
  );
}
