// What a data set in CIFAR's layout may be called. Only the complete original pixels stand beside the
// paper's numbers, so a subset says that it is one, and so does a set with other pixels.

import { type CifarContents, type CifarFiles, type CifarLayout, readCifar } from './cifar.ts';
import type { Dataset } from './dataset.ts';
import { compareWithOriginal } from './original.ts';

/**
 * What reports call it, and how it compares with what was published. A subset says its size, and a
 * complete set with other pixels (re-encoded images written back in the official layout) does not pass
 * for the original.
 */
export async function cifarTitle(
  layout: CifarLayout,
  { train, test, batches }: Pick<CifarContents, 'train' | 'test' | 'batches'>,
): Promise<Pick<Dataset, 'title' | 'isOriginalCifar10' | 'findings'>> {
  const isCifar10 = layout.dataset === 'cifar10';
  const name = isCifar10 ? 'CIFAR-10' : 'CIFAR-100';
  const findings = isCifar10 ? await compareWithOriginal(batches) : undefined;
  const complete =
    train.count === layout.trainFiles.length * layout.perTrainFile &&
    test.count === layout.perTestFile;
  if (!complete) {
    const counts = `${train.count.toLocaleString('en')} + ${test.count.toLocaleString('en')}`;
    return { title: `${name} (subset: ${counts} images)`, isOriginalCifar10: false, findings };
  }
  if (!findings) return { title: name, isOriginalCifar10: false };
  const isOriginalCifar10 = findings.every(({ state }) => state === 'original');
  return { title: isOriginalCifar10 ? name : `${name} (altered)`, isOriginalCifar10, findings };
}

/**
 * Reads a whole data set and says what it is.
 * @param source what the user asked for
 * @throws UserError as `readCifar` does
 */
export async function readTitledCifar(
  layout: CifarLayout,
  files: CifarFiles,
  source: string,
): Promise<Dataset> {
  const { batches, ...contents } = await readCifar(layout, files);
  return { source, ...(await cifarTitle(layout, { ...contents, batches })), ...contents };
}
