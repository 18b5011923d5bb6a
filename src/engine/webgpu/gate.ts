// What happens to the gradient of an activation before it is stored: the ReLU's gate, and the sums
// from which the batch normalisations before it get their gradients. Shared by the input gradient of
// convolutions and the gradient of the pooling.

import type { GradientSums, MapShape, ReluGate } from '../program.ts';
import type { CompileContext } from './context.ts';
import type { KernelBuilder } from './kernel.ts';
import { at, type Place } from './operands.ts';
import { sumOverLanes } from './reduce.ts';

/** Sets `v` to zero where the ReLU was shut. */
export function gateCode(
  builder: KernelBuilder,
  gate: ReluGate,
  shape: MapShape,
): (place: Place) => string {
  if (gate.kind === 'buffer') {
    const x = builder.tensor('gate', gate.x, 'read');
    return (place) => `v = select(vec4f(), v, ${x.load(at(shape, place))} > vec4f());`;
  }
  const y = builder.tensor('gate', gate.y, 'read');
  const norm = builder.norm('gateNorm', gate.norm, shape.channels);
  return (place) => `
    v = select(vec4f(), v, ${norm.row('scale', place.c4)} * ${y.load(at(shape, place))} + ${norm.row('shift', place.c4)} > vec4f());`;
}

/** Largest finite half-precision number. */
const LARGEST_HALF = 65504;
/** What is added to the sums, and so to a gradient, for a value that half precision cannot hold. */
const OVERFLOWED = '3e38';

/** Statements that take sums; all are empty where there are none to take. */
interface SumsCode {
  /** How many vectors a thread adds up over the workgroup. */
  readonly count: number;
  /** Declares the sums as zero. */
  readonly declare: string;
  /** Adds `v` at a place. */
  add(place: Place): string;
  /**
   * Adds the threads' sums up and stores them as part `part` of the vector of channels `c4`, by the threads
   * for which `isFirst` is true: u32, u32 and bool expressions. Otherwise as `sumOverLanes`.
   */
  finish(exchange: string, threads: number, lanes: number, part: string, isFirst: string): string;
}

/** Σdz, and Σdz·(y − μ) for each norm that made the activation; see `GradientPartials`. */
export function sumsCode(
  context: CompileContext,
  builder: KernelBuilder,
  sums: readonly GradientSums[],
  shape: MapShape,
  partsPerImage: number,
): SumsCode {
  if (sums.length === 0) return { count: 0, declare: '', add: () => '', finish: () => '' };
  const rows = 1 + sums.length;
  const { program } = context;
  const resource = context.scratch(program.batchSize * partsPerImage * rows * shape.channels);
  sums.forEach(({ norm }, index) => {
    context.gradientSums.set(norm, { resource, partsPerImage, rows, productRow: 1 + index });
  });
  const terms = sums.map(({ norm, y }, index) => ({
    variable: `productSum${index}`,
    y: builder.tensor(`sumY${index}`, y, 'read'),
    norm: builder.norm(`sumNorm${index}`, norm, shape.channels),
  }));
  const partials = builder.array('partials', resource, 'read_write', 'vec4f');
  const variables = ['gradientSum', ...terms.map(({ variable }) => variable)];
  const quads = shape.channels / 4;
  const store = (part: string) =>
    variables
      .map(
        (variable, index) =>
          `${partials}[(${part}) * ${rows * quads}u + ${index * quads}u + c4] = ${variable};`,
      )
      .join('\n');
  return {
    count: variables.length,
    declare: variables.map((name) => `var ${name} = vec4f();`).join('\n'),
    add: (place) => `
      gradientSum += ${builder.isScaled ? `select(vec4f(${OVERFLOWED}), v, abs(v) <= vec4f(${LARGEST_HALF}))` : 'v'};
      ${terms
        .map(
          ({ variable, y, norm }) =>
            `${variable} += v * (${y.load(at(shape, place))} - ${norm.row('mean', place.c4)});`,
        )
        .join('\n')}`,
    finish: (exchange, threads, lanes, part, isFirst) =>
      `${sumOverLanes(builder, exchange, threads, lanes, variables)}
             if (${isFirst}) { ${store(part)} }`,
  };
}
