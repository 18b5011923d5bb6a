// Runs inside the page: a client of the training worker, what it was told, and what tests need of it.

import type { StepEvent, TrainEvent } from '../../../src/train/events.ts';
import { TrainingClient } from '../../../src/web/worker/client.ts';
import type { WorkerError, WorkerEvent } from '../../../src/web/worker/protocol.ts';

export const events: WorkerEvent[] = [];
export const arrivals: number[] = [];
export const ended: WorkerError[] = [];
export const client = new TrainingClient({ onEnd: (error) => ended.push(error) });
client.listen((event) => {
  events.push(event);
  if (event.kind === 'training') arrivals.push(performance.now());
});

/** What a run's training said. */
export function said(run: string): TrainEvent[] {
  return events.flatMap((event) =>
    event.kind === 'training'
      ? event.runs.filter((news) => news.run === run).flatMap((news) => news.events)
      : [],
  );
}

export function steps(run: string): StepEvent[] {
  return said(run).filter((event) => event.kind === 'step');
}

/** Until something holds; looked at when an event arrives. */
export async function until(isTime: () => unknown, seconds = 120): Promise<void> {
  const begin = performance.now();
  while (!isTime()) {
    if (performance.now() - begin > 1000 * seconds)
      throw new Error(`waited ${seconds} s for ${isTime}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Until a run is no longer in memory. @returns why it ended, where that was an error */
export async function stopped(run: string): Promise<WorkerError | undefined> {
  const last = () =>
    events.findLast((event) => event.kind === 'run' && event.run === run) as
      | Extract<WorkerEvent, { kind: 'run' }>
      | undefined;
  await until(() => last()?.state === 'stopped', 300);
  return last()?.error;
}

export async function blobOf(address: string): Promise<Blob> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return await response.blob();
}

export async function base64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}

/** What refused a request, for tests to compare. */
export async function refusal(work: Promise<unknown>): Promise<WorkerError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    const { code, message, facts } = error as WorkerError;
    return { code, message, facts };
  }
}
