// The classifier y = x Wᵀ + b on the pooled features, W [classes][C], any number of classes:
//
//     linear                logits[n][k] = bias[k] + Σ_c x[n][c] W[k][c]
//     linearInputGradient   dx[n][c]     = Σ_k d[n][k] W[k][c]
//     linearWeightGradient  dW[k][c]    += Σ_n d[n][k] x[n][c],   db[k] += Σ_n d[n][k]
//
// A thousandth of the network's work, so simple loops: vectors run along C only.

import { f32, f32x4, i32, v128 } from '../assembler/instructions.ts';
import { assign, increment, loop, set } from '../assembler/module.ts';
import type { Value } from '../assembler/value.ts';
import { type Context, loadWide, multiplyAdd, setWide, storeWide, WIDE, wides } from './context.ts';
import { kernelName, type SpecOf } from './signatures.ts';

type Spec = SpecOf<'linear'>;

export function generateLinear(context: Context, spec: Spec): void {
  const rowBytes = spec.channels * 4;
  const fn = context.module.function(kernelName(spec));
  const [pooled, weights, bias, logits, count, classes] = fn.addresses(6);
  const [n, k, offset, weightAt, biasAt] = fn.locals('i32', 5);
  const [sum, x, w] = wides(fn, 3);
  const total = fn.local('v128');
  const lanes = ([0, 1, 2, 3] as const).map((lane) => f32x4.extractLane(total, lane));
  const lanesSum = lanes.reduce((left: Value<'f32'>, right) => f32.add(left, right));
  fn.body(
    loop(n!, 0, count, 1, [
      assign(weightAt!, weights),
      assign(biasAt!, bias),
      loop(k!, 0, classes, 1, [
        setWide(sum!, () => v128.const(0)),
        loop(offset!, 0, rowBytes, WIDE, [
          loadWide(x!, i32.add(pooled, offset!)),
          loadWide(w!, i32.add(weightAt!, offset!)),
          setWide(sum!, (h) => multiplyAdd(context, x![h], w![h], sum![h])),
        ]),
        set(total, f32x4.add(sum![0], sum![1])),
        f32.store(logits, 0, f32.add(lanesSum, f32.load(biasAt!))),
        increment(logits, 4),
        increment(biasAt!, 4),
        increment(weightAt!, rowBytes),
      ]),
      increment(pooled, rowBytes),
    ]),
  );
}

export function generateLinearInputGradient(context: Context, spec: Spec): void {
  const rowBytes = spec.channels * 4;
  const fn = context.module.function(kernelName(spec));
  const [logitGradient, weights, pooledGradient, count, classes] = fn.addresses(5);
  const [n, k, offset, weightAt, gradientAt] = fn.locals('i32', 5);
  const [sum, w] = wides(fn, 2);
  const spread = fn.local('v128');
  fn.body(
    loop(n!, 0, count, 1, [
      loop(offset!, 0, rowBytes, WIDE, [
        assign(weightAt!, i32.add(weights, offset!)),
        assign(gradientAt!, logitGradient),
        setWide(sum!, () => v128.const(0)),
        loop(k!, 0, classes, 1, [
          set(spread, v128.load32Splat(gradientAt!)),
          loadWide(w!, weightAt!),
          setWide(sum!, (h) => multiplyAdd(context, spread, w![h], sum![h])),
          increment(weightAt!, rowBytes),
          increment(gradientAt!, 4),
        ]),
        storeWide(i32.add(pooledGradient, offset!), 0, sum!),
      ]),
      increment(pooledGradient, rowBytes),
      increment(logitGradient, i32.shl(classes, 2)),
    ]),
  );
}

export function generateLinearWeightGradient(context: Context, spec: Spec): void {
  const rowBytes = spec.channels * 4;
  const fn = context.module.function(kernelName(spec));
  const [logitGradient, pooled, weightGradient, biasGradient, count, classes] = fn.addresses(6);
  const [n, k, offset, pooledAt, gradientAt] = fn.locals('i32', 5);
  const [sum, x] = wides(fn, 2);
  const spread = fn.local('v128');
  const biasSum = fn.local('f32');
  const overImages = (body: Parameters<typeof loop>[4]) => [
    assign(gradientAt!, logitGradient),
    loop(n!, 0, count, 1, [body, increment(gradientAt!, i32.shl(classes, 2))]),
  ];
  fn.body(
    loop(k!, 0, classes, 1, [
      set(biasSum, f32.load(biasGradient)),
      overImages(set(biasSum, f32.add(biasSum, f32.load(gradientAt!)))),
      f32.store(biasGradient, 0, biasSum),
      loop(offset!, 0, rowBytes, WIDE, [
        assign(pooledAt!, i32.add(pooled, offset!)),
        loadWide(sum!, i32.add(weightGradient, offset!)),
        overImages([
          set(spread, v128.load32Splat(gradientAt!)),
          loadWide(x!, pooledAt!),
          setWide(sum!, (h) => multiplyAdd(context, spread, x![h], sum![h])),
          increment(pooledAt!, rowBytes),
        ]),
        storeWide(i32.add(weightGradient, offset!), 0, sum!),
      ]),
      increment(weightGradient, rowBytes),
      increment(biasGradient, 4),
      increment(logitGradient, 4),
    ]),
  );
}
