// loss = −Σ target·log softmax(logits); its gradient is (softmax − target) / count. One thread an
// image leaves the image's loss and the rank of its label; the host adds the losses in float64 in the
// images' order and counts the ranks (top-1: rank 0, top-5: rank below 5; ties go to the lower class).

import type { SoftmaxCrossEntropy } from '../../operations/softmax-cross-entropy.ts';
import type { CompileContext } from '../context.ts';
import { float } from '../reduce.ts';

const THREADS = 64;

export function softmaxCrossEntropy(context: CompileContext, operation: SoftmaxCrossEntropy): void {
  const { classes, gradient } = operation;
  const smoothing = context.program.labelSmoothing;
  const builder = context.builder();
  const logits = builder.array('logits', operation.logits, 'read', 'f32');
  const labels = builder.array('labels', context.flat('labels'), 'read', 'i32');
  const results = builder.array('results', { kind: 'results' }, 'read_write', 'vec2f');
  const dLogits =
    gradient === undefined ? undefined : builder.array('dLogits', gradient, 'read_write', 'f32');
  const scale = builder.lossScale('scale');
  const step = builder.step();
  context.add(builder, {
    threads: THREADS,
    body: `
        let image = group.x * ${THREADS}u + tid;
        if (image >= ${step}.count) { return; }
        let row = image * ${classes}u;
        let label = u32(${labels}[image]);
        let own = ${logits}[row + label];
        var largest = own;
        var rank = 0u;
        for (var o = 0u; o < ${builder.bound(classes)}; o++) {
          let value = ${logits}[row + o];
          largest = max(largest, value);
          if (value > own || (value == own && o < label)) { rank++; }
        }
        var total = 0.0;
        for (var o = 0u; o < ${builder.bound(classes)}; o++) { total += exp(${logits}[row + o] - largest); }
        let logTotal = log(total);
        var loss = 0.0;
        for (var o = 0u; o < ${builder.bound(classes)}; o++) {
          let logProbability = ${logits}[row + o] - largest - logTotal;
          let target_ = ${float(smoothing / classes)} + select(0.0, ${float(1 - smoothing)}, o == label);
          loss -= target_ * logProbability;
          ${
            dLogits
              ? `${dLogits}[row + o] = (exp(logProbability) - target_) * ${scale} / f32(${step}.count);`
              : ''
          }
        }
        ${results}[image] = vec2f(loss, f32(rank));`,
    workgroups: (count) => [Math.ceil(count / THREADS), 1],
  });
}
