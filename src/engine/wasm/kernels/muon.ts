// What Muon does to a filter bank besides matrix products, which are those of convolutions: the momentum,
// the polynomial of one step, and the change of the weights. Lengths are multiples of eight floats.

import { f32x4 } from '../assembler/instructions.ts';
import { increment, loop, set } from '../assembler/module.ts';
import { loadWide, setWide, storeWide, WIDE, wides } from './context.ts';
import { defineKernel } from './kernel.ts';

/** v = momentum*v + g; ahead = v or, Nesterov's, g + momentum*v. Two roundings each, as in sgdUpdate. */
export const muonMomentum = defineKernel({
  name: 'muonMomentum',
  parameters: ['gradient', 'velocity', 'ahead', 'bytes'],
  floats: ['momentum'],
  generate: (_, declare, { nesterov }: { readonly nesterov: boolean }) => {
    const { fn, gradient, velocity, ahead, bytes, momentum } = declare();
    const i = fn.local('i32');
    const [g, v] = wides(fn, 2);
    const momenta = fn.local('v128');
    fn.body(
      set(momenta, f32x4.splat(momentum)),
      loop(i, 0, bytes, WIDE, [
        loadWide(g, gradient),
        loadWide(v, velocity),
        setWide(v, (h) => f32x4.add(f32x4.mul(momenta, v[h]), g[h])),
        setWide(g, (h) => (nesterov ? f32x4.add(g[h], f32x4.mul(momenta, v[h])) : v[h])),
        storeWide(velocity, 0, v),
        storeWide(ahead, 0, g),
        [gradient, velocity, ahead].map((address) => increment(address, WIDE)),
      ]),
    );
  },
});

/** result = first*x + second*y. */
export const weightedSum = defineKernel({
  name: 'weightedSum',
  parameters: ['x', 'y', 'result', 'bytes'],
  floats: ['first', 'second'],
  generate: (_, declare) => {
    const { fn, x, y, result, bytes, first, second } = declare();
    const i = fn.local('i32');
    const [a, b] = wides(fn, 2);
    const [firsts, seconds] = fn.locals('v128', 2);
    fn.body(
      set(firsts, f32x4.splat(first)),
      set(seconds, f32x4.splat(second)),
      loop(i, 0, bytes, WIDE, [
        loadWide(a, x),
        loadWide(b, y),
        setWide(a, (h) => f32x4.add(f32x4.mul(firsts, a[h]), f32x4.mul(seconds, b[h]))),
        storeWide(result, 0, a),
        [x, y, result].map((address) => increment(address, WIDE)),
      ]),
    );
  },
});
