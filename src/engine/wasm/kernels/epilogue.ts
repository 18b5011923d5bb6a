// Epilogues: what is done to a convolution's result while it is still in cache. One emitter serves the
// Winograd output transform (a row of tiles at a time) and the passes of their own that follow direct
// convolutions.
//
// Sums for batch norm are taken per channel over the pixels of a block in float32 and added to `sums`;
// the executor combines blocks in float64.

import { f32x4, i32, v128 } from '../assembler/instructions.ts';
import { assign, type FunctionBuilder, increment, loop, set } from '../assembler/module.ts';
import type { Code, I32, Local } from '../assembler/value.ts';
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
  wides,
} from './context.ts';
import type { ImageShape } from './image.ts';
import { defineKernel } from './kernel.ts';

/**
 * What is done to each value v of a convolution's (or input gradient's) result before it is stored.
 * The tensors a, b, c are dense images of the same shape as the result.
 *
 * - `none`: store v.
 * - `statistics`: store v; sums Σv, Σv². (batch norm statistics)
 * - `normReluGradient`: v is the gradient of relu(scale*a + shift), a = kept convolution output,
 *   coefficients = [scale C][shift C]. dz = v where scale*a + shift > 0, else 0. Store dz; sums Σdz,
 *   Σdz*a.
 * - `reluGradient`: v is the gradient of a stored ReLU's output b. dz = v where b > 0, else 0. Store
 *   dz; sums Σdz, Σdz*a, a = the convolution output under the batch norm that made b.
 * - `addReluGradient`: as `reluGradient` with v + c for v: c is the gradient that arrives by the
 *   shortcut. c may be the same buffer as the output.
 * - `bias`: inference, batch norm folded: v + bias, coefficients = [bias C].
 * - `biasRelu`: relu(v + bias).
 * - `biasAddRelu`: relu(v + bias + a), a = shortcut.
 */
export type Epilogue =
  | 'none'
  | 'statistics'
  | 'normReluGradient'
  | 'reluGradient'
  | 'addReluGradient'
  | 'bias'
  | 'biasRelu'
  | 'biasAddRelu';

interface EpilogueAddresses {
  readonly source: I32;
  readonly output: Local<'i32'>;
  readonly sums: Local<'i32'>;
  readonly a: Local<'i32'>;
  readonly b: Local<'i32'>;
  readonly c: Local<'i32'>;
  readonly coefficients: Local<'i32'>;
}

/** Which operands an epilogue reads, and whether it sums. */
export function epilogueOperands(epilogue: Epilogue) {
  const stored = epilogue === 'reluGradient' || epilogue === 'addReluGradient';
  return {
    a: stored || epilogue === 'normReluGradient' || epilogue === 'biasAddRelu',
    b: stored,
    c: epilogue === 'addReluGradient',
    sums: stored || epilogue === 'normReluGradient' || epilogue === 'statistics',
    bias: epilogue === 'bias' || epilogue === 'biasRelu' || epilogue === 'biasAddRelu',
  };
}

/** What an epilogue works with, a wide value of each. */
const VALUES = ['v', 'a', 'b', 'c', 'first', 'second', 'scale', 'shift'] as const;
type Values = Readonly<Record<(typeof VALUES)[number], Wide>>;

/** The formula of an epilogue, from v to v. */
function apply(
  epilogue: Epilogue,
  options: KernelOptions,
  { v, a, b, c, scale, shift }: Values,
  zero: Local<'v128'>,
): Code {
  switch (epilogue) {
    case 'none':
    case 'statistics':
      return null;
    case 'normReluGradient':
      return setWide(v, (h) =>
        v128.and(v[h], f32x4.gt(multiplyAdd(options, a[h], scale[h], shift[h]), zero)),
      );
    case 'reluGradient':
      return setWide(v, (h) => v128.and(v[h], f32x4.gt(b[h], zero)));
    case 'addReluGradient':
      return setWide(v, (h) => v128.and(f32x4.add(v[h], c[h]), f32x4.gt(b[h], zero)));
    case 'bias':
      return setWide(v, (h) => f32x4.add(v[h], shift[h]));
    case 'biasRelu':
      return setWide(v, (h) => relu(f32x4.add(v[h], shift[h]), zero));
    case 'biasAddRelu':
      return setWide(v, (h) => relu(f32x4.add(f32x4.add(v[h], shift[h]), a[h]), zero));
    default:
      return epilogue satisfies never;
  }
}

