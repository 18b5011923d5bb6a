// The programs of a comparison: which there are, whether they are installed, and how one is run as a
// process that waits for its turn (the protocol is in serve.ts).

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { pytorchVariants } from './gpu/peers.ts';
import type { Table6Task } from './table6.ts';

const PEERS = path.join(import.meta.dirname, 'peers');
/** Seconds of TensorFlow.js an image: a batch of 128 would take minutes. */
const SLOW_BATCH = 4;
/** PyTorch at its best allocates from a heap that it keeps; otherwise every step asks for pages. */
const KEEP_HEAP = {
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: String(2 ** 40),
  MALLOC_TOP_PAD_: String(2 ** 28),
};

export interface Task {
  readonly arch: string;
  readonly mode: 'train' | 'infer';
  readonly batch: number;
  /** Threads of the CPU; absent on a GPU. */
  readonly threads?: number;
  /** Part of the name of the GPU to use; where there are several. */
  readonly adapter?: string;
}

export interface Contestant {
  readonly name: string;
  /** Of several variants of one program the best is taken. */
  readonly program: string;
  /** Is compared with the best PyTorch of the same. */
  readonly precision: 'float32' | 'half';
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Fewer turns where one takes long. */
  readonly rounds?: number;
}

export interface Variant {
  readonly width: '256' | '128';
  readonly convolution: 'winograd4' | 'winograd2' | 'direct';
}

export type Memory = Table6Task['memory'];

export function table6(task: Task, { width, convolution }: Variant, memory: Memory): Contestant {
  const { arch, mode, batch, threads = 1 } = task;
  const name = `table6, ${width} bits, ${convolution}${memory === 'auto' ? '' : `, ${memory}`}`;
  const settings = { arch, mode, batch, memory, threads, convolution };
  return contestant(name, 'float32', {
    ...settings,
    device: 'cpu',
    width: width === '256' ? 256 : 128,
  });
}

export function table6Gpu(task: Task, precision: GpuPrecision, memory: Memory): Contestant {
  const { arch, mode, batch, adapter } = task;
  const settings = { arch, mode, batch, memory, adapter };
  const name = `table6, WebGPU, ${precision}`;
  const kind = precision === 'float32' ? 'float32' : 'half';
  return contestant(name, kind, { ...settings, device: 'webgpu', precision });
}

export type GpuPrecision = Extract<Table6Task, { device: 'webgpu' }>['precision'];

function contestant(
  name: string,
  precision: Contestant['precision'],
  task: Table6Task,
): Contestant {
  const script = path.join(import.meta.dirname, 'table6.ts');
  const command = [process.execPath, script, JSON.stringify(task)];
  return { name, program: name, precision, command };
}

/** PyTorch of an interpreter, in both memory formats; nothing where it is not installed. */
export function pytorch(task: Task, python: string): Contestant[] {
  const facts = pytorchFacts(python);
  if (facts === undefined) return [];
  const { arch, mode, batch, threads } = task;
  const wide = /\bavx512f\b/.test(
    existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '',
  );
  return ['channels_last', 'contiguous'].map((layout) => ({
    name: `PyTorch ${facts.version}, ${layout}`,
    program: `PyTorch ${facts.version}`,
    precision: 'float32',
    command: [
      python,
      path.join(PEERS, 'pytorch.py'),
      ...[arch, mode, String(batch), String(threads), layout],
    ],
    environment: wide ? { ...KEEP_HEAP, ATEN_CPU_CAPABILITY: 'avx512' } : KEEP_HEAP,
  }));
}

/** PyTorch on the GPU; nothing where it is not installed or sees none. */
export function pytorchGpu(task: Task, python: string): Contestant[] {
  const facts = pytorchFacts(python);
  if (!facts?.cuda) return [];
  const { arch, mode, batch } = task;
  return pytorchVariants(Number(arch.replace(/\D+/g, ''))).map(({ layout, precision, engine }) => {
    const isHalf = precision === 'amp' || precision === 'half';
    const kind = engine === 'eager' ? 'eager' : 'compiled';
    return {
      name: `PyTorch ${facts.version}, ${engine}, ${precision}, ${layout}`,
      program: `PyTorch ${facts.version}, ${kind}, ${isHalf ? 'half' : 'float32'}`,
      precision: isHalf ? 'half' : 'float32',
      command: [
        python,
        path.join(PEERS, 'pytorch_gpu.py'),
        ...[arch, mode, String(batch), layout, precision, engine],
      ],
    };
  });
}

