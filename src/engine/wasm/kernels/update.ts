// The optimizer step and the sums before it, over contiguous ranges of parameters.

import { f32, f32x4, i32 } from '../assembler/instructions.ts';
import { assign, increment, loopMaybe, set } from '../assembler/module.ts';
import type { Code } from '../assembler/value.ts';
import { loadWide, setWide, storeWide, WIDE, wides } from './context.ts';
import { defineKernel } from './kernel.ts';

/**
 * SGD as PyTorch defines it, over `bytes`/4 contiguous values: the learning rate stays outside the
 * momentum buffer,
 *
 *     d = g + decay*w,   v = momentum*v + d,   w = w - rate*v   or, Nesterov's, w - rate*(d + momentum*v),
 *
 * and a buffer of zeros gives PyTorch's first step, v = d. It is always computed with two
 * roundings, whatever the multiply-add of the matrix kernels, as PyTorch does.
 */
export const sgdUpdate = defineKernel({
  name: 'sgdUpdate',
  parameters: ['weights', 'gradient', 'velocity', 'bytes'],
  floats: ['rate', 'momentum', 'decay'],
  generate: (_, declare, { nesterov }: { readonly nesterov: boolean }) => {
    const { fn, weights, gradient, velocity, bytes, rate, momentum, decay } = declare();
    const [i, whole] = fn.locals('i32', 2);
    const [w, g, v] = wides(fn, 3);
    const [rates, momenta, decays] = fn.locals('v128', 3);
    const [w1, g1, v1] = fn.locals('f32', 3);
    const advance = (by: number): Code =>
      [weights, gradient, velocity].map((address) => increment(address, by));
    fn.body(
      set(rates, f32x4.splat(rate)),
      set(momenta, f32x4.splat(momentum)),
      set(decays, f32x4.splat(decay)),
      assign(whole, i32.and(bytes, -WIDE)),
      loopMaybe(i, 0, whole, WIDE, [
        loadWide(w, weights),
        loadWide(g, gradient),
        loadWide(v, velocity),
        setWide(g, (h) => f32x4.add(g[h], f32x4.mul(decays, w[h]))),
        setWide(v, (h) => f32x4.add(f32x4.mul(momenta, v[h]), g[h])),
        nesterov ? setWide(g, (h) => f32x4.add(g[h], f32x4.mul(momenta, v[h]))) : [],
        setWide(w, (h) => f32x4.sub(w[h], f32x4.mul(rates, nesterov ? g[h] : v[h]))),
        storeWide(velocity, 0, v),
        storeWide(weights, 0, w),
        advance(WIDE),
      ]),
      loopMaybe(i, whole, bytes, 4, [
        set(w1, f32.load(weights)),
        set(g1, f32.add(f32.load(gradient), f32.mul(decay, w1))),
        set(v1, f32.add(f32.mul(momentum, f32.load(velocity)), g1)),
        nesterov ? set(g1, f32.add(g1, f32.mul(momentum, v1))) : [],
        f32.store(velocity, 0, v1),
        f32.store(weights, 0, f32.sub(w1, f32.mul(rate, nesterov ? g1 : v1))),
        advance(4),
      ]),
    );
  },
});

/**
 * destination = partial 0 + partial 1 + … in this order, so that the result does not depend on threads;
 * partial r at partials + r*stride bytes.
 */
export const sumPartials = defineKernel({
  name: 'sumPartials',
  parameters: ['destination', 'partials', 'bytes', 'stride', 'count'],
  generate: (_, declare) => {
    const { fn, destination, partials, bytes, stride, count } = declare();
    const [i, r, at, whole] = fn.locals('i32', 4);
    const [sum, x] = wides(fn, 2);
    const sum1 = fn.local('f32');
    fn.body(
      assign(whole, i32.and(bytes, -WIDE)),
      loopMaybe(i, 0, whole, WIDE, [
        assign(at, i32.add(partials, i)),
        loadWide(sum, at),
        loopMaybe(r, 1, count, 1, [
          increment(at, stride),
          loadWide(x, at),
          setWide(sum, (h) => f32x4.add(sum[h], x[h])),
        ]),
        storeWide(i32.add(destination, i), 0, sum),
      ]),
      loopMaybe(i, whole, bytes, 4, [
        assign(at, i32.add(partials, i)),
        set(sum1, f32.load(at)),
        loopMaybe(r, 1, count, 1, [increment(at, stride), set(sum1, f32.add(sum1, f32.load(at)))]),
        f32.store(i32.add(destination, i), 0, sum1),
      ]),
    );
  },
});