/** Code that applies an epilogue to `pixels` contiguous pixels at `source`, storing at `output`. */
export function emitEpilogue(
  fn: FunctionBuilder,
  options: KernelOptions,
  epilogue: Epilogue,
  channels: number,
  pixels: number,
  addresses: EpilogueAddresses,
): Code {
  const reads = epilogueOperands(epilogue);
  const pixelBytes = channels * 4;
  // Two wide values (a cache line) at a time; one when the channels do not divide.
  const count = channels % 16 === 0 ? 2 : 1;
  const group: readonly Values[] = wideGroups(fn, count, VALUES);
  const each = (code: (values: Values, at: number) => Code): Code =>
    group.map((values, i) => code(values, i * WIDE));
  const zero = fn.local('v128');
  const [offset, pixel, source, output, sums, aAt, bAt, cAt, coefficients] = fn.locals('i32', 9);
  const operands = [
    { name: 'a', at: aAt },
    { name: 'b', at: bAt },
    { name: 'c', at: cAt },
  ] as const;
  const used = operands.filter(({ name }) => reads[name]);

  return [
    set(zero, v128.const(0)),
    loop(offset, 0, pixelBytes, count * WIDE, [
      reads.sums
        ? [
            assign(sums, i32.add(addresses.sums, offset)),
            each(({ first, second }, at) => [
              loadWide(first, sums, at),
              loadWide(second, sums, pixelBytes + at),
            ]),
          ]
        : null,
      epilogue === 'normReluGradient' || reads.bias
        ? [
            assign(coefficients, i32.add(addresses.coefficients, offset)),
            each(({ scale, shift }, at) => [
              epilogue === 'normReluGradient' ? loadWide(scale, coefficients, at) : null,
              loadWide(shift, coefficients, (reads.bias ? 0 : pixelBytes) + at),
            ]),
          ]
        : null,
      assign(source, i32.add(addresses.source, offset)),
      assign(output, i32.add(addresses.output, offset)),
      used.map(({ name, at }) => assign(at, i32.add(addresses[name], offset))),
      loop(pixel, 0, pixels, 1, [
        each(({ v }, at) => loadWide(v, source, at)),
        used.map(({ name, at: from }) => each((values, at) => loadWide(values[name], from, at))),
        each((values) => apply(epilogue, options, values, zero)),
        reads.sums
          ? each(({ v, a, first, second }) => {
              const factor = epilogue === 'statistics' ? v : a;
              return [
                setWide(first, (h) => f32x4.add(first[h], v[h])),
                setWide(second, (h) => multiplyAdd(options, v[h], factor[h], second[h])),
              ];
            })
          : null,
        each(({ v }, at) => storeWide(output, at, v)),
        increment(source, pixelBytes),
        increment(output, pixelBytes),
        used.map(({ at }) => increment(at, pixelBytes)),
      ]),
      reads.sums
        ? each(({ first, second }, at) => [
            storeWide(sums, at, first),
            storeWide(sums, pixelBytes + at, second),
          ])
        : null,
    ]),
  ];
}

/** An epilogue as a pass of its own over one dense image, in place (after direct convolutions). */
export const epiloguePass = defineKernel({
  name: 'epilogue',
  parameters: ['image', 'sums', 'a', 'b', 'c', 'coefficients'],
  generate: (
    context,
    declare,
    shape: ImageShape & { readonly epilogue: Exclude<Epilogue, 'none'> },
  ) => {
    const { epilogue, height, width, channels } = shape;
    const { fn, image, ...operands } = declare();
    const addresses = { source: image, output: image, ...operands };
    fn.body(emitEpilogue(fn, context, epilogue, channels, height * width, addresses));
  },
});

/**
 * Sums Σv, Σv*a over one dense image, for a second batch norm (the projection's) under the same
 * gradient as the block's.
 */
export const productSums = defineKernel({
  name: 'productSums',
  parameters: ['v', 'a', 'sums'],
  generate: (context, declare, { height, width, channels }: ImageShape) => {
    const pixelBytes = channels * 4;
    const { fn, v: image, a: factorImage, sums } = declare();
    const [value, factor, first, second] = wides(fn, 4);
    const [offset, pixel, valueAt, factorAt, sumsAt] = fn.locals('i32', 5);
    fn.body(
      loop(offset, 0, pixelBytes, WIDE, [
        assign(sumsAt, i32.add(sums, offset)),
        loadWide(first, sumsAt, 0),
        loadWide(second, sumsAt, pixelBytes),
        assign(valueAt, i32.add(image, offset)),
        assign(factorAt, i32.add(factorImage, offset)),
        loop(pixel, 0, height * width, 1, [
          loadWide(value, valueAt),
          loadWide(factor, factorAt),
          setWide(first, (h) => f32x4.add(first[h], value[h])),
          setWide(second, (h) => multiplyAdd(context, value[h], factor[h], second[h])),
          increment(valueAt, pixelBytes),
          increment(factorAt, pixelBytes),
        ]),
        storeWide(sumsAt, 0, first),
        storeWide(sumsAt, pixelBytes, second),
      ]),
    );
  },
});
