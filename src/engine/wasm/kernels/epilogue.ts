// Epilogues: what is done to a convolution's result while it is still in cache. The formulas are
// listed with the type `Epilogue` in signatures.ts. One emitter serves the Winograd output transform
// (a row of tiles at a time) and the passes of their own that follow direct convolutions.
//
// Sums for batch norm are taken per channel over the pixels of a block in float32 and added to `sums`;
// the executor combines blocks in float64.

import { f32x4, i32, v128 } from '../assembler/instructions.ts';
import { assign, type FunctionBuilder, increment, loop, set } from '../assembler/module.ts';
import type { Code, I32, Local } from '../assembler/value.ts';
import {
  type Context,
  type KernelOptions,
  loadWide,
  multiplyAdd,
  relu,
  setWide,
  storeWide,
  WIDE,
  wides,
} from './context.ts';
import { type Epilogue, kernelName, type SpecOf } from './signatures.ts';

export interface EpilogueAddresses {
  readonly source: I32;
  readonly output: Local<'i32'>;
  readonly sums: Local<'i32'>;
  readonly a: Local<'i32'>;
  readonly b: Local<'i32'>;
  readonly c: Local<'i32'>;
  readonly coef: Local<'i32'>;
}

/** Which operands an epilogue reads, and whether it sums. */
export function epilogueOperands(epilogue: Epilogue) {
  const block = epilogue === 'block' || epilogue === 'blockAdd';
  return {
    a: block || epilogue === 'mid' || epilogue === 'biasAddRelu',
    b: block,
    c: epilogue === 'blockAdd',
    sums: block || epilogue === 'mid' || epilogue === 'forward',
    bias: epilogue === 'bias' || epilogue === 'biasRelu' || epilogue === 'biasAddRelu',
  };
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
  const group = channels % 16 === 0 ? 2 : 1;
  const [v, a, b, c, first, second, scale, shift] = Array.from({ length: 8 }, () =>
    wides(fn, group),
  );
  const zero = fn.local('v128');
  const [offset, pixel, source, output, sums, aAt, bAt, cAt, coef] = fn.locals('i32', 9);
  const each = (code: (i: number) => Code): Code =>
    Array.from({ length: group }, (_, i) => code(i));

  const compute = (i: number): Code => {
    switch (epilogue) {
      case 'none':
      case 'forward':
        return null;
      case 'mid':
        return setWide(v![i]!, (h) =>
          v128.and(
            v![i]![h],
            f32x4.gt(multiplyAdd(options, a![i]![h], scale![i]![h], shift![i]![h]), zero),
          ),
        );
      case 'block':
        return setWide(v![i]!, (h) => v128.and(v![i]![h], f32x4.gt(b![i]![h], zero)));
      case 'blockAdd':
        return setWide(v![i]!, (h) =>
          v128.and(f32x4.add(v![i]![h], c![i]![h]), f32x4.gt(b![i]![h], zero)),
        );
      case 'bias':
        return setWide(v![i]!, (h) => f32x4.add(v![i]![h], shift![i]![h]));
      case 'biasRelu':
        return setWide(v![i]!, (h) => relu(f32x4.add(v![i]![h], shift![i]![h]), zero));
      case 'biasAddRelu':
        return setWide(v![i]!, (h) =>
          relu(f32x4.add(f32x4.add(v![i]![h], shift![i]![h]), a![i]![h]), zero),
        );
      default:
        return epilogue satisfies never;
    }
  };
  const factor = epilogue === 'forward' ? v! : a!;
  const cursors: [Local<'i32'>, Local<'i32'>, boolean][] = [
    [aAt!, addresses.a, reads.a],
    [bAt!, addresses.b, reads.b],
    [cAt!, addresses.c, reads.c],
  ];
  const used = cursors.filter(([, , read]) => read);

  return [
    set(zero, v128.const(0)),
    loop(offset!, 0, pixelBytes, group * WIDE, [
      reads.sums
        ? [
            assign(sums!, i32.add(addresses.sums, offset!)),
            each((i) => [
              loadWide(first![i]!, sums!, i * WIDE),
              loadWide(second![i]!, sums!, pixelBytes + i * WIDE),
            ]),
          ]
        : null,
      epilogue === 'mid' || reads.bias
        ? [
            assign(coef!, i32.add(addresses.coef, offset!)),
            each((i) => [
              epilogue === 'mid' ? loadWide(scale![i]!, coef!, i * WIDE) : null,
              loadWide(shift![i]!, coef!, (reads.bias ? 0 : pixelBytes) + i * WIDE),
            ]),
          ]
        : null,
      assign(source!, i32.add(addresses.source, offset!)),
      assign(output!, i32.add(addresses.output, offset!)),
      used.map(([at, from]) => assign(at, i32.add(from, offset!))),
      loop(pixel!, 0, pixels, 1, [
        each((i) => loadWide(v![i]!, source!, i * WIDE)),
        reads.a ? each((i) => loadWide(a![i]!, aAt!, i * WIDE)) : null,
        reads.b ? each((i) => loadWide(b![i]!, bAt!, i * WIDE)) : null,
        reads.c ? each((i) => loadWide(c![i]!, cAt!, i * WIDE)) : null,
        each(compute),
        reads.sums
          ? each((i) => [
              setWide(first![i]!, (h) => f32x4.add(first![i]![h], v![i]![h])),
              setWide(second![i]!, (h) =>
                multiplyAdd(options, v![i]![h], factor[i]![h], second![i]![h]),
              ),
            ])
          : null,
        each((i) => storeWide(output!, i * WIDE, v![i]!)),
        increment(source!, pixelBytes),
        increment(output!, pixelBytes),
        used.map(([at]) => increment(at, pixelBytes)),
      ]),
      reads.sums
        ? each((i) => [
            storeWide(sums!, i * WIDE, first![i]!),
            storeWide(sums!, pixelBytes + i * WIDE, second![i]!),
          ])
        : null,
    ]),
  ];
}

