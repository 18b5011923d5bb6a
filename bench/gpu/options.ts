// What can be typed after `bench/gpu.sh`, and what it means.

import path from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/util/errors.ts';
import { list, valueReader } from '../values.ts';
import type { PackSettings } from './pack.ts';

const { words, positive, whole, mistake } = valueReader('bench/gpu.sh');

/** In this order; `report` only reads what the others left. */
export const PHASES = ['check', 'speed', 'peers', 'train', 'report'] as const;
export type Phase = (typeof PHASES)[number];

export const PRECISIONS = ['float32', 'half', 'tensor-cores'] as const;
export type Precision = (typeof PRECISIONS)[number];

const TABLE_6 = ['resnet20', 'resnet32', 'resnet44', 'resnet56', 'resnet110', 'resnet1202'];
/** Of Table 6 those that a GPU trains in minutes to an hour. */
const TRAINED = TABLE_6.slice(0, -1);

export interface GpuSettings {
  /** Folder of the results. */
  readonly output: string;
  /** No measurement begins, and training stops, after so many; everything can be gone on with. */
  readonly minutes?: number;
  /** Part of an adapter's name. */
  readonly adapter?: string;
  /** On SwiftShader, to try the kit. */
  readonly software: boolean;
  /** A few seconds of everything: speeds mean nothing then. */
  readonly tiny: boolean;
  readonly networks: readonly string[];
  readonly precisions: readonly Precision[];
  readonly batch: number;
  /** Of each measurement. */
  readonly seconds: number;
  /** Interpreters that may have PyTorch. */
  readonly pythons: readonly string[];
  /** What to train on; absent: nothing is trained. */
  readonly data?: string;
  readonly runs: readonly string[];
  readonly epochs: number;
  readonly trainPrecision: Precision;
  /** Keeps every run as one file, too. */
  readonly archive: boolean;
  /** Does what failed before again. */
  readonly again: boolean;
}

export type GpuCommand =
  | { readonly kind: 'help' }
  | ({ readonly kind: 'pack' } & PackSettings)
  | { readonly kind: 'run'; readonly phases: readonly Phase[]; readonly settings: GpuSettings };

export const HELP = `bench/gpu.sh: all results of a GPU, also on a machine that has nothing but its driver.

  pack [--train DATA] [--xz] [--part-size MB] [--output FILE]   packs the kit, one archive
           (default table6-gpu.tgz);
           with --xz a third smaller, where there is xz or python3 to unpack it; with --part-size MB
           cut into parts of so many MB and a script that puts them together and runs them
  all | check | speed | peers | train | report ...   phases to run; all of them: all

  check    driver, adapter, table6 doctor, conformance suite against the oracle
  speed    training images/s of every network and precision, times of operations and their floors
  peers    PyTorch on the same GPU: formats, precisions, eager and compiled
  train    real runs, one network after the other, resumable (needs --train, or images in the kit)
  report   results.json as Markdown (also at the end of every other phase)

  --output FOLDER        results; default $OUT or ./gpu-results. Run again to go on where it ended
  --minutes N            begin no measurement after so long, and stop training in good order
  --adapter NAME         part of the name of the GPU to use
  --software             use the CPU adapter SwiftShader, to try the kit without a GPU
  --tiny                 a few seconds of everything, to try the kit
  --networks A,B         default ${TABLE_6.join(',')}
  --precision P,Q        of ${PRECISIONS.join(',')}; default: what the GPU has
  --batch N              default 128
  --seconds N            of each measurement; default 3
  --python A,B           interpreters that may have PyTorch; default $PYTHON or python3
  --train DATA           images to train on, as table6 train --data; cifar10 downloads
  --runs A,B             networks to train; default ${TRAINED.join(',')}
  --epochs N             default 200
  --train-precision P    default float32
  --archive              keep every run as one file, too, and go on from it
  --again                measure again what failed
`;

const OPTIONS = {
  output: { type: 'string' },
  minutes: { type: 'string' },
  adapter: { type: 'string' },
  software: { type: 'boolean', default: false },
  tiny: { type: 'boolean', default: false },
  networks: { type: 'string' },
  precision: { type: 'string' },
  batch: { type: 'string' },
  seconds: { type: 'string' },
  python: { type: 'string' },
  train: { type: 'string' },
  runs: { type: 'string' },
  epochs: { type: 'string' },
  'train-precision': { type: 'string', default: 'float32' },
  archive: { type: 'boolean', default: false },
  again: { type: 'boolean', default: false },
  xz: { type: 'boolean', default: false },
  'part-size': { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * @param carriedData the images that the kit brought along
 * @throws UserError that says what was typed wrongly
 */
export function parseCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  carriedData?: string,
): GpuCommand {
  const { values, positionals } = read(args);
  const [first] = positionals;
  if (values.help || first === undefined || first === 'help') return { kind: 'help' };
  if (first === 'pack') {
    const { train: data, xz } = values;
    const output = values.output ?? `table6-gpu.${xz ? 'txz' : 'tgz'}`;
    const size = values['part-size'];
    const partBytes = size === undefined ? undefined : 1e6 * whole('--part-size', size);
    return { kind: 'pack', output, data, xz, partBytes };
  }
  const phases = positionals.includes('all') ? PHASES : words('<phase>', positionals, PHASES);
  const { tiny, software, again, archive, adapter, minutes } = values;
  const [trainPrecision] = words('--train-precision', [values['train-precision']], PRECISIONS);
  return {
    kind: 'run',
    phases: PHASES.filter((phase) => phases.includes(phase)),
    settings: {
      output: path.resolve(values.output ?? (environment.OUT || 'gpu-results')),
      minutes: minutes === undefined ? undefined : positive('--minutes', minutes),
      ...{ adapter, software, tiny, again, archive },
      networks: list(values.networks) ?? (tiny ? ['resnet8'] : TABLE_6),
      precisions: words('--precision', list(values.precision) ?? PRECISIONS, PRECISIONS),
      batch: whole('--batch', values.batch ?? (tiny ? '4' : '128')),
      seconds: positive('--seconds', values.seconds ?? (tiny ? '0.01' : '3')),
      pythons: list(values.python ?? (environment.PYTHON || 'python3'))!,
      data: values.train ?? carriedData ?? (tiny ? 'synthetic:train=32,test=16' : undefined),
      runs: list(values.runs) ?? (tiny ? ['resnet8'] : TRAINED),
      epochs: whole('--epochs', values.epochs ?? (tiny ? '2' : '200')),
      trainPrecision: trainPrecision!,
    },
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw mistake(messageOf(error));
  }
}
