// Sums over the threads of a workgroup, in an order that never changes: a binary tree. Together
// with partial sums that are also combined in a fixed order, this makes runs bit-identical.

import type { KernelBuilder } from './kernel.ts';

/**
 * Statements that add vec4f variables over `lanes` threads, a power of two. Thread
 * tid = lane + lanes·group; afterwards lane 0 of each group holds the sums.
 * @param exchange an array<vec4f> of workgroup memory, which is overwritten: `threads` for each variable
 */
export function sumOverLanes(
  builder: KernelBuilder,
  exchange: string,
  threads: number,
  lanes: number,
  variables: readonly string[],
): string {
  const place = (index: number) => `${index * threads}u + tid`;
  const every = (code: (variable: string, index: number) => string) =>
    variables.map(code).join('\n');
  return `
    workgroupBarrier();
    ${every((variable, index) => `${exchange}[${place(index)}] = ${variable};`)}
    for (var s = ${builder.bound(lanes / 2)}; s > 0u; s /= 2u) {
      workgroupBarrier();
      if (tid % ${lanes}u < s) {
        ${every((variable, index) => `${variable} += ${exchange}[${place(index)} + s]; ${exchange}[${place(index)}] = ${variable};`)}
      }
    }`;
}

/**
 * Combines means and sums of squared deviations of equally many values (Chan, Golub & LeVeque,
 * 1979): with d = b − a, mean = a + d/2 and M2 = M2a + M2b + d²·n/2. No large squares are
 * subtracted from one another, so float32 is enough for a batch's variance.
 * @param exchange as for `sumOverLanes`, two variables
 * @param values number of values behind each thread's pair
 */
export function momentsOverLanes(
  builder: KernelBuilder,
  exchange: string,
  threads: number,
  lanes: number,
  mean: string,
  deviation: string,
  values: number,
): string {
  return `
    workgroupBarrier();
    ${exchange}[tid] = ${mean};
    ${exchange}[${threads}u + tid] = ${deviation};
    var half = ${float(values / 2)};
    for (var s = ${builder.bound(lanes / 2)}; s > 0u; s /= 2u) {
      workgroupBarrier();
      if (tid % ${lanes}u < s) {
        let d = ${exchange}[tid + s] - ${mean};
        ${mean} += 0.5 * d;
        ${deviation} += ${exchange}[${threads}u + tid + s] + d * d * half;
        ${exchange}[tid] = ${mean};
        ${exchange}[${threads}u + tid] = ${deviation};
      }
      half *= 2.0;
    }`;
}

/** Threads that share the pixels of one vector of channels in a workgroup: 256 for 64 channels. */
export function lanesPerQuad(channels: number): number {
  let lanes = 1;
  while (lanes * 2 * (channels / 4) <= 256 && lanes < 64) lanes *= 2;
  return lanes;
}

/** A number as a WGSL float literal. */
export function float(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
