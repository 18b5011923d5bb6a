// Pictures made from a seed, for machines without CIFAR-10: one object on a background, to be told
// by its outline alone. Colours, textures, place, size and rotation are drawn independently of the
// class, and the object is as often darker as lighter than what is behind it, so that no single
// pixel, and no weighted sum of pixels, says much: a linear classifier stays above 40 % error, while
// a few convolutions in a row can see edges, corners and holes.
//
// An image is a pure function of (seed, split, index).

import { UserError } from '../util/errors.ts';
import { type RandomStream, randomStream } from '../util/random.ts';
import { type Dataset, emptySplit, IMAGE_BYTES, IMAGE_SIZE, type Split } from './dataset.ts';
import { SHAPES, type SignedDistance } from './synthetic-shapes.ts';

// How hard it is. All lengths are pixels, all colours 0-255. With these numbers ResNet-20 ends at
// 1.4 % test error after 6 epochs of 10,000 images, and softmax regression on 3,000 at 84 %.
/** Object radius. */
const RADIUS = [9, 12.5] as const;
/** Largest shift of the object's centre from the image's, each way. */
const MAX_SHIFT = 3;
/** Largest rotation either way, radians. */
const MAX_ROTATION = Math.PI / 6;
/** Width over height, and its inverse. */
const STRETCH = [0.85, 1.18] as const;
/** Smallest distance in RGB between object and background colour. */
const MIN_CONTRAST = 120;
/** Texture amplitude on the object and on the background. */
const OBJECT_TEXTURE = 20;
const BACKGROUND_TEXTURE = 16;
/** How far the background's colour drifts across the image. */
const GRADIENT = 35;
/** Small blobs that are not the object: at most so many, of this radius. */
const MAX_DISTRACTORS = 2;
const DISTRACTOR_RADIUS = [1.2, 2.4] as const;
/** Deviation of the noise on every value; each image draws one. */
const NOISE = [2, 9] as const;

/** Names and defaults of the options after `synthetic:`. */
const DEFAULTS = { train: 10_000, test: 2_000, seed: 0 };
const LIMITS = { train: 1_000_000, test: 1_000_000, seed: 0xffffffff };
type OptionName = keyof typeof DEFAULTS;

/** Whether a source names this data set: `synthetic` or `synthetic:train=2000,seed=3`. */
export function isSyntheticSource(source: string): boolean {
  return source === 'synthetic' || source.startsWith('synthetic:');
}

/** @throws UserError for an option that does not exist or is out of range */
export function parseSyntheticSource(source: string): Record<OptionName, number> {
  const options = { ...DEFAULTS };
  const list = source.slice('synthetic:'.length);
  for (const item of list === '' ? [] : list.split(',')) {
    const [name = '', value = ''] = item.split('=');
    const lowest = name === 'seed' ? 0 : 1;
    if (!isOption(name) || !/^\d+$/.test(value)) {
      throw new UserError(
        `'${item}' in '${source}' is not understood: write synthetic:train=2000,test=500,seed=3`,
        { exitCode: 2 },
      );
    }
    const number = Number(value);
    if (number < lowest || number > LIMITS[name]) {
      throw new UserError(
        `${name} in '${source}' must be between ${lowest} and ${LIMITS[name].toLocaleString('en')}`,
        { exitCode: 2 },
      );
    }
    options[name] = number;
  }
  return options;
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(DEFAULTS, name);
}

/**
 * Renders the data set that a source names.
 * @param source `synthetic`, with options as in `parseSyntheticSource`
 */
export function makeSynthetic(source = 'synthetic'): Dataset {
  const { train, test, seed } = parseSyntheticSource(source);
  return {
    source,
    title: 'synthetic',
    isOriginalCifar10: false,
    classes: SHAPES.map((shape) => shape.name),
    train: renderSplit(seed, 'train', train),
    test: renderSplit(seed, 'test', test),
  };
}

function renderSplit(seed: number, name: string, count: number): Split {
  const split = emptySplit(count);
  for (let index = 0; index < count; index++) {
    const random = randomStream(seed, `synthetic/${name}`, 0, index);
    // Equal classes, in an order that tells nothing to a reader of the first images.
    const label = (index * 7 + Math.floor(index / SHAPES.length) * 3) % SHAPES.length;
    split.labels[index] = label;
    const image = split.images.subarray(index * IMAGE_BYTES, (index + 1) * IMAGE_BYTES);
    render(SHAPES[label]!.distance, random, image);
  }
  return split;
}

type Colour = readonly [number, number, number];

const between = (random: RandomStream, [low, high]: readonly [number, number]) =>
  low + (high - low) * random.uniform();
const signed = (random: RandomStream, largest: number) => largest * (2 * random.uniform() - 1);
const colour = (random: RandomStream): Colour => [
  255 * random.uniform(),
  255 * random.uniform(),
  255 * random.uniform(),
];
const colourDistance = (a: Colour, b: Colour) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/** Brightness to add at a pixel. */
type Texture = (x: number, y: number) => number;

