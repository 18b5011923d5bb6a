// `table6 doctor`: what this machine has and what table6 makes of it, for people and bug reports.
// SIMD width is measured by the engine, not read from the processor's name, and the engines prove by a
// training step that they compute what the float64 oracle does.

import { freemem, loadavg } from 'node:os';
import { cacheFolder, isCached } from '../../data/load.node.ts';
import { type SelfTestResult, selfTest } from '../../engine/self-test.ts';
import type { AdapterFacts } from '../../engine/webgpu/adapter.ts';
import { hostFacts } from '../../runs/environment.node.ts';
import { messageOf } from '../../util/errors.ts';
import { formatBytes } from '../../util/format.ts';
import { defineCommand } from '../command.ts';
import { printJson } from '../console/print.ts';
import { type GpuReport, inspectGpus } from '../session/adapters.ts';
import { backendOptions, openBackend } from '../session/backend.ts';
import { jsonOption, threadsOption } from '../session/common-options.ts';
import { progressTerminal } from '../session/output.ts';
import { number } from '../values.ts';

export const doctor = defineCommand({
  description:
    'Prints versions, the processor and the SIMD width that the CPU engine gets out of it, memory, data and GPUs, and tests the CPU engine and the GPU that --device webgpu takes: a training step of a tiny network beside the float64 oracle, of which it prints the largest relative deviation. The exit code is 1 where the CPU engine fails.',
  arguments: [],
  options: {
    seconds: number({
      help: 'How long the test of a GPU may take; a software adapter needs minutes',
      initial: 5,
      minimum: 0.1,
      maximum: 3600,
    }),
    threads: threadsOption,
    json: jsonOption,
  },
  examples: [
    { command: 'doctor', help: 'Processor, SIMD width in effect, Node, memory, data, GPUs' },
    { command: 'doctor --json', help: 'The same for a bug report or a script' },
  ],
  async run({ values }) {
    const { threads } = backendOptions({ threads: values.threads });
    const facts = {
      ...hostFacts(threads),
      freeMemoryBytes: freemem(),
      load: loadavg()[0] ?? 0,
      engine: await engineFacts(threads),
      cache: cacheFolder(),
      datasets: { cifar10: isCached('cifar10'), cifar100: isCached('cifar100') },
      imageFiles: await sharpVersion(),
      gpu: await inspectGpus(values),
    };
    if (values.json) printJson(facts);
    else print(facts);
    return facts.engine.ok ? 0 : 1;
  },
});

interface EngineFacts {
  /** It starts and computes correctly. */
  readonly ok: boolean;
  readonly description?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly selfTest?: SelfTestResult;
  /** Why it does not start. */
  readonly problem?: string;
}

async function engineFacts(threads: number): Promise<EngineFacts> {
  try {
    await using backend = await openBackend({ device: 'cpu', threads });
    const { description, facts } = backend;
    const result = await selfTest(backend);
    return { ok: result.ok, description, facts, selfTest: result };
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
  readonly gpu: GpuReport;
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
  row('CPU engine', engine.description ?? `fails: ${engine.problem}`);
  for (const [name, value] of Object.entries(engine.facts ?? {})) {
    row('', `${name}: ${String(value)}`);
  }
  if (engine.selfTest) row('', selfTestText(engine.selfTest));
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
  if (gpu.adapters.length === 0) row('GPU', `none: ${gpu.problem}`);
  gpu.adapters.forEach((adapter, index) => {
    for (const [line, text] of adapterLines(adapter).entries()) {
      row(line === 0 ? (gpu.adapters.length > 1 ? `GPU ${index + 1}` : 'GPU') : '', text);
    }
  });
  if (gpu.adapters.length > 0) {
    row('', `--device webgpu: ${gpu.device ?? 'cannot be opened'}`);
    row('', gpu.selfTest ? selfTestText(gpu.selfTest) : `not tested: ${gpu.problem}`);
  }
  row(
    'auto',
    gpu.auto === 'webgpu' ? '--device auto takes the GPU' : '--device auto takes the CPU',
  );
}

/** What the engine makes use of, and for what. */
const FEATURES: Readonly<Record<string, string>> = {
  'shader-f16': 'half precision',
  subgroups: 'sums over threads',
  'chromium-experimental-subgroup-matrix': 'tensor cores',
  'timestamp-query': 'measuring kernels',
};

function adapterLines(adapter: AdapterFacts): string[] {
  const { name, vendor, architecture, driver, isSoftware, features, limits } = adapter;
  const origin = [vendor, architecture].filter((part) => part !== '').join(', ');
  const listed = (isThere: boolean) =>
    Object.entries(FEATURES)
      .filter(([feature]) => features.includes(feature) === isThere)
      .map(([feature, use]) => `${feature} (${use})`)
      .join(', ') || 'none';
  const bytes = (limit: string) => formatBytes(limits[limit] ?? 0);
  return [
    `${name}${origin === '' ? '' : ` (${origin})`}${isSoftware ? ', a software adapter: computes on the CPU' : ''}`,
    `driver: ${driver || 'unknown'}`,
    `has: ${listed(true)}`,
    `has not: ${listed(false)}`,
    `limits: buffers of ${bytes('maxBufferSize')}, bindings of ${bytes('maxStorageBufferBindingSize')}, ${bytes('maxComputeWorkgroupStorageSize')} of workgroup memory, ${limits.maxComputeInvocationsPerWorkgroup} threads a workgroup`,
  ];
}

function selfTestText({ ok, deviation, where, bound, seconds }: SelfTestResult): string {
  const found = `largest relative deviation from the oracle ${deviation.toExponential(1)} (${where})`;
  return ok
    ? `self-test: ok, ${found}, ${seconds.toFixed(1)} s`
    : `self-test: WRONG, ${found}, where at most ${bound.toExponential(0)} is right`;
}