interface PyTorchFacts {
  readonly version: string;
  /** It sees a GPU. */
  readonly cuda: boolean;
}

const known = new Map<string, PyTorchFacts | undefined>();

function pytorchFacts(python: string): PyTorchFacts | undefined {
  if (!known.has(python)) {
    const program =
      'import torch; print(torch.__version__.split("+")[0], torch.cuda.is_available())';
    try {
      const stdio = ['ignore', 'pipe', 'ignore'] as ['ignore', 'pipe', 'ignore'];
      const text = execFileSync(python, ['-c', program], { encoding: 'utf8', stdio });
      const [version, cuda] = text.trim().split(' ');
      known.set(python, { version: version!, cuda: cuda === 'True' });
    } catch {
      known.set(python, undefined);
    }
  }
  return known.get(python);
}

/** A peer in JavaScript, where `npm ci --prefix bench/peers` installed it. */
export function javascript(
  task: Task,
  name: 'tfjs' | 'jax',
  device: 'cpu' | 'webgpu',
): Contestant[] {
  const dependency = name === 'tfjs' ? '@tensorflow/tfjs' : '@jax-js/jax';
  if (!existsSync(path.join(PEERS, 'node_modules', dependency))) return [];
  const isSlow = device === 'cpu';
  const batch = isSlow ? Math.min(SLOW_BATCH, task.batch) : task.batch;
  const engine = isSlow && name === 'jax' ? 'wasm' : device;
  const label = `${name === 'tfjs' ? 'TensorFlow.js' : 'jax-js'}, ${engine}`;
  const settings = [task.arch, task.mode, String(batch), engine];
  return [
    {
      name: batch === task.batch ? label : `${label}, batch ${batch}`,
      program: label,
      precision: 'float32',
      command: [
        process.execPath,
        path.join(PEERS, `${name}.js`),
        ...settings,
        ...(task.adapter ? [task.adapter] : []),
      ],
      ...(isSlow && { rounds: 1 }),
    },
  ];
}

export interface Turn {
  readonly imagesPerSecond: number;
  /** Of all threads together: what a busy machine does not change much. */
  readonly imagesPerCpuSecond: number;
  readonly peakBytes: number;
}

/** A contestant's process. */
export class Player {
  readonly contestant: Contestant;
  readonly turns: Turn[] = [];
  /** From the process's start to the end of its first step. */
  firstStepSeconds = 0;
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private errors = '';

  /** Starts the process and waits for its first step. */
  static async start(contestant: Contestant): Promise<Player> {
    const start = performance.now();
    const player = new Player(contestant);
    await player.answer();
    player.firstStepSeconds = (performance.now() - start) / 1000;
    return player;
  }

  private constructor(contestant: Contestant) {
    this.contestant = contestant;
    const [program, ...args] = contestant.command as [string, ...string[]];
    const env = { ...process.env, ...contestant.environment };
    this.child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stderr!.on('data', (text) => {
      this.errors = `${this.errors}${text}`.slice(-2000);
    });
    this.child.stdin!.on('error', () => {});
    const reader: Interface = createInterface({ input: this.child.stdout! });
    this.lines = reader[Symbol.asyncIterator]();
  }

  /** Runs for about that long, and notes the rate. */
  async turn(seconds: number): Promise<void> {
    this.child.stdin!.write(`${seconds}\n`);
    const { images_per_second, images_per_cpu_second, peak_bytes } = await this.answer();
    this.turns.push({
      imagesPerSecond: images_per_second ?? 0,
      imagesPerCpuSecond: images_per_cpu_second ?? 0,
      peakBytes: peak_bytes ?? 0,
    });
  }

  stop(): void {
    this.child.kill();
  }

  /** Why it ended: what it said, or how it was ended. */
  private async reason(): Promise<string> {
    const { child } = this;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const { exitCode, signalCode } = child;
    if (signalCode === 'SIGKILL')
      return 'SIGKILL, which is how a system ends what has no memory left';
    return errorLine(this.errors) || (signalCode ?? `exit code ${exitCode}`);
  }

  /** The next line of JSON; libraries print greetings too. */
  private async answer(): Promise<Record<string, number>> {
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(`${this.contestant.name} ended: ${await this.reason()}`);
      if (value.startsWith('{')) return JSON.parse(value) as Record<string, number>;
    }
  }
}

/** The line that says what went wrong, if any, out of a stack trace or a traceback. */
function errorLine(text: string): string {
  const lines = text.trim().split('\n');
  return lines.findLast((line) => /^\S*Error\b/.test(line)) ?? lines.at(-1) ?? '';
}
