// Whether images are those of CIFAR-10 as it was published, batch by batch, and where they differ. Only
// errors on the original may stand beside the paper's, and a copy that is almost right (one file cut off
// or damaged, a batch twice, labels changed) should be told what is wrong with it. Digests are of what is
// in the files, not of the files: the binary, the python and any repacked layout give the same.

import { sha256Hex } from '../formats/sha256.ts';
import { type BatchFinding, IMAGE_BYTES, type Split } from './dataset.ts';

/** Images in each official batch, and in each part of one that has a digest of its own. */
const BATCH_IMAGES = 10_000;
const BLOCK_IMAGES = 1_000;

/** One batch as published: for each thousand images, the beginnings of two SHA-256. */
export interface OriginalBatch {
  readonly name: string;
  /** Of the pixels: 32 × 32 × 3 bytes an image, the channels of a pixel together. 16 digits each. */
  readonly images: string;
  /** Of the labels, one byte each. 8 digits each. */
  readonly labels: string;
}

export const ORIGINAL_CIFAR10: readonly OriginalBatch[] = [
  {
    name: 'data_batch_1',
    images:
      '133c5674fd1c56ce 6973df93ec3d5e57 b88d9034ca3846ff da59de85f1932439 0c5dd8ff1714007e ' +
      'ba24ed4e0c9808d5 1885f7e665b4e832 440068ade29cbe3c 29939bd5faf9f249 559d453793cf6b14',
    labels:
      'b8cafe51 eb317336 67465f17 784e1602 5eaac391 54a79661 afd21b3f dc1889b8 1edc793c e6a9b27d',
  },
  {
    name: 'data_batch_2',
    images:
      '250a77ef11cfcf25 12af91a70cbf22f7 d7f010dcffcf4244 bda29400c8160e03 1db67dc5cc90e2fd ' +
      'b67bc91852136977 8b1edfd841420fdf fde3189b843e36a1 a4bb4ea0a3375185 0ab88b02e39b0d1a',
    labels:
      'ec75ca2d 84c9b3bf d3d38c4d 06262b25 adfb78a5 699f35f3 a5f8ac9c fa96011a ff9ba4fd fc6073ab',
  },
  {
    name: 'data_batch_3',
    images:
      '3b18c92ec79c5def f77b6085559dc02a 5a9875bea3ad721f ee264892860ec20f d5eec245de47b622 ' +
      'ed50985d527467d6 14e3f38852329494 762167c6e44f0d80 a02cdd8e746e8a3d 0e2653133f208a76',
    labels:
      '34302e7e 7ecdc389 ba8ff8b8 24dd70cb 9a21d3e1 93204306 3c37ffb6 99eaac45 6d0c6454 41d4c0f5',
  },
  {
    name: 'data_batch_4',
    images:
      'e49a66821c459b99 8c5b43d8c18f733b d5572c816369e2d7 bcb18cf3258bedb4 a4417b63f4b8c8c9 ' +
      '95191fd27c459918 89c675a8873bd1a4 b56d881e49f62d1a aefc0459cd78fc3c 5233be42e6e8c2ef',
    labels:
      '5546dd8e 54d2edef c2e4f5bd 7ca53be3 8c89c9e4 e5e5e72d 439d5d90 8f045f39 e147b50a afa856ad',
  },
  {
    name: 'data_batch_5',
    images:
      '1dc72e4cfa53c51e 5830b40e0e946bb0 3849ecb30069ab27 6636aac8300828f2 3811fd7f9f224fff ' +
      'd7364c7f03040f98 6e3b78b1c507a61f 49f02a2a92ff1745 31643739f5c9de66 90fc1086adb56408',
    labels:
      '6ac85fb3 fd698a3d c982e8de d5cc9b88 d18b7685 0f085d3c 6be41075 ca6ee811 dad91a1c 1fd0fcd0',
  },
  {
    name: 'test_batch',
    images:
      'da362006b9967121 642719d7661101d9 678b974661194b79 82921204b41998e8 86e897f971c9c276 ' +
      '3849afade8d5a548 374f10e6a1251aa0 e706a0b088669de4 f5c248ee9a8c475b eb75a7d9eb4c679e',
    labels:
      '636a087e 41adaaa3 1e92c6a8 e00f051f 2a036806 85b48eca 7c065a79 58f9df29 7e40250f 6f07ab55',
  },
];