/** Plain, stripes, checks, rings or soft waves, of random direction and period. */
function texture(random: RandomStream, largest: number): Texture {
  const kind = random.integer(5);
  const amplitude = largest * random.uniform();
  const angle = Math.PI * random.uniform();
  const frequency = (2 * Math.PI) / between(random, [3, 9]);
  const phase = 2 * Math.PI * random.uniform();
  const c = Math.cos(angle) * frequency;
  const s = Math.sin(angle) * frequency;
  switch (kind) {
    case 0:
      return () => 0;
    case 1:
      return (x, y) => (Math.sin(c * x + s * y + phase) > 0 ? amplitude : -amplitude);
    case 2:
      return (x, y) =>
        Math.sin(c * x + s * y + phase) * Math.sin(c * y - s * x) > 0 ? amplitude : -amplitude;
    case 3: {
      const x0 = 32 * random.uniform();
      const y0 = 32 * random.uniform();
      return (x, y) =>
        amplitude * Math.sin(frequency * Math.sqrt((x - x0) ** 2 + (y - y0) ** 2) + phase);
    }
    default:
      return (x, y) => amplitude * Math.sin(c * x + phase) * Math.cos(s * y);
  }
}

/** Share of a pixel that lies inside an outline at `distance` pixels. */
const coverage = (distance: number) =>
  distance >= 0.5 ? 0 : distance <= -0.5 ? 1 : 0.5 - distance;

/** Draws one picture into 32 × 32 × 3 bytes. */
function render(distance: SignedDistance, random: RandomStream, image: Uint8Array): void {
  const back = colour(random);
  let front = colour(random);
  while (colourDistance(front, back) < MIN_CONTRAST) front = colour(random);
  const drift = [signed(random, GRADIENT), signed(random, GRADIENT), signed(random, GRADIENT)];
  const driftAngle = 2 * Math.PI * random.uniform();
  const driftX = Math.cos(driftAngle) / (IMAGE_SIZE / 2);
  const driftY = Math.sin(driftAngle) / (IMAGE_SIZE / 2);
  const frontTexture = texture(random, OBJECT_TEXTURE);
  const backTexture = texture(random, BACKGROUND_TEXTURE);

  const middle = (IMAGE_SIZE - 1) / 2;
  const radius = between(random, RADIUS);
  const centreX = middle + signed(random, MAX_SHIFT);
  const centreY = middle + signed(random, MAX_SHIFT);
  const rotation = signed(random, MAX_ROTATION);
  const stretch = between(random, STRETCH);
  const cosine = Math.cos(rotation) / radius;
  const sine = Math.sin(rotation) / radius;

  const blobs = Array.from({ length: random.integer(MAX_DISTRACTORS + 1) }, () => ({
    x: IMAGE_SIZE * random.uniform(),
    y: IMAGE_SIZE * random.uniform(),
    radius: between(random, DISTRACTOR_RADIUS),
    colour: colour(random),
  }));

  const noise = between(random, NOISE);
  let state = random.uint32() | 1;
  // Close to normal: the sum of four uniform bytes has deviation 147.8. One 32-bit step of Marsaglia's
  // xorshift a value; the counter-based stream would take most of the rendering time.
  const nextNoise = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const sum = (state & 255) + ((state >>> 8) & 255) + ((state >>> 16) & 255) + (state >>> 24);
    return ((sum - 510) / 147.8) * noise;
  };

  for (let y = 0; y < IMAGE_SIZE; y++) {
    for (let x = 0; x < IMAGE_SIZE; x++) {
      const along = (x - middle) * driftX + (y - middle) * driftY;
      const shade = backTexture(x, y);
      let red = back[0] + drift[0]! * along + shade;
      let green = back[1] + drift[1]! * along + shade;
      let blue = back[2] + drift[2]! * along + shade;
      for (const blob of blobs) {
        const inside = coverage(Math.sqrt((x - blob.x) ** 2 + (y - blob.y) ** 2) - blob.radius);
        red += inside * (blob.colour[0] - red);
        green += inside * (blob.colour[1] - green);
        blue += inside * (blob.colour[2] - blue);
      }
      const dx = x - centreX;
      const dy = y - centreY;
      const u = (cosine * dx + sine * dy) * stretch;
      const v = (cosine * dy - sine * dx) / stretch;
      // No outline reaches further than 1.3 radii.
      const inside = u * u + v * v > 1.7 ? 0 : coverage(distance(u, v) * radius);
      if (inside > 0) {
        const light = frontTexture(x, y);
        red += inside * (front[0] + light - red);
        green += inside * (front[1] + light - green);
        blue += inside * (front[2] + light - blue);
      }
      const at = (y * IMAGE_SIZE + x) * 3;
      image[at] = clamped(red + nextNoise());
      image[at + 1] = clamped(green + nextNoise());
      image[at + 2] = clamped(blue + nextNoise());
    }
  }
}

const clamped = (value: number) => (value <= 0 ? 0 : value >= 255 ? 255 : Math.round(value));
