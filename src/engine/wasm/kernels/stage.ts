// Staging: one image is brought into scratch in the form its consumer needs, with the cheap
// element-wise work done on the way (batch norm, ReLU, shortcut addition, batch norm's backward).
// So those results are recomputed wherever they are wanted instead of being stored: memory traffic is
// what an elementwise operation costs.

import { f32x4, i32, v128 } from '../assembler/instructions.ts';
import { increment, loop, set } from '../assembler/module.ts';
import type { Code, Local } from '../assembler/value.ts';
import {
  type KernelOptions,
  loadWide,
  multiplyAdd,
  relu,
  setWide,
  storeWide,
  WIDE,
  type Wide,
  wideGroups,
} from './context.ts';
import type { ImageShape } from './image.ts';
import { defineKernel } from './kernel.ts';

/**
 * What staging computes for each pixel.
 *
 * - `copy`: a.
 * - `normRelu`: relu(scale*a + shift); coefficients = [scale C][shift C].
 * - `normAddRelu`: relu(scale*a + shift + b), b dense of the same shape (identity shortcut).
 * - `normPadRelu`: option A shortcut: b is [2H][2W][C/2]; its even pixels are added to channels
 *   before … before + C/2, the others get nothing.
 * - `normProjectRelu`: option B: relu(scale*a + shift + scaleB*b + shiftB), b = the 1×1 convolution's
 *   output, shortcutCoefficients = [scaleB C][shiftB C].
 * - `gradient`: batch norm backward: k1*a + k2*b + k3, a = dz, b = convolution output y,
 *   coefficients = [k1 C][k2 C][k3 C].
 */
export type Staging =
  | 'copy'
  | 'normRelu'
  | 'normAddRelu'
  | 'normPadRelu'
  | 'normProjectRelu'
  | 'gradient';

interface StageShape extends ImageShape {
  readonly staging: Staging;
  /** Destination: interior of a padded scratch, or a dense image. */
  readonly destination: 'padded' | 'dense';
  /** Also store the result densely at `keep`. */
  readonly keep: boolean;
  /** With `normPadRelu`: channels of zeros before those of the shortcut. */
  readonly before?: number;
}

/** What staging works with, a wide value of each: x of a, y of b, and the coefficients in order. */
const VALUES = ['x', 'y', 'k1', 'k2', 'k3', 'k4'] as const;
type Values = Readonly<Record<(typeof VALUES)[number], Wide>>;
type Half = 0 | 1;

/** The formula of a staging, from x to x. */
function apply(
  staging: Staging,
  options: KernelOptions,
  { x, y, k1, k2, k3, k4 }: Values,
  zero: Local<'v128'>,
  inside: (h: Half) => boolean,
): Code {
  const madd = multiplyAdd.bind(null, options);
  const normed = (h: Half) => madd(x[h], k1[h], k2[h]);
  switch (staging) {
    case 'copy':
      return null;
    case 'normRelu':
      return setWide(x, (h) => relu(normed(h), zero));
    case 'normAddRelu':
      return setWide(x, (h) => relu(f32x4.add(normed(h), y[h]), zero));
    case 'normPadRelu':
      return setWide(x, (h) => relu(inside(h) ? f32x4.add(normed(h), y[h]) : normed(h), zero));
    case 'normProjectRelu':
      return setWide(x, (h) => relu(f32x4.add(normed(h), madd(y[h], k3[h], k4[h])), zero));
    case 'gradient':
      return setWide(x, (h) => madd(x[h], k1[h], madd(y[h], k2[h], k3[h])));
    default:
      return staging satisfies never;
  }
}

/**
 * One image. destination: interior of padded scratch or dense image. keep: dense, 0 when unused.
 * a, b, coefficients, shortcutCoefficients as in `Staging`; 0 when unused.
 */
export const stage = defineKernel({
  name: 'stage',
  parameters: ['destination', 'keep', 'a', 'b', 'coefficients', 'shortcutCoefficients'],
  generate: (context, declare, shape: StageShape) => {
    const { staging, height, width, channels } = shape;
    const pixelBytes = channels * 4;
    const count = channels / 8;
    const groupSize = [4, 3, 2].find((size) => count % size === 0) ?? 1;
    const destinationGap = shape.destination === 'padded' ? 2 * pixelBytes : 0;
    const readsB = staging !== 'copy' && staging !== 'normRelu';

    const { fn, destination, keep, a, b, coefficients, shortcutCoefficients } = declare();
    const [row, column] = fn.locals('i32', 2);
    const group: readonly Values[] = wideGroups(fn, groupSize, VALUES);
    const zero = fn.local('v128');

    // Padded shortcut (option A): b has half the channels at twice the resolution.
    const padded = staging === 'normPadRelu';
    const firstPadded = shape.before ?? 0;
    /** Of the four channels of half h of the wide value at `at`: whether the padded shortcut reaches them. */
    const inside = (at: number, h: Half) => {
      const channel = at / 4 + h * 4 - firstPadded;
      return channel >= 0 && channel < channels / 2;
    };
    const loadB = (y: Wide, at: number): Code =>
      padded
        ? y.map((half, i) => {
            const h = i as Half;
            return inside(at, h)
              ? set(half, v128.load(i32.sub(b, firstPadded * 4), at + 16 * h))
              : null;
          })
        : loadWide(y, b, at);

    const groupCode = (first: number): Code => {
      const each = (code: (values: Values, at: number) => Code): Code =>
        group.map((values, i) => code(values, (first + i) * WIDE));
      return [
        each(({ x }, at) => loadWide(x, a, at)),
        readsB ? each(({ y }, at) => loadB(y, at)) : null,
        staging === 'copy'
          ? null
          : each(({ k1, k2 }, at) => [
              loadWide(k1, coefficients, at),
              loadWide(k2, coefficients, pixelBytes + at),
            ]),
        staging === 'gradient'
          ? each(({ k3 }, at) => loadWide(k3, coefficients, 2 * pixelBytes + at))
          : null,
        staging === 'normProjectRelu'
          ? each(({ k3, k4 }, at) => [
              loadWide(k3, shortcutCoefficients, at),
              loadWide(k4, shortcutCoefficients, pixelBytes + at),
            ])
          : null,
        each((values, at) => apply(staging, context, values, zero, (h) => inside(at, h))),
        each(({ x }, at) => storeWide(destination, at, x)),
        shape.keep ? each(({ x }, at) => storeWide(keep, at, x)) : null,
      ];
    };

    fn.body(
      set(zero, v128.const(0)),
      loop(row, 0, height, 1, [
        loop(column, 0, width, 1, [
          Array.from({ length: count / groupSize }, (_, g) => groupCode(g * groupSize)),
          increment(a, pixelBytes),
          increment(destination, pixelBytes),
          // With the padded shortcut: two pixels of half the channels.
          readsB ? increment(b, pixelBytes) : null,
          shape.keep ? increment(keep, pixelBytes) : null,
        ]),
        destinationGap > 0 ? increment(destination, destinationGap) : null,
        // Odd rows of the padded shortcut are skipped: 2*width pixels of channels/2.
        padded ? increment(b, width * pixelBytes) : null,
      ]),
    );
  },
});
