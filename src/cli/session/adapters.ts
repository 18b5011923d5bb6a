// What a machine's GPUs are and whether one computes correctly, asked of a process of its own
// (adapters-child.ts), so that a driver's crash is a line of the report.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SelfTestResult } from '../../engine/self-test.ts';
import type { AdapterFacts } from '../../engine/webgpu/adapter.ts';

/** What the child tells, in this order as far as it comes. */
export type GpuMessage =
  | {
      readonly kind: 'adapters';
      readonly adapters: readonly AdapterFacts[];
      readonly auto: 'webgpu' | 'cpu';
    }
  | { readonly kind: 'opened'; readonly description: string; readonly isSoftware: boolean }
  | { readonly kind: 'tested'; readonly result: SelfTestResult }
  | { readonly kind: 'problem'; readonly problem: string };

export interface GpuReport {
  readonly adapters: readonly AdapterFacts[];
  /** What `--device auto` takes. */
  readonly auto: 'webgpu' | 'cpu';
  /** What `--device webgpu` takes, in words. */
  readonly device?: string;
  readonly selfTest?: SelfTestResult;
  /** Why there is no adapter, or no result of the self-test. */
  readonly problem?: string;
}

export interface InspectOptions {
  /** For the self-test, from the moment at which the device is open. */
  readonly seconds: number;
  /** Starts the process; for tests. */
  readonly start?: () => ChildProcess;
}

/** Finding adapters and opening one; a driver that takes longer hangs. */
const OPENING_SECONDS = 30;

/** Lists the GPUs and tests the one that `--device webgpu` takes; what goes wrong is in the report. */
export async function inspectGpus(options: InspectOptions): Promise<GpuReport> {
  const { seconds, start = startChild } = options;
  const child = start();
  let report: GpuReport = { adapters: [], auto: 'cpu' };
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<void>((resolve) => {
    const give = (problem: string) => {
      report = { ...report, problem };
      child.kill('SIGKILL');
      resolve();
    };
    const limit = (time: number, problem: string) => {
      clearTimeout(timer);
      timer = setTimeout(() => give(problem), 1000 * time);
    };
    limit(OPENING_SECONDS, `The driver did not answer within ${OPENING_SECONDS} s.`);
    child.on('message', (message: GpuMessage) => {
      report = add(report, message);
      if (message.kind === 'opened') limit(seconds, unfinished(seconds, message.isSoftware));
    });
    child.on('error', (error) => give(`The check of the GPUs did not start: ${error.message}`));
    child.on('close', (code, signal) => {
      const isDone = report.selfTest !== undefined || report.problem !== undefined;
      if (!isDone) give(`The driver crashed (${signal ?? `exit code ${code}`}).`);
      resolve();
    });
  });
  await end;
  clearTimeout(timer);
  return report;
}

function add(report: GpuReport, message: GpuMessage): GpuReport {
  switch (message.kind) {
    case 'adapters':
      return { ...report, adapters: message.adapters, auto: message.auto };
    case 'opened':
      return { ...report, device: message.description };
    case 'tested':
      return { ...report, selfTest: message.result };
    case 'problem':
      return { ...report, problem: message.problem };
    default:
      throw new Error(`unknown message ${message satisfies never}`);
  }
}

function unfinished(seconds: number, isSoftware: boolean): string {
  const why = isSoftware
    ? 'a software adapter takes a minute or more to compile the kernels'
    : 'the kernels are compiled at the first use';
  return `The self-test was not finished after ${seconds} s: ${why}; table6 doctor --seconds ${isSoftware ? 300 : 60} waits longer.`;
}

function startChild(): ChildProcess {
  // From source this file is .ts, from the built package .js; the child's entry is its neighbour.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const entry = fileURLToPath(new URL(`./adapters-child.${extension}`, import.meta.url));
  return fork(entry, [], {
    execArgv: [],
    // JSON would make null of a deviation that is no number.
    serialization: 'advanced',
    // What drivers and Dawn write belongs neither into the report nor beside its JSON.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}
