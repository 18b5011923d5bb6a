// Runs from three places in one form: the project's own committed results, the server's folder of runs,
// and this tab. The report's code then makes rows of them, as `table6 report` does.

import type { CellState } from '../../../experiment/cells.ts';
import { buildReport } from '../../../experiment/report/build.ts';
import type { ReportRow, ReportRun } from '../../../experiment/report/data.ts';
import { reportRun } from '../../../experiment/report/run.ts';
import type { RunEnvironment } from '../../../runs/summary.ts';
import type { ServedRun } from '../../../server/protocol.ts';
import type { Field } from '../../shared/address.ts';
import type { RunFacts } from '../../worker/protocol.ts';

export type Place = 'project' | 'server' | 'tab';

export interface Entry {
  /** Names it in the address, and chooses its colour. */
  readonly key: string;
  readonly place: Place;
  /** Where its place knows it. */
  readonly id: string;
  readonly run: ReportRun;
}

function entry(place: Place, id: string, run: ReportRun): Entry {
  return { key: keyOf(place, id), place, id, run };
}

/** Without commas: the address puts them between keys. */
export function keyOf(place: Place, id: string): string {
  return `${place}:${id.replaceAll(',', '%2C')}`;
}

export function projectEntry(run: ReportRun): Entry {
  return entry('project', run.folder, run);
}

/**
 * Undefined for a folder of which not even the configuration can be read.
 * @param environment where it was trained, once somebody has asked for that
 */
export function servedEntry(served: ServedRun, environment?: RunEnvironment): Entry | undefined {
  const { id, state, message, config, summary } = served;
  if (!config) return undefined;
  const folder = id.split('/').at(-1)!;
  return entry('server', id, reportRun({ folder, state, message, config, summary, environment }));
}

/**
 * @param epochsDone what this tab has seen, which its folder may not say yet
 * @param error why it ended
 */
export function tabEntry(
  facts: RunFacts,
  epochsDone: number,
  error?: string,
  environment?: RunEnvironment,
): Entry {
  const { run: id, config, summary, problem } = facts;
  const folder = id.split('/').at(-1)!;
  const message = error ?? problem ?? summary?.message;
  const run = reportRun({ folder, state: tabState(facts), message, config, summary, environment });
  return entry('tab', id, { ...run, epochsDone: Math.max(run.epochsDone, epochsDone) });
}

function tabState({ state, summary }: RunFacts): CellState {
  if (state !== 'stopped') return 'running';
  if (summary?.outcome === 'complete') return 'finished';
  return summary?.outcome === 'nan' ? 'failed' : 'interrupted';
}

/** A line of a table, with the runs that it is made of. */
export interface Line extends Omit<ReportRow, 'runs'> {
  readonly entries: readonly Entry[];
}

export interface Tables {
  /** The paper's six networks and the plain ones, with runs on all of the original CIFAR-10. */
  readonly paper: readonly Line[];
  /** Runs on other data, trials, and those of which it is not known yet. */
  readonly others: readonly Line[];
}

/** Runs that differ in nothing but their seed make a line; of two with one seed one counts. */
export function tablesOf(entries: readonly Entry[]): Tables {
  const [comparable, others] = [true, false].map((wanted) =>
    entries.filter(({ run }) => run.comparable === wanted),
  ) as [Entry[], Entry[]];
  return {
    paper: linesOf(comparable),
    others: linesOf(others).filter(({ planned }) => planned > 0),
  };
}

function linesOf(entries: readonly Entry[]): Line[] {
  const known = new Map(entries.map((each) => [each.run, each]));
  const { rows } = buildReport([...known.keys()], 'CIFAR-10', { others: 'always' });
  return rows.map(({ runs, ...row }) => ({
    ...row,
    entries: runs.map((run) => known.get(run)!),
  }));
}

/** The runs whose curves are drawn: those that a reader has chosen, or `auto`. */
export const shownField: Field<'auto' | readonly string[]> = {
  initial: 'auto',
  read: (text) =>
    text === 'auto' ? 'auto' : text === 'none' ? [] : text.split(',').filter((key) => key !== ''),
  write: (keys) => (keys === 'auto' ? 'auto' : keys.length === 0 ? 'none' : keys.join(',')),
};

/** More lines than this say nothing to anybody. */
const MOST = 12;

/** Where nobody has chosen: every run, or where these are many, one of each line. */
export function automatic({ paper, others }: Tables): string[] {
  const lines = [...paper, ...others].map(({ entries }) => entries.map(({ key }) => key));
  const all = lines.flat();
  return all.length <= MOST ? all : lines.flatMap(([first]) => first ?? []).slice(0, MOST);
}
