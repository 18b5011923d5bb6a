// One run of this tab as the page follows it, whatever chapter is open: what it is, how far it has come,
// its curves and its log. `tab.svelte.ts` makes these and feeds them with what the worker says.

import type { EvaluationProgressEvent, StartEvent, StepEvent } from '../../train/events.ts';
import type { RunContent, RunFacts, RunNews, RunState, WorkerError } from '../worker/protocol.ts';
import { LineLog } from './line-log.ts';
import { type EpochRow, type RateMark, RunCurves } from './run-curves.ts';

export class TabRun {
  /** Its folder, `runs/resnet20-seed1`. */
  readonly run: string;
  facts: RunFacts = $state.raw()!;
  /** Why it ended, where that was not the end (`code: 'diverged'` ...); gone when it goes on. */
  error: WorkerError | undefined = $state.raw();
  /** How the session began that this tab has seen. */
  start: StartEvent | undefined = $state.raw();
  /** The latest step, and how far an evaluation is. */
  step: StepEvent | undefined = $state.raw();
  evaluating: EvaluationProgressEvent | undefined = $state.raw();
  epochs: readonly EpochRow[] = $state.raw([]);
  rates: readonly RateMark[] = $state.raw([]);
  /** Whether the curves have what was measured before this tab saw it. */
  isRead = $state(false);
  /** For charts, which draw at their own pace. */
  readonly curves = new RunCurves();
  /** The notebook's lines, of the sessions that this tab has seen. */
  readonly log = new LineLog();

  constructor(facts: RunFacts) {
    this.run = facts.run;
    this.facts = facts;
  }

  /** `resnet20-seed1` */
  get name(): string {
    return this.run.split('/').at(-1)!;
  }

  get state(): RunState {
    return this.facts.state;
  }

  /** What the worker has read from its folder. */
  take({ metrics, environment: _, ...facts }: RunContent): void {
    this.facts = facts;
    for (const record of this.isRead ? [] : metrics) this.curves.record(record);
    this.isRead = true;
    this.publish();
  }

  /** What training has said. */
  hear({ events, log }: RunNews): void {
    for (const event of events) {
      this.curves.event(event);
      if (event.kind === 'start') this.start = event;
    }
    this.evaluating = undefined;
    const latest = events.at(-1);
    if (latest?.kind === 'evaluation-progress') this.evaluating = latest;
    this.step = events.findLast((event) => event.kind === 'step') ?? this.step;
    this.log.add(log);
    this.publish();
  }

  /** It has begun, paused, gone on or ended. */
  changed(state: RunState, error: WorkerError | undefined): void {
    this.facts = { ...this.facts, state, canGoOn: state === 'stopped' && this.facts.canGoOn };
    if (state !== 'stopped') this.error = undefined;
    if (error) this.error = error;
    this.evaluating = undefined;
  }

  private publish(): void {
    this.epochs = this.curves.epochs;
    this.rates = this.curves.rates;
  }
}