/** The epilogue as a pass over one image, in place. */
export function generateEpilogue(context: Context, spec: SpecOf<'epilogue'>): void {
  const fn = context.module.function(kernelName(spec));
  const [image, sums, a, b, c, coef] = fn.addresses(6);
  fn.body(
    emitEpilogue(fn, context, spec.epilogue, spec.channels, spec.height * spec.width, {
      source: image,
      output: image,
      sums,
      a,
      b,
      c,
      coef,
    }),
  );
}

/** Σv and Σv*a over one image, for a second batch norm (the projection's) under the same gradient. */
export function generateProductSums(context: Context, spec: SpecOf<'productSums'>): void {
  const pixelBytes = spec.channels * 4;
  const fn = context.module.function(kernelName(spec));
  const [image, factorImage, sums] = fn.addresses(3);
  const [value, factor, first, second] = wides(fn, 4);
  const [offset, pixel, valueAt, factorAt, sumsAt] = fn.locals('i32', 5);
  fn.body(
    loop(offset!, 0, pixelBytes, WIDE, [
      assign(sumsAt!, i32.add(sums, offset!)),
      loadWide(first!, sumsAt!, 0),
      loadWide(second!, sumsAt!, pixelBytes),
      assign(valueAt!, i32.add(image, offset!)),
      assign(factorAt!, i32.add(factorImage, offset!)),
      loop(pixel!, 0, spec.height * spec.width, 1, [
        loadWide(value!, valueAt!),
        loadWide(factor!, factorAt!),
        setWide(first!, (h) => f32x4.add(first![h], value![h])),
        setWide(second!, (h) => multiplyAdd(context, value![h], factor![h], second![h])),
        increment(valueAt!, pixelBytes),
        increment(factorAt!, pixelBytes),
      ]),
      storeWide(sumsAt!, 0, first!),
      storeWide(sumsAt!, pixelBytes, second!),
    ]),
  );
}
