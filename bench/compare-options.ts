// What can be typed after `npm run bench --`, all of it checked before anything is measured.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { measureSimd } from '../src/engine/wasm/features.ts';
import { prepareCompiler } from '../src/engine/wasm/flags.node.ts';
import { parseArch } from '../src/nn/network.ts';
import { SETTINGS } from '../src/train/settings.ts';
import { messageOf } from '../src/util/errors.ts';
import type { GpuPrecision, Memory, Task, Variant } from './contestants.ts';
import { PRECISIONS } from './gpu/options.ts';
import { list, valueReader } from './values.ts';

const { words, positive, whole, mistake } = valueReader('bench');

export { mistake };

const PEERS = ['pytorch', 'tfjs', 'jax'] as const;
export type Peer = (typeof PEERS)[number];

export interface CompareSettings {
  /** Those that were named; absent: the CPU, and the GPU where there is one. */
  readonly devices?: readonly ('cpu' | 'webgpu')[] | undefined;
  readonly adapter?: string | undefined;
  readonly precisions: readonly GpuPrecision[];
  readonly networks: readonly string[];
  readonly modes: readonly Task['mode'][];
  readonly threads: readonly number[];
  readonly variants: readonly Variant[];
  readonly memory: Memory;
  readonly batch: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly peers: readonly Peer[];
  /** The peers were asked for by name, so that a missing one is an error. */
  readonly namesPeers: boolean;
  readonly pythons: readonly string[];
}

const options = {
  device: { type: 'string' },
  adapter: { type: 'string' },
  precision: { type: 'string', default: 'float32,half' },
  networks: { type: 'string', default: 'resnet20' },
  modes: { type: 'string', default: 'train,infer' },
  threads: { type: 'string', default: [...new Set([1, availableParallelism()])].join(',') },
  width: { type: 'string' },
  conv: { type: 'string', default: 'winograd4' },
  memory: { type: 'string', default: 'auto' },
  batch: { type: 'string', default: '128' },
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '2' },
  peers: { type: 'string' },
  python: { type: 'string', default: process.env.PYTHON || 'python3' },
} as const;

/** @throws UserError that says what was typed wrongly */
export function readSettings(args: readonly string[]): CompareSettings {
  const values = read(args);
  const each = (option: keyof typeof options) => {
    const parts = list(values[option]) ?? [];
    if (parts.length === 0) throw mistake(`--${option} is empty`);
    return parts;
  };
  const convolutions = words('--conv', each('conv'), ['winograd4', 'winograd2', 'direct']);
  const widths = words('--width', values.width === undefined ? [widthInEffect()] : each('width'), [
    '256',
    '128',
  ]);
  const peers = words('--peers', values.peers === undefined ? PEERS : each('peers'), [
    ...PEERS,
    'none',
  ]);
  const [memory] = words('--memory', [values.memory], SETTINGS.memory.form.words);
  return {
    devices:
      values.device === undefined
        ? undefined
        : words('--device', each('device'), ['cpu', 'webgpu']),
    adapter: values.adapter,
    precisions: words('--precision', each('precision'), PRECISIONS),
    networks: each('networks').map(knownNetwork),
    modes: words('--modes', each('modes'), ['train', 'infer']),
    threads: each('threads').map((text) => whole('--threads', text)),
    variants: widths.flatMap((width) =>
      convolutions.map((convolution): Variant => ({ width, convolution })),
    ),
    memory: memory!,
    batch: whole('--batch', values.batch),
    rounds: whole('--rounds', values.rounds),
    seconds: positive('--seconds', values.seconds),
    peers: peers.flatMap((peer) => (peer === 'none' ? [] : [peer])),
    namesPeers: values.peers !== undefined,
    pythons: each('python'),
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw mistake(messageOf(error));
  }
}

function knownNetwork(name: string): string {
  try {
    parseArch(name);
  } catch (error) {
    throw mistake(messageOf(error));
  }
  return name;
}

/** Without `--width` what training has here, measured as the engine measures it. */
function widthInEffect(): Variant['width'] {
  prepareCompiler();
  return measureSimd().width === 256 ? '256' : '128';
}
