// results.json as Markdown that can be committed as it is: what was measured on what, whether it was
// right, how fast it was and beside whom, and what was not measured.

import {
  formatDeviation,
  formatError,
  formatMebibytes,
  formatRate,
  formatRatio,
  markdownTable,
} from '../markdown.ts';
import { checkSchema } from './check.ts';
import type { OperationGroup } from './floors.ts';
import { operationsSchema } from './floors.ts';
import { PRECISIONS, type Precision } from './options.ts';
import { type PeerResult, peerSchema } from './peers.ts';
import { ceilingsSchema, type SpeedResult, speedSchema } from './speed.ts';
import { type TrainedRun, trainedSchema } from './train.ts';
import { type ResultsFile, valuesOf } from './units.ts';

/** Networks whose operations are shown; the others have the same shapes. */
const SHOWN_OPERATIONS = ['resnet20', 'resnet110', 'resnet8'];

/** The whole document. */
export function gpuReport(results: ResultsFile): string {
  const sections = [
    header(results),
    agreement(results),
    rates(results),
    details(results),
    pytorch(results),
    operations(results),
    runs(results),
    missing(results),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function header({ facts, units }: ResultsFile): string {
  const dates = Object.values(units).flatMap((unit) => ('date' in unit ? [unit.date] : []));
  const days = [...new Set(dates.map((date) => date.slice(0, 10)))].sort();
  return [
    `# WebGPU on ${facts.adapter ?? 'an unknown adapter'}`,
    `Measured on ${days.join(', ') || 'no day yet'} by \`bench/gpu.sh\`. Training steps in Node.js, synthetic images on the device; medians.`,
    markdownTable(
      ['', ''],
      Object.entries(facts).map(([name, value]) => [name, value || '-']),
    ),
  ].join('\n\n');
}

function agreement(results: ResultsFile): string {
  const rows: string[][] = [];
  const wrong: string[] = [];
  for (const precision of PRECISIONS) {
    const checks = valuesOf(results, `check/${precision}/`, checkSchema);
    if (checks.size === 0) continue;
    const worst = (kind: string) => {
      const values = [...checks.values()].flatMap(({ deviations }) =>
        deviations.filter(({ what }) => what === kind),
      );
      return values.length > 0
        ? formatDeviation(Math.max(...values.map(({ value }) => value)))
        : '';
    };
    for (const [name, { right, deviations }] of checks) {
      if (right) continue;
      const large = deviations.filter(({ value, bound }) => !(value <= bound));
      const texts = large.map(
        ({ what, value, bound }) =>
          `${what} ${formatDeviation(value)}, at most ${formatDeviation(bound)}`,
      );
      wrong.push(`- ${precision}, ${name}: ${texts.join('; ')}`);
    }
    const right = [...checks.values()].filter((check) => check.right).length;
    rows.push([
      precision,
      `${right} of ${checks.size}`,
      ...['loss', 'logits', 'gradient', 'momentum', 'statistic', 'parameters'].map(worst),
    ]);
  }
  if (rows.length === 0) return '';
  const heads = ['precision', 'cases right', 'loss', 'logits', 'gradient', 'momentum'];
  return [
    '## Agreement with the float64 oracle',
    'Largest deviation of all cases: of the loss absolute, of the rest ‖difference‖ / ‖oracle‖ of each tensor. A gradient may differ by about 1e-3 where a value lies within rounding of a ReLU’s zero.',
    markdownTable([...heads, 'running statistics', 'parameters'], rows),
    ...(wrong.length > 0 ? [`Too large:\n\n${wrong.join('\n')}`] : []),
  ].join('\n\n');
}

type Rates = ReadonlyMap<string, SpeedResult>;

/** By network, then by precision. */
function speeds(results: ResultsFile): { archs: string[]; of: Record<Precision, Rates> } {
  const ratesOf = (precision: Precision) => valuesOf(results, `speed/${precision}/`, speedSchema);
  const of = {
    float32: ratesOf('float32'),
    half: ratesOf('half'),
    'tensor-cores': ratesOf('tensor-cores'),
  };
  const archs = [...new Set(PRECISIONS.flatMap((precision) => [...of[precision].keys()]))];
  return { archs: archs.sort((a, b) => depthOf(a) - depthOf(b)), of };
}

/** PyTorch's results for a network, of all versions. */
function peersOf(results: ResultsFile, arch: string): PeerResult[] {
  const all = valuesOf(results, 'peer/', peerSchema);
  return [...all].filter(([name]) => name.split('/')[1] === arch).map(([, value]) => value);
}

function best(
  peers: readonly PeerResult[],
  keep: (peer: PeerResult) => boolean,
): number | undefined {
  const rates = peers.filter(keep).map(({ imagesPerSecond }) => imagesPerSecond);
  return rates.length > 0 ? Math.max(...rates) : undefined;
}

const isHalf = ({ precision }: PeerResult) => precision === 'amp' || precision === 'half';
const isEager = ({ engine }: PeerResult) => engine === 'eager';

function rates(results: ResultsFile): string {
  const { archs, of } = speeds(results);
  if (archs.length === 0) return '';
  const rows = archs.map((arch) => {
    const peers = peersOf(results, arch);
    const ours = PRECISIONS.map((precision) => of[precision].get(arch)?.imagesPerSecond);
    const [full, ...halves] = ours;
    const half = Math.max(...halves.map((rate) => rate ?? 0)) || undefined;
    const eagerFull = best(peers, (peer) => isEager(peer) && !isHalf(peer));
    const eagerHalf = best(peers, (peer) => isEager(peer) && isHalf(peer));
    const compiled = best(peers, (peer) => !isEager(peer));
    return [
      arch,
      ...ours.map(formatRate),
      ...[eagerFull, eagerHalf, compiled].map(formatRate),
      formatRatio(full, eagerFull),
      formatRatio(half, eagerHalf),
    ];
  });
  const heads = ['network', ...PRECISIONS.map((precision) => `table6, ${precision}`)];
  return [
    '## Training, images a second',
    'PyTorch at its best: the faster memory format; float32 with and without TF32; half as autocast or all float16; compiled with or without CUDA graphs. Its images lie on the GPU already normalised and it augments nothing; table6 crops, flips and normalises bytes in the step.',
    markdownTable(
      [
        ...heads,
        'PyTorch eager, float32',
        'eager, half',
        'compiled',
        'float32 / eager',
        'half / eager',
      ],
      rows,
    ),
  ].join('\n\n');
}

function details(results: ResultsFile): string {
  const { archs, of } = speeds(results);
  if (archs.length === 0) return '';
  const rows = archs.flatMap((arch) =>
    PRECISIONS.flatMap((precision) => {
      const speed = of[precision].get(arch);
      if (!speed) return [];
      return [
        [
          arch,
          precision,
          formatRate(speed.imagesPerSecond),
          `${formatRate(speed.slowest)}-${formatRate(speed.fastest)}`,
          speed.stepMilliseconds.toFixed(2),
          speed.teraflops.toFixed(2),
          formatMebibytes(speed.memoryBytes),
          speed.memory,
          speed.compileSeconds.toFixed(1),
        ],
      ];
    }),
  );
  const heads = ['network', 'precision', 'images/s', 'range', 'ms a step', 'TFLOP/s', 'memory'];
  return `## Steps\n\nTFLOP/s of the direct algorithm; memory of the program's buffers; seconds to the first step with tuning.\n\n${markdownTable([...heads, 'activations', 'first step, s'], rows)}`;
}

function pytorch(results: ResultsFile): string {
  const peers = valuesOf(results, 'peer/', peerSchema);
  if (peers.size === 0) return '';
  const rows = [...peers].map(([name, peer]) => {
    const [version, arch] = name.split('/') as [string, string];
    return [
      arch,
      version,
      peer.precision,
      peer.layout,
      peer.engine,
      formatRate(peer.imagesPerSecond),
      `${formatRate(peer.slowest)}-${formatRate(peer.fastest)}`,
      formatMebibytes(peer.peakBytes),
      peer.firstStepSeconds.toFixed(1),
    ];
  });
  rows.sort(([a], [b]) => depthOf(a!) - depthOf(b!));
  const heads = ['network', 'PyTorch', 'precision', 'format', 'engine', 'images/s', 'range'];
  return `## PyTorch\n\nfloat32: TF32 off; tf32: as PyTorch comes; amp: float16 autocast with a gradient scaler; half: everything float16.\n\n${markdownTable([...heads, 'peak memory', 'first step, s'], rows)}`;
}

function operations(results: ResultsFile): string {
  const ceilings = valuesOf(results, 'ceilings', ceilingsSchema).get('');
  const parts: string[] = [];
  for (const arch of SHOWN_OPERATIONS) {
    for (const precision of PRECISIONS) {
      const groups = valuesOf(results, `operations/${precision}/`, operationsSchema).get(arch);
      if (groups) parts.push(`### ${arch}, ${precision}\n\n${operationTable(groups)}`);
    }
  }
  if (parts.length === 0) return '';
  const rates = ceilings
    ? ` Measured ceilings: ${(ceilings.gflops / 1000).toFixed(1)} TFLOP/s of float32 multiply-adds; copies ${ceilings.copies
        .map(
          ({ bytes, gigabytesPerSecond }) =>
            `of ${formatMebibytes(bytes)} ${gigabytesPerSecond.toFixed(0)} GB/s`,
        )
        .join(', ')}.`
    : ' The ceilings of the device were not measured.';
  const method = `Each kernel timed by the device's clock in a pass of its own, so that the sum is more than a step takes. The floor of a kernel is the longer of its multiply-adds (of the direct algorithm) at the float32 rate and its feature maps at the rate of a copy as large; tensor cores may go below the first, caches below the second.${rates}`;
  return `## Operations\n\n${method}\n\n${parts.join('\n\n')}`;
}

function operationTable(groups: readonly OperationGroup[]): string {
  const sum = (pick: (group: OperationGroup) => number) =>
    groups.reduce((total, group) => total + pick(group), 0);
  const row = (
    name: string,
    kernels: number,
    milliseconds: number,
    floor: number | undefined,
    rest: readonly string[],
  ) => [
    name,
    String(kernels),
    milliseconds.toFixed(3),
    floor === undefined ? '' : floor.toFixed(3),
    formatRatio(milliseconds, floor),
    ...rest,
  ];
  const rows = groups.map((group) =>
    row(group.operation, group.kernels, group.milliseconds, group.floorMilliseconds, [
      group.bound ?? '',
      group.multiplyAdds > 0
        ? ((2 * group.multiplyAdds) / group.milliseconds / 1e6).toFixed(0)
        : '',
      group.bytes > 0 ? (group.bytes / group.milliseconds / 1e6).toFixed(0) : '',
    ]),
  );
  const hasFloors = groups.every(({ floorMilliseconds }) => floorMilliseconds !== undefined);
  const total = row(
    'all',
    sum(({ kernels }) => kernels),
    sum(({ milliseconds }) => milliseconds),
    hasFloors ? sum(({ floorMilliseconds }) => floorMilliseconds!) : undefined,
    ['', '', ''],
  );
  const heads = ['kernels', 'number', 'ms', 'floor, ms', 'time / floor', 'floor by'];
  return markdownTable([...heads, 'GFLOP/s', 'GB/s'], [...rows, total]);
}

function runs(results: ResultsFile): string {
  const trained = [...valuesOf(results, 'train/', trainedSchema)];
  if (trained.length === 0) return '';
  const titles = [...new Set(trained.map(([, { dataTitle }]) => dataTitle))];
  const batches = [...new Set(trained.map(([, { batch }]) => batch))];
  const rows = trained.map(([name, run]) => [
    name,
    `${run.epochsDone} of ${run.epochs}`,
    formatError(run.result.final?.error),
    formatError(run.result.bestOnTest?.error),
    `${(run.seconds / 60).toFixed(1)}`,
    state(run),
  ]);
  const heads = ['run', 'epochs', 'final error', 'best on test', 'minutes', ''];
  return `## Runs on ${titles.join(', ')}\n\nRecipe notebook, batch ${batches.join(', ')}, seed 1; evaluated after every epoch, which the minutes include.\n\n${markdownTable(heads, rows)}`;
}

function state({ outcome }: TrainedRun): string {
  return outcome === 'complete' ? '' : outcome;
}

function missing({ units }: ResultsFile): string {
  const lines = Object.entries(units).flatMap(([name, unit]) => {
    if (unit.state === 'failed') return [`- ${name}: ${unit.problem}`];
    return unit.state === 'begun' ? [`- ${name}: begun and not ended`] : [];
  });
  return lines.length === 0 ? '' : `## Not measured\n\n${lines.join('\n')}`;
}

function depthOf(arch: string): number {
  return Number(arch.replace(/\D+/g, ''));
}
