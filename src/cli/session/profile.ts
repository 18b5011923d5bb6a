// Where a step's time goes, operation by operation, as `table6 bench --profile` prints it.

import type { BatchInputs } from '../../engine/backend.ts';
import type { ProfiledExecutable, WasmBackend } from '../../engine/wasm/backend.ts';
import { formatTable } from './output.ts';

export interface OperationProfile {
  /** Operation and layer, such as `convolutionBackward layer1.0.conv1`. */
  readonly name: string;
  /** Time of all threads divided by their number; median over steps. */
  readonly milliseconds: number;
  /** 10⁹ operations a second of all threads, two to a multiply-add of the direct algorithm. */
  readonly gflops: number;
  /** 10⁹ bytes a second of activations and gradients, each buffer counted once. */
  readonly gigabytesPerSecond: number;
  /** `gflops` as a share of what all threads could do; absent where that was not measured. */
  readonly ceilingShare?: number;
}

/** A step is profiled at least this often. */
const LEAST_STEPS = 5;

/** Profiles steps for about `seconds`, after one to warm up. */
export async function profiled(
  executable: ProfiledExecutable,
  batch: BatchInputs,
  seconds: number,
  { threads, ceiling }: Pick<WasmBackend, 'threads' | 'ceiling'>,
): Promise<OperationProfile[]> {
  const sizes = await executable.profile(batch);
  const times: number[][] = sizes.map(() => []);
  const end = performance.now() + 1000 * seconds;
  for (let step = 0; step < LEAST_STEPS || performance.now() < end; step++) {
    const timings = await executable.profile(batch);
    for (const [i, { milliseconds }] of timings.entries()) times[i]!.push(milliseconds);
  }
  return sizes.map(({ name, multiplyAdds, bytes }, i) => {
    const sorted = times[i]!.toSorted((a, b) => a - b);
    const milliseconds = sorted[Math.floor(sorted.length / 2)]!;
    const perSecond = (amount: number) => (milliseconds > 0 ? amount / milliseconds / 1e6 : 0);
    const gflops = perSecond(2 * multiplyAdds);
    const ceilingShare = ceiling === undefined ? undefined : gflops / (threads * ceiling);
    return { name, milliseconds, gflops, gigabytesPerSecond: perSecond(bytes), ceilingShare };
  });
}

/** One row an operation, then their sum. `ceiling`: 10⁹ operations a second of one thread. */
export function profileTable(
  operations: readonly OperationProfile[],
  ceiling: number | undefined,
): string {
  const total = operations.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const rows = operations.map(
    ({ name, milliseconds, gflops, gigabytesPerSecond, ceilingShare }) => [
      name,
      milliseconds.toFixed(2),
      percent(milliseconds / total),
      gflops > 0 ? gflops.toFixed(0) : '',
      gigabytesPerSecond > 0 ? gigabytesPerSecond.toFixed(1) : '',
      gflops > 0 && ceilingShare !== undefined ? percent(ceilingShare) : '',
    ],
  );
  const table = formatTable(
    ['operation', 'ms', 'of step', 'GFLOP/s', 'GB/s', 'of ceiling'],
    [...rows, ['all', total.toFixed(2), '', '', '', '']],
  );
  if (ceiling === undefined) return table;
  return `${table}\nmultiply-add ceiling: ${ceiling.toFixed(0)} GFLOP/s a thread, measured at the start`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