/**
 * Compares batches with the published ones, in their official order (five of training, one of test).
 * @param batches images and labels of each file
 * @param published for tests
 */
export async function compareWithOriginal(
  batches: readonly Split[],
  published: readonly OriginalBatch[] = ORIGINAL_CIFAR10,
): Promise<BatchFinding[]> {
  const pairs = published.flatMap((original, index) => {
    const batch = batches[index];
    return batch ? [{ original, batch }] : [];
  });
  return Promise.all(pairs.map(({ batch, original }) => compareBatch(batch, original, published)));
}

/** The batches that spoil a copy of which others are right: damage, where a wholly foreign set is none. */
export function damagedBatches(findings: readonly BatchFinding[]): readonly BatchFinding[] {
  const someAreRight = findings.some(({ state }) => state === 'original');
  return someAreRight ? findings.filter(({ state }) => state === 'altered') : [];
}

async function compareBatch(
  batch: Split,
  original: OriginalBatch,
  published: readonly OriginalBatch[],
): Promise<BatchFinding> {
  const { name } = original;
  const altered = (text: string): BatchFinding => ({ name, state: 'altered', text });
  if (batch.count > BATCH_IMAGES) return altered(`${count(batch.count)} images, not 10,000`);
  const found = await digestsOf(batch);
  const images = differing(found.images, original.images.split(' '));
  const labels = differing(found.labels, original.labels.split(' '));
  if (images.length > 0 && images.length === found.images.length) {
    const twin = published.find((other) => other.images.startsWith(found.images.join(' ')));
    return altered(
      twin ? `its images are those of ${twin.name}` : 'none of its images are as published',
    );
  }
  const wrong = [
    ...(images.length > 0 ? [`of its images, ${ranges(images)} differ`] : []),
    ...(labels.length > 0 ? [`of its labels, ${ranges(labels)} differ`] : []),
  ];
  if (wrong.length > 0) return altered(wrong.join('; '));
  if (batch.count === BATCH_IMAGES) return { name, state: 'original', text: '' };
  const checked = found.images.length * BLOCK_IMAGES;
  const kept = checked === 0 ? 'too few to check' : `the first ${count(checked)} are as published`;
  return { name, state: 'part', text: `${count(batch.count)} of 10,000 images; ${kept}` };
}

/** Digests of every whole thousand; the host computes them beside the thread that asks. */
async function digestsOf({ images, labels, count: all }: Split) {
  const blocks = Array.from({ length: Math.floor(all / BLOCK_IMAGES) }, (_, i) => i * BLOCK_IMAGES);
  const digest = async (bytes: Uint8Array<ArrayBuffer>, digits: number) =>
    (await sha256Hex(bytes)).slice(0, digits);
  return {
    images: await Promise.all(
      blocks.map((first) =>
        digest(images.slice(first * IMAGE_BYTES, (first + BLOCK_IMAGES) * IMAGE_BYTES), 16),
      ),
    ),
    labels: await Promise.all(
      blocks.map((first) =>
        digest(Uint8Array.from(labels.subarray(first, first + BLOCK_IMAGES)), 8),
      ),
    ),
  };
}

/** Places where two lists differ, as far as the first one goes. */
function differing(found: readonly string[], published: readonly string[]): number[] {
  return [...found.keys()].filter((block) => found[block] !== published[block]);
}

/** `[3, 4, 7]` as `3,001 to 5,000 and 7,001 to 8,000`, images counted from 1. */
function ranges(blocks: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const block of blocks) {
    const run = runs.at(-1);
    if (run && run[1] === block - 1) run[1] = block;
    else runs.push([block, block]);
  }
  const written = runs.map(
    ([first, last]) =>
      `some of ${count(first * BLOCK_IMAGES + 1)} to ${count((last + 1) * BLOCK_IMAGES)}`,
  );
  return written.join(' and ');
}

function count(images: number): string {
  return images.toLocaleString('en');
}
