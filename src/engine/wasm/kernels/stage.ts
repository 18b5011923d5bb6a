// Staging: one image is brought into scratch in the form its consumer needs, with the cheap
// element-wise work done on the way (batch norm, ReLU, shortcut addition, batch norm's backward).
// So those results are recomputed wherever they are wanted instead of being stored: memory traffic is
// what an elementwise operation costs. The formulas are listed with the type `Staging`.

import { f32x4, i32, v128 } from '../assembler/instructions.ts';
import { increment, loop, set } from '../assembler/module.ts';
import type { Code, V128 } from '../assembler/value.ts';
import {
  type Context,
  loadWide,
  multiplyAdd,
  relu,
  setWide,
  storeWide,
  WIDE,
  wides,
} from './context.ts';
import { kernelName, type SpecOf } from './signatures.ts';

type StageSpec = SpecOf<'stage'>;

export function generateStage(context: Context, spec: StageSpec): void {
  const { staging, height, width, channels } = spec;
  const pixelBytes = channels * 4;
  const count = channels / 8;
  const group = [4, 3, 2, 1].find((g) => count % g === 0)!;
  const destinationGap = spec.destination === 'padded' ? 2 * pixelBytes : 0;
  const readsB = staging !== 'copy' && staging !== 'normRelu';

  const fn = context.module.function(kernelName(spec));
  const [destination, keep, a, b, coef, coefB] = fn.addresses(6);
  const [row, column] = fn.locals('i32', 2);
  const [x, y, scale, shift, third, shiftB] = Array.from({ length: 6 }, () => wides(fn, group));
  const zero = fn.local('v128');
  const madd = (p: V128, q: V128, r: V128) => multiplyAdd(context, p, q, r);

  // Padded shortcut (option A): b has half the channels at twice the resolution.
  const padded = staging === 'normPadRelu';
  const firstPadded = channels / 4;

  const groupCode = (first: number): Code => {
    const offset = (i: number) => (first + i) * WIDE;
    const each = (code: (i: number) => Code): Code =>
      Array.from({ length: group }, (_, i) => code(i));
    /** Of the four channels of half h of wide value i: whether the padded shortcut reaches them. */
    const inside = (i: number, h: 0 | 1) => {
      const channel = (first + i) * 8 + h * 4 - firstPadded;
      return channel >= 0 && channel < channels / 2;
    };
    const loadB = (i: number): Code =>
      padded
        ? ([0, 1] as const).map((h) =>
            inside(i, h)
              ? set(y![i]![h], v128.load(i32.sub(b, firstPadded * 4), offset(i) + 16 * h))
              : null,
          )
        : loadWide(y![i]!, b, offset(i));
    const compute = (i: number): Code => {
      const normed = (h: 0 | 1) => madd(x![i]![h], scale![i]![h], shift![i]![h]);
      switch (staging) {
        case 'copy':
          return null;
        case 'normRelu':
          return setWide(x![i]!, (h) => relu(normed(h), zero));
        case 'normAddRelu':
          return setWide(x![i]!, (h) => relu(f32x4.add(normed(h), y![i]![h]), zero));
        case 'normPadRelu':
          return setWide(x![i]!, (h) =>
            relu(inside(i, h) ? f32x4.add(normed(h), y![i]![h]) : normed(h), zero),
          );
        case 'normProjectRelu':
          return setWide(x![i]!, (h) =>
            relu(f32x4.add(normed(h), madd(y![i]![h], third![i]![h], shiftB![i]![h])), zero),
          );
        case 'gradient':
          return setWide(x![i]!, (h) =>
            madd(x![i]![h], scale![i]![h], madd(y![i]![h], shift![i]![h], third![i]![h])),
          );
        default:
          return staging satisfies never;
      }
    };
    return [
      each((i) => loadWide(x![i]!, a, offset(i))),
      readsB ? each(loadB) : null,
      staging === 'copy'
        ? null
        : each((i) => [
            loadWide(scale![i]!, coef, offset(i)),
            loadWide(shift![i]!, coef, pixelBytes + offset(i)),
          ]),
      staging === 'gradient'
        ? each((i) => loadWide(third![i]!, coef, 2 * pixelBytes + offset(i)))
        : null,
      staging === 'normProjectRelu'
        ? each((i) => [
            loadWide(third![i]!, coefB, offset(i)),
            loadWide(shiftB![i]!, coefB, pixelBytes + offset(i)),
          ])
        : null,
      each(compute),
      each((i) => storeWide(destination, offset(i), x![i]!)),
      spec.keep ? each((i) => storeWide(keep, offset(i), x![i]!)) : null,
    ];
  };

  fn.body(
    set(zero, v128.const(0)),
    loop(row!, 0, height, 1, [
      loop(column!, 0, width, 1, [
        Array.from({ length: count / group }, (_, g) => groupCode(g * group)),
        increment(a, pixelBytes),
        increment(destination, pixelBytes),
        // With the padded shortcut: two pixels of half the channels.
        readsB ? increment(b, pixelBytes) : null,
        spec.keep ? increment(keep, pixelBytes) : null,
      ]),
      destinationGap > 0 ? increment(destination, destinationGap) : null,
      // Odd rows of the padded shortcut are skipped: 2*width pixels of channels/2.
      padded ? increment(b, width * pixelBytes) : null,
    ]),
  );
}
