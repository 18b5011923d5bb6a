// The classifier y = x Wᵀ + b on the pooled features, W [classes][C], any number of classes. A
// thousandth of the network's work, so simple loops: vectors run along C only.

import { f32, f32x4, i32, v128 } from '../assembler/instructions.ts';
import { assign, increment, loop, set } from '../assembler/module.ts';
import type { Code, Value } from '../assembler/value.ts';
import { loadWide, multiplyAdd, setWide, storeWide, WIDE, wides } from './context.ts';
import { defineKernel } from './kernel.ts';

interface FeatureShape {
  readonly channels: number;
}

/** logits[n][k] = bias[k] + Σ_c pooled[n][c] W[k][c]. */
export const linear = defineKernel({
  name: 'linear',
  parameters: ['pooled', 'weights', 'bias', 'logits', 'count', 'classes'],
  generate: (context, declare, { channels }: FeatureShape) => {
    const rowBytes = channels * 4;
    const { fn, pooled, weights, bias, logits, count, classes } = declare();
    const [n, k, offset, weightAt, biasAt] = fn.locals('i32', 5);
    const [sum, x, w] = wides(fn, 3);
    const total = fn.local('v128');
    const lanes = ([0, 1, 2, 3] as const).map((lane) => f32x4.extractLane(total, lane));
    const lanesSum = lanes.reduce((left: Value<'f32'>, right) => f32.add(left, right));
    fn.body(
      loop(n, 0, count, 1, [
        assign(weightAt, weights),
        assign(biasAt, bias),
        loop(k, 0, classes, 1, [
          setWide(sum, () => v128.const(0)),
          loop(offset, 0, rowBytes, WIDE, [
            loadWide(x, i32.add(pooled, offset)),
            loadWide(w, i32.add(weightAt, offset)),
            setWide(sum, (h) => multiplyAdd(context, x[h], w[h], sum[h])),
          ]),
          set(total, f32x4.add(sum[0], sum[1])),
          f32.store(logits, 0, f32.add(lanesSum, f32.load(biasAt))),
          increment(logits, 4),
          increment(biasAt, 4),
          increment(weightAt, rowBytes),
        ]),
        increment(pooled, rowBytes),
      ]),
    );
  },
});

/** pooledGradient[n][c] = Σ_k logitGradient[n][k] W[k][c]. */
export const linearInputGradient = defineKernel({
  name: 'linearInputGradient',
  parameters: ['logitGradient', 'weights', 'pooledGradient', 'count', 'classes'],
  generate: (context, declare, { channels }: FeatureShape) => {
    const rowBytes = channels * 4;
    const { fn, logitGradient, weights, pooledGradient, count, classes } = declare();
    const [n, k, offset, weightAt, gradientAt] = fn.locals('i32', 5);
    const [sum, w] = wides(fn, 2);
    const spread = fn.local('v128');
    fn.body(
      loop(n, 0, count, 1, [
        loop(offset, 0, rowBytes, WIDE, [
          assign(weightAt, i32.add(weights, offset)),
          assign(gradientAt, logitGradient),
          setWide(sum, () => v128.const(0)),
          loop(k, 0, classes, 1, [
            set(spread, v128.load32Splat(gradientAt)),
            loadWide(w, weightAt),
            setWide(sum, (h) => multiplyAdd(context, spread, w[h], sum[h])),
            increment(weightAt, rowBytes),
            increment(gradientAt, 4),
          ]),
          storeWide(i32.add(pooledGradient, offset), 0, sum),
        ]),
        increment(pooledGradient, rowBytes),
        increment(logitGradient, i32.shl(classes, 2)),
      ]),
    );
  },
});

/** W's gradient[k][c] += Σ_n d[n][k] pooled[n][c], bias' gradient[k] += Σ_n d[n][k]; both accumulate. */
export const linearWeightGradient = defineKernel({
  name: 'linearWeightGradient',
  parameters: ['logitGradient', 'pooled', 'weightGradient', 'biasGradient', 'count', 'classes'],
  generate: (context, declare, { channels }: FeatureShape) => {
    const rowBytes = channels * 4;
    const { fn, logitGradient, pooled, weightGradient, biasGradient, count, classes } = declare();
    const [n, k, offset, pooledAt, gradientAt] = fn.locals('i32', 5);
    const [sum, x] = wides(fn, 2);
    const spread = fn.local('v128');
    const biasSum = fn.local('f32');
    const overImages = (body: Code) => [
      assign(gradientAt, logitGradient),
      loop(n, 0, count, 1, [body, increment(gradientAt, i32.shl(classes, 2))]),
    ];
    fn.body(
      loop(k, 0, classes, 1, [
        set(biasSum, f32.load(biasGradient)),
        overImages(set(biasSum, f32.add(biasSum, f32.load(gradientAt)))),
        f32.store(biasGradient, 0, biasSum),
        loop(offset, 0, rowBytes, WIDE, [
          assign(pooledAt, i32.add(pooled, offset)),
          loadWide(sum, i32.add(weightGradient, offset)),
          overImages([
            set(spread, v128.load32Splat(gradientAt)),
            loadWide(x, pooledAt),
            setWide(sum, (h) => multiplyAdd(context, spread, x[h], sum[h])),
            increment(pooledAt, rowBytes),
          ]),
          storeWide(i32.add(weightGradient, offset), 0, sum),
        ]),
        increment(weightGradient, rowBytes),
        increment(biasGradient, 4),
        increment(logitGradient, 4),
      ]),
    );
  },
});
