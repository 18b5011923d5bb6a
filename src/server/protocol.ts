// What the page and the server of `table6 ui` say to each other: GET and HEAD only, addresses relative
// to the page. The page imports these types too, so the two cannot disagree.
//
//   api/runs                          RunList: every run folder below RUNS
//   api/runs/<id>/metrics?from=<p>    MetricsPart: whole lines of metrics.jsonl from a position on
//                 …[&to=<p>]          up to another position
//                 …[&epochs]          without the lines of single steps
//   api/runs/<id>/files/<name>        config.json, summary.json, environment.json, evaluation.json,
//                                     log.txt, checkpoints/<name>.safetensors
//   api/events[?epochs][&after=<id>]  server-sent events (StreamEvents); goes on after Last-Event-ID
//   api/data/<dataset>                CachedData: which files of cifar10 or cifar100 are in the cache
//   api/data/<dataset>/<file>         the bytes of one of them
//
// <id> is one path segment (encodeURIComponent). A refusal has a status of 400 and more and a body
// `{ "error": "one sentence" }`.

import type { CellState } from '../experiment/cells.ts';
import type { MetricsRecord } from '../runs/metrics.ts';
import type { RunSummary } from '../runs/summary.ts';
import type { TrainConfig } from '../train/config.ts';

/** Stands in the served page's head; a static site has none. */
export const SERVED_META = 'table6-served';

/**
 * A place in a metrics file behind a whole line: `<byte offset>-<checksum of what is before it>`, or
 * `0`. The checksum tells a file that a resumed run has cut and written anew from one that only grew.
 */
export type Position = string;

export interface ServedRun {
  /** Its folder below RUNS, with `/`. */
  readonly id: string;
  readonly state: CellState;
  /** Why it failed or is damaged, or who is training it. */
  readonly message?: string | undefined;
  /** Undefined where config.json is damaged. */
  readonly config?: TrainConfig | undefined;
  /** Undefined before the first epoch's end. */
  readonly summary?: RunSummary | undefined;
  /** Such as `best`, `epoch-010`, `last`. */
  readonly checkpoints: readonly string[];
  /** The end of its metrics at this moment. */
  readonly metrics: Position;
}

export interface RunList {
  /** RUNS, as it was typed. */
  readonly folder: string;
  readonly runs: readonly ServedRun[];
}

export interface MetricsPart {
  /** Where the records begin: what was asked for, or `0` where that is no longer in the file. */
  readonly from: Position;
  /** Where to go on. */
  readonly next: Position;
  /** Whether there was more than fits into one answer. */
  readonly more: boolean;
  readonly records: readonly MetricsRecord[];
}

/** Metrics that a run has gained. A reader whose position is not `from` has missed some: it asks. */
export interface MetricsEvent {
  readonly id: string;
  readonly from: Position;
  readonly next: Position;
  readonly records: readonly MetricsRecord[];
}

/** The events by name. Metrics that were there before the stream began are not sent: ask for them. */
export interface StreamEvents {
  /** Comes first. With `complete` the list begins anew; else what changed meanwhile follows. */
  hello: { readonly complete: boolean };
  /** A new run, or a changed one. */
  run: ServedRun;
  gone: { readonly id: string };
  metrics: MetricsEvent;
  /** All that was there is told; from here on it is news. */
  ready: Record<string, never>;
}

export interface CachedFile {
  readonly name: string;
  readonly bytes: number;
}

export interface CachedData {
  readonly dataset: string;
  /** Empty where it is not in the cache. Batches of one format, and archives. */
  readonly files: readonly CachedFile[];
}
