// A data set in memory: images stay bytes from the file to the device, where the first operation of
// the program crops, flips and normalises them. Everything that loads images ends in this type.

/** Height and width of every image, in pixels: the networks of Table 6 are made for 32 × 32. */
export const IMAGE_SIZE = 32;
/** Colour channels: red, green, blue. */
export const IMAGE_CHANNELS = 3;
/** Bytes of one image. */
export const IMAGE_BYTES = IMAGE_SIZE * IMAGE_SIZE * IMAGE_CHANNELS;

export interface Split {
  /** Number of images. */
  readonly count: number;
  /** `count` images, each 32 × 32 × 3 bytes in row order, the channels of a pixel together (NHWC). */
  readonly images: Uint8Array;
  /** Class index of each image. */
  readonly labels: Uint16Array;
  /** Path of each image below the data set's folder, where images are files. */
  readonly names?: readonly string[];
}

/** What was found out about one batch. */
export interface BatchFinding {
  readonly name: string;
  /** 'part': fewer images than published, and those that can be checked are right. */
  readonly state: 'original' | 'part' | 'altered';
  /** What is wrong or left out, for people; empty for the original. */
  readonly text: string;
}

export interface Dataset {
  /** What the user asked for: 'cifar10', 'synthetic' or a path. */
  readonly source: string;
  /** How captions and reports must call it: 'CIFAR-10', 'CIFAR-10 (JPEG q75)', 'synthetic' ... */
  readonly title: string;
  /** True only for the complete original CIFAR-10, whose errors may stand beside the paper's. */
  readonly isOriginalCifar10: boolean;
  /** In CIFAR-10's layout: how each batch compares with the published one. */
  readonly findings?: readonly BatchFinding[];
  /** Class names; their number is the network's number of classes. */
  readonly classes: readonly string[];
  readonly train: Split;
  readonly test: Split;
  /** Held out of the training images when a validation split was asked for; never trained on. */
  readonly validation?: Split;
}

/** Space for `count` images. */
export function emptySplit(count: number): Split {
  return { count, images: new Uint8Array(count * IMAGE_BYTES), labels: new Uint16Array(count) };
}

/** A copy of the images with these indices, in this order. */
export function takeImages(split: Split, indices: ArrayLike<number>): Split {
  const taken = emptySplit(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number;
    taken.images.set(imageBytes(split, index), i * IMAGE_BYTES);
    taken.labels[i] = split.labels[index] as number;
  }
  return taken;
}

/** The bytes of one image (a view, 32 × 32 × 3). */
export function imageBytes(split: Split, index: number): Uint8Array {
  return split.images.subarray(index * IMAGE_BYTES, (index + 1) * IMAGE_BYTES);
}

/** How many images each class has. */
export function classCounts(split: Split, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of split.labels) counts[label] = (counts[label] as number) + 1;
  return counts;
}

/** Fills a split's images from as many in colour planes. */
export function interleaveAll(planes: Uint8Array, { count, images }: Split): void {
  for (let i = 0; i < count; i++) interleave(planes, i * IMAGE_BYTES, images, i * IMAGE_BYTES);
}

/**
 * Copies one image from colour planes (all red, all green, all blue) to pixels (red, green, blue
 * together), the order that every device reads.
 */
export function interleave(from: Uint8Array, start: number, to: Uint8Array, target: number): void {
  const plane = IMAGE_BYTES / IMAGE_CHANNELS;
  for (let i = 0, at = target; i < plane; i++, at += IMAGE_CHANNELS) {
    to[at] = from[start + i] as number;
    to[at + 1] = from[start + plane + i] as number;
    to[at + 2] = from[start + 2 * plane + i] as number;
  }
}
