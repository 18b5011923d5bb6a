// The configuration of a row: complete, that of its first run, so that it can be trained again with this
// or any other seed. Images at a path are called by their title, because a path of this machine helps
// nobody.

import type { ReportRow, ReportRun } from './data.ts';

/** Name of its file beside a Markdown report. */
export function configurationName({ name }: ReportRow): string {
  return `${configurationId(name)}.json`;
}

export function configurationId(name: string): string {
  return `configuration-${name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '')}`;
}

export function configurationOf({ config, runs, dataTitle }: ReportRow): object {
  const first = runs.find((run) => run.config && run.state === 'finished') ?? runs[0];
  const data = first && hasNamedData(first) ? namedData(first) : (dataTitle ?? 'unknown');
  return { ...(first?.config ?? config), data };
}

/** Whether a run's data set has a name that is the same on every machine, unlike a path. */
export function hasNamedData(run: ReportRun): boolean {
  return run.isOriginalCifar10 === true || NAMED_DATA.test(run.config?.data ?? '');
}

const NAMED_DATA = /^(cifar10|cifar100|synthetic)\b[^/\\]*$/;

function namedData({ isOriginalCifar10, config }: ReportRun): string | undefined {
  return isOriginalCifar10 ? 'cifar10' : config?.data;
}
