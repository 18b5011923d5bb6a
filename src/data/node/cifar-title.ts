// What a data set in CIFAR's layout may be called. Only the complete original pixels stand beside the
// paper's numbers, so a subset says that it is one, and so does a set with other pixels.

import { createHash } from 'node:crypto';
import type { CifarLayout } from '../cifar.ts';
import { classCounts, IMAGE_BYTES, type Split } from '../dataset.ts';

/**
 * SHA-256 of the first 1,000 images (pixels in NHWC, then labels as bytes) of CIFAR-10's five
 * training batches and of its test batch.
 */
const ORIGINAL_CIFAR10 = [
  '796e62793b0862ab0d1e965e48f82e6e49faab780c55fbf9f3110c986a465109',
  '6a3f1c13a4f615f7a2ed1b1160c2850116874e52aefd29d33cbf12684618250b',
  '5a6508c6235fcb2ad520a18f41cc0161b68981f7fd2853a996e735ed103f2770',
  'ff18be0232a81e9d4f2578f136e29773c8ef10dfad562217f160ca05ed778cef',
  '9a7aca2a820e815b4da475ea946f82a50fe388ba25f60399e86d9fff28cdc0c5',
  '3bbdff8a1946fbed0a833aaf37c6ffbb3d391356d3e79d47a8030d5ee93186db',
];

function digestOf1000(split: Split, start: number): string {
  return createHash('sha256')
    .update(split.images.subarray(start * IMAGE_BYTES, (start + 1000) * IMAGE_BYTES))
    .update(Uint8Array.from(split.labels.subarray(start, start + 1000)))
    .digest('hex');
}

/**
 * Whether a complete CIFAR-10 has the original pixels: a tenth of each batch is compared, and every
 * class must have its 5,000 and 1,000 images. This tells re-encoded, reordered or filled-up sets
 * apart; against forgery there is the archive's MD5.
 */
function hasOriginalPixels(train: Split, test: Split): boolean {
  const digests = [0, 1, 2, 3, 4].map((batch) => digestOf1000(train, batch * 10_000));
  digests.push(digestOf1000(test, 0));
  return (
    digests.every((digest, i) => digest === ORIGINAL_CIFAR10[i]) &&
    classCounts(train, 10).every((count) => count === 5000) &&
    classCounts(test, 10).every((count) => count === 1000)
  );
}

/**
 * What reports call it. A subset says its size, and a complete set with other pixels (re-encoded
 * images written back in the official layout) does not pass for the original.
 */
export function cifarTitle(
  layout: CifarLayout,
  train: Split,
  test: Split,
): { title: string; isOriginalCifar10: boolean } {
  const name = layout.dataset === 'cifar10' ? 'CIFAR-10' : 'CIFAR-100';
  const complete =
    train.count === layout.trainFiles.length * layout.perTrainFile &&
    test.count === layout.perTestFile;
  if (!complete) {
    const counts = `${train.count.toLocaleString('en')} + ${test.count.toLocaleString('en')}`;
    return { title: `${name} (subset: ${counts} images)`, isOriginalCifar10: false };
  }
  if (layout.dataset !== 'cifar10') return { title: name, isOriginalCifar10: false };
  const isOriginalCifar10 = hasOriginalPixels(train, test);
  return { title: isOriginalCifar10 ? name : `${name} (altered)`, isOriginalCifar10 };
}
