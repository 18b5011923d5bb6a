// `table6 doctor`: what this machine has and what table6 makes of it, for people and bug reports.
// SIMD width is measured by the engine, not read from the processor's name.

import { freemem, loadavg } from 'node:os';
import { cacheFolder, isCached } from '../../data/load.node.ts';
import { hostFacts } from '../../runs/environment.node.ts';
import { messageOf } from '../../util/errors.ts';
import { defineCommand } from '../command.ts';
import { formatBytes } from '../console/format.ts';
import { findAdapters } from '../session/adapters.ts';
import { defaultThreads, openBackend } from '../session/backend.ts';
import { jsonOption, threadsOption } from '../session/common-options.ts';
import { printJson, progressTerminal } from '../session/output.ts';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'What this machine has and what table6 makes of it',
  arguments: [],
  options: { threads: threadsOption, json: jsonOption },
  examples: [
    { command: 'doctor', help: 'Processor, SIMD width in effect, Node, memory, data, GPUs' },
    { command: 'doctor --json', help: 'The same for a bug report or a script' },
  ],
  async run({ values }) {
    const threads = values.threads ?? defaultThreads();
    const facts = {
      ...hostFacts(threads),
      freeMemoryBytes: freemem(),
      load: loadavg()[0] ?? 0,
      engine: await engineFacts(threads),
      cache: cacheFolder(),
      datasets: { cifar10: isCached('cifar10'), cifar100: isCached('cifar100') },
      imageFiles: await sharpVersion(),
      gpu: await findAdapters(),
    };
    if (values.json) printJson(facts);
    else print(facts);
    return facts.engine.ok ? 0 : 1;
  },
});

type EngineFacts =
  | {
      readonly ok: true;
      readonly description: string;
      readonly facts: Readonly<Record<string, unknown>>;
    }
  | { readonly ok: false; readonly problem: string };

async function engineFacts(threads: number): Promise<EngineFacts> {
  try {
    const choice = { device: 'cpu', threads, convolution: 'auto', half: false } as const;
    const backend = await openBackend(choice);
    const { description, facts } = backend;
    await backend.dispose();
    return { ok: true, description, facts };
  } catch (error) {
    return { ok: false, problem: messageOf(error) };
  }
}

/** Image folders and `predict` need it; everything else does not. */
async function sharpVersion(): Promise<string | null> {
  try {
    const { default: sharp } = await import('sharp');
    return sharp.versions.sharp ?? 'unknown version';
  } catch {
    return null;
  }
}

interface Report {
  readonly [fact: string]: unknown;
  readonly freeMemoryBytes: number;
  readonly load: number;
  readonly engine: EngineFacts;
  readonly cache: string;
  readonly datasets: Readonly<Record<string, boolean>>;
  readonly imageFiles: string | null;
  readonly gpu: Awaited<ReturnType<typeof findAdapters>>;
}

function print(report: Report): void {
  const { engine, datasets, gpu } = report;
  const terminal = progressTerminal(false);
  const row = (name: string, text: string) => terminal.line(`${name.padEnd(13)}${text}`);
  const commit =
    report.commit === undefined ? '' : `, commit ${String(report.commit).slice(0, 12)}`;
  row('table6', `${report.table6}${commit}`);
  row('Node', `${report.node} (V8 ${report.v8})`);
  row('platform', String(report.platform));
  row('processor', `${report.cpu}, ${report.cores} cores, load ${report.load.toFixed(2)}`);
  row('memory', `${report.memoryGiB} GiB, ${formatBytes(report.freeMemoryBytes)} free`);
  if (engine.ok) {
    row('CPU engine', engine.description);
    for (const [name, value] of Object.entries(engine.facts)) row('', `${name}: ${String(value)}`);
  } else {
    row('CPU engine', `does not start: ${engine.problem}`);
  }
  const cached = Object.entries(datasets).map(
    ([name, is]) => `${name} ${is ? 'there' : 'not there'}`,
  );
  row('data cache', `${report.cache}: ${cached.join(', ')}`);
  row(
    'image files',
    report.imageFiles === null
      ? 'cannot be read: the optional package sharp is not installed (npm install sharp)'
      : `sharp ${report.imageFiles}`,
  );
  row('GPU', gpu.adapters.length > 0 ? gpu.adapters.join('; ') : `none: ${gpu.problem}`);
}
