// Phase `peers`: PyTorch on the same GPU, in every memory format and precision, eager and compiled. One
// Python process measures job after job (peers/pytorch_gpu.py), since importing PyTorch takes longer
// than most of them; where it dies or hangs it is started again for the next.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { formatRate } from '../markdown.ts';
import type { GpuSettings } from './options.ts';
import type { Unit } from './units.ts';

const SCRIPT = path.join(import.meta.dirname, '..', 'peers', 'pytorch_gpu.py');
/** Compiling a deep network takes minutes; more than this is left out. */
const JOB_SECONDS = 280;
const TURNS = 5;

export interface PyTorchVariant {
  readonly layout: 'contiguous' | 'channels_last';
  readonly precision: 'float32' | 'tf32' | 'amp' | 'half';
  readonly engine: 'eager' | 'compile' | 'graphs';
}

export const peerSchema = z.object({
  layout: z.enum(['contiguous', 'channels_last']),
  precision: z.enum(['float32', 'tf32', 'amp', 'half']),
  engine: z.enum(['eager', 'compile', 'graphs']),
  /** Median, least and most of the turns. */
  imagesPerSecond: z.number(),
  slowest: z.number(),
  fastest: z.number(),
  peakBytes: z.number(),
  firstStepSeconds: z.number(),
});
export type PeerResult = z.infer<typeof peerSchema>;

const factsSchema = z.object({
  torch: z.string(),
  cuda: z.string().nullable(),
  cudnn: z.string().nullable(),
  gpu: z.string().nullable(),
});

const answerSchema = z.object({
  images_per_second: z.array(z.number()).min(1),
  peak_bytes: z.number(),
  first_step_seconds: z.number(),
});
const errorSchema = z.object({ error: z.string() });

/** What is worth measuring, eager first: the deepest network would compile for an hour. */
export function pytorchVariants(depth: number): PyTorchVariant[] {
  const eager = (['tf32', 'float32', 'amp', 'half'] as const).flatMap((precision) =>
    (['channels_last', 'contiguous'] as const).map(
      (layout): PyTorchVariant => ({ layout, precision, engine: 'eager' }),
    ),
  );
  if (depth > 110) return eager;
  const compiled = (['tf32', 'amp'] as const).flatMap((precision) =>
    (['compile', 'graphs'] as const).map(
      (engine): PyTorchVariant => ({ layout: 'channels_last', precision, engine }),
    ),
  );
  return [...eager, ...compiled];
}

export interface Peers {
  readonly facts: Readonly<Record<string, string>>;
  readonly units: readonly Unit[];
  stop(): void;
}

/** The measurements of every interpreter that has PyTorch with CUDA; says which have not. */
export function peerUnits(settings: GpuSettings, say: (line: string) => void): Peers {
  const facts: Record<string, string> = {};
  const units: Unit[] = [];
  const workers: Worker[] = [];
  for (const python of settings.pythons) {
    const found = factsOf(python);
    if (typeof found === 'string') {
      say(`${python}: ${found}`);
      continue;
    }
    const { torch, cuda, cudnn, gpu } = found;
    facts[`PyTorch ${torch}`] = `CUDA ${cuda}, cuDNN ${cudnn}, ${gpu}`;
    const worker = new Worker(python);
    workers.push(worker);
    // Every network in a format before the next format, eager ones first, which the comparison is about:
    // where the time is up, there is something beside each.
    const jobs = settings.networks
      .flatMap((arch) =>
        pytorchVariants(Number(arch.replace(/\D+/g, ''))).map((variant, rank) => ({
          arch,
          variant,
          rank,
        })),
      )
      .sort((a, b) => a.rank - b.rank);
    for (const { arch, variant } of jobs) {
      if (!arch.startsWith('resnet')) continue;
      const { layout, precision, engine } = variant;
      const name = `peer/${torch}/${arch}/${precision}, ${layout}, ${engine}`;
      units.push({
        name,
        async measure(): Promise<PeerResult> {
          const { batch, seconds } = settings;
          const turn = { seconds: seconds / TURNS, turns: TURNS };
          const answer = await worker.ask({ arch, mode: 'train', batch, ...variant, ...turn });
          const rates = answer.images_per_second.toSorted((a, b) => a - b);
          const median = rates[Math.floor(rates.length / 2)]!;
          say(
            `PyTorch ${torch}, ${arch}, ${precision}, ${layout}, ${engine}: ${formatRate(median)} images/s`,
          );
          return {
            ...variant,
            imagesPerSecond: median,
            slowest: rates[0]!,
            fastest: rates.at(-1)!,
            peakBytes: answer.peak_bytes,
            firstStepSeconds: answer.first_step_seconds,
          };
        },
      });
    }
  }
  const stop = () => {
    for (const worker of workers) worker.stop();
  };
  return { facts, units, stop };
}

/** @returns a sentence where there is no PyTorch that sees a GPU */
function factsOf(python: string): z.infer<typeof factsSchema> | string {
  try {
    const stdio = ['ignore', 'pipe', 'ignore'] as ['ignore', 'pipe', 'ignore'];
    const text = execFileSync(python, [SCRIPT, 'facts'], { encoding: 'utf8', stdio });
    const facts = factsSchema.parse(JSON.parse(lastLine(text)));
    return facts.gpu === null ? `PyTorch ${facts.torch} sees no GPU: no comparison with it` : facts;
  } catch {
    return 'has no PyTorch: no comparison with it (--python names another interpreter)';
  }
}

/** A Python process that answers a line with a line. */
class Worker {
  private readonly python: string;
  private child: ChildProcess | undefined;
  private lines: AsyncIterator<string> | undefined;
  private errors = '';

  constructor(python: string) {
    this.python = python;
  }

  /** @throws Error where the job fails, kills the process or takes too long */
  async ask(job: Readonly<Record<string, string | number>>): Promise<z.infer<typeof answerSchema>> {
    const child = this.child ?? (await this.start());
    child.stdin!.write(`${JSON.stringify(job)}\n`);
    const timer = setTimeout(() => child.kill('SIGKILL'), 1000 * JOB_SECONDS);
    const answer = await this.answer().finally(() => clearTimeout(timer));
    if (answer === undefined) {
      this.child = undefined;
      throw new Error(
        child.killed ? `it took over ${JOB_SECONDS} s` : `Python ended: ${lastLine(this.errors)}`,
      );
    }
    const failed = errorSchema.safeParse(answer);
    if (failed.success) throw new Error(failed.data.error);
    return answerSchema.parse(answer);
  }

  stop(): void {
    this.child?.kill();
  }

  private async start(): Promise<ChildProcess> {
    const child = spawn(this.python, [SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child = child;
    this.errors = '';
    child.on('error', () => {});
    child.stdin.on('error', () => {});
    child.stderr.on('data', (text) => {
      this.errors = `${this.errors}${text}`.slice(-2000);
    });
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await this.answer();
    return child;
  }

  /** The next line of JSON, or undefined at the end. */
  private async answer(): Promise<unknown> {
    for (;;) {
      const { value, done } = await this.lines!.next();
      if (done) return undefined;
      if (value.startsWith('{')) return JSON.parse(value);
    }
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
