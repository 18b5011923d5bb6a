// The programs of a comparison: which there are, whether they are installed, and how one is run as a
// process that waits for its turn (the protocol is in serve.ts).

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';

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
  readonly threads: number;
}

export interface Contestant {
  readonly name: string;
  /** Of several variants of one program the best is taken. */
  readonly program: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Fewer turns where one takes long. */
  readonly rounds?: number;
}

export interface Variant {
  readonly width: '256' | '128';
  readonly convolution: string;
}

export function table6(task: Task, { width, convolution }: Variant, memory: string): Contestant {
  const { arch, mode, batch, threads } = task;
  const name = `table6, ${width} bits, ${convolution}${memory === 'auto' ? '' : `, ${memory}`}`;
  const script = path.join(import.meta.dirname, 'table6.ts');
  const settings = [arch, mode, String(batch), String(threads), width, convolution, memory];
  return { name, program: name, command: [process.execPath, script, ...settings] };
}

/** PyTorch of an interpreter, in both memory formats; nothing where it is not installed. */
export function pytorch(task: Task, python: string): Contestant[] {
  const version = pytorchVersion(python);
  if (version === undefined) return [];
  const { arch, mode, batch, threads } = task;
  const wide = /\bavx512f\b/.test(
    existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '',
  );
  return ['channels_last', 'contiguous'].map((layout) => ({
    name: `PyTorch ${version}, ${layout}`,
    program: `PyTorch ${version}`,
    command: [
      python,
      path.join(PEERS, 'pytorch.py'),
      ...[arch, mode, String(batch), String(threads), layout],
    ],
    environment: wide ? { ...KEEP_HEAP, ATEN_CPU_CAPABILITY: 'avx512' } : KEEP_HEAP,
  }));
}

const versions = new Map<string, string | undefined>();

function pytorchVersion(python: string): string | undefined {
  if (!versions.has(python)) {
    const program = 'import torch; print(torch.__version__.split("+")[0])';
    try {
      const stdio = ['ignore', 'pipe', 'ignore'] as ['ignore', 'pipe', 'ignore'];
      versions.set(
        python,
        execFileSync(python, ['-c', program], { encoding: 'utf8', stdio }).trim(),
      );
    } catch {
      versions.set(python, undefined);
    }
  }
  return versions.get(python);
}

/** A peer in JavaScript, where `npm ci --prefix bench/peers` installed it. */
export function javascript(task: Task, name: 'tfjs' | 'jax'): Contestant[] {
  const dependency = name === 'tfjs' ? '@tensorflow/tfjs' : '@jax-js/jax';
  if (!existsSync(path.join(PEERS, 'node_modules', dependency))) return [];
  const batch = Math.min(SLOW_BATCH, task.batch);
  const script = path.join(PEERS, `${name}.js`);
  const label = name === 'tfjs' ? 'TensorFlow.js, cpu' : 'jax-js, wasm';
  return [
    {
      name: `${label}, batch ${batch}`,
      program: label,
      command: [process.execPath, script, task.arch, task.mode, String(batch)],
      rounds: 1,
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

  /** The next line of JSON; libraries print greetings too. */
  private async answer(): Promise<Record<string, number>> {
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(`${this.contestant.name} ended: ${this.errors}`);
      if (value.startsWith('{')) return JSON.parse(value) as Record<string, number>;
    }
  }
}
