// Runs that train in the tab. Steps are driven from here; several runs take turns, step by step, on one
// backend, so they have the bits that each has alone. What is asked of them (pause, one step, a look at
// the weights) waits in a line and is done between two turns, when no run is in the middle of a step.
//
// A paused run stays in memory and is saved; a stopped one is only in its folder.

import type { Dataset } from '../../data/dataset.ts';
import type { Backend } from '../../engine/backend.ts';
import { DeviceError } from '../../engine/device-error.ts';
import type { Run } from '../../runs/run.ts';
import { runTraining, type TrainerView } from '../../runs/session.ts';
import type { Facts } from '../../runs/summary.ts';
import type { NanEvent, TrainEvent } from '../../train/events.ts';
import type { StopRequest } from '../../train/options.ts';
import { isFiniteState, type TrainingState } from '../../train/state.ts';
import { Outbox } from './outbox.ts';
import { TabError, toWorkerError } from './problems.ts';
import type { RunState, WorkerError, WorkerEvent } from './protocol.ts';

/** A run that is about to train: its folder is taken and open. */
export interface OpenedRun {
  readonly run: Run;
  readonly dataset: Dataset;
  readonly backend: Backend;
  /** Facts of the browser for environment.json. */
  readonly host: Facts;
  /** Gives up what was taken for it. */
  release(error: WorkerError | undefined): Promise<void>;
}

interface Session extends OpenedRun {
  readonly events: AsyncGenerator<TrainEvent>;
  readonly control: Required<StopRequest>;
  readonly view: () => TrainerView | undefined;
}

export class Training {
  private readonly emit: (event: WorkerEvent) => void;
  private readonly outbox: Outbox;
  private readonly sessions = new Map<string, Session>();
  private readonly jobs: (() => Promise<void>)[] = [];
  private isPaused = false;
  private wake = () => {};

  constructor(emit: (event: WorkerEvent) => void) {
    this.emit = emit;
    this.outbox = new Outbox(emit);
    void this.drive();
  }

  stateOf(run: string): RunState {
    if (!this.sessions.has(run)) return 'stopped';
    return this.isPaused ? 'paused' : 'training';
  }

  get runs(): readonly string[] {
    return [...this.sessions.keys()];
  }

  /**
   * Does something between two turns.
   * @returns what it returns; rejects as it does
   */
  between<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.jobs.push(() => work().then(resolve, reject));
      this.wake();
    });
  }

  /** Begins or goes on with runs; they have begun when this is done. Only between two turns. */
  async begin(opened: readonly OpenedRun[], paused: boolean): Promise<void> {
    this.isPaused = paused;
    for (const each of opened) {
      const session = createSession(each);
      this.sessions.set(each.run.dir, session);
      // Until `start`: compiled, and refused where the data or the device do not fit.
      const failed = await this.pull(session, ({ kind }) => kind === 'start');
      if (failed) throw failed;
      this.tell(each.run.dir, paused ? 'paused' : 'training');
    }
  }

  /** Lets all runs come to rest and saves them. */
  pause(): Promise<void> {
    return this.between(async () => {
      if (this.isPaused) return;
      for (const session of this.all) await this.rest(session);
      this.isPaused = true;
      for (const run of this.runs) this.tell(run, 'paused');
    });
  }

  /** One step of each run, which are paused afterwards. */
  step(): Promise<void> {
    return this.between(async () => {
      this.need();
      this.isPaused = true;
      for (const session of this.all) {
        session.control.single = true;
        await this.pull(session, ({ kind }) => kind === 'step' || kind === 'evaluation-progress');
        session.control.single = false;
      }
      this.outbox.flush();
      for (const run of this.runs) this.tell(run, 'paused');
    });
  }

  resume(): Promise<void> {
    return this.between(async () => {
      this.need();
      this.isPaused = false;
      for (const run of this.runs) this.tell(run, 'training');
    });
  }

  /** Saves all runs and lets go of them. */
  stop(): Promise<void> {
    return this.between(async () => {
      for (const session of this.all) {
        session.control.requested = true;
        await this.pull(session, () => false);
      }
    });
  }

  /** Saves what is in memory and not yet saved. */
  save(): Promise<void> {
    return this.between(async () => {
      for (const session of this.all) {
        if (this.isPaused) await saveAtRest(session);
        else await this.rest(session);
      }
    });
  }

  /** @throws TabError where the run is not in memory */
  setRateFactor(run: string, factor: number): Promise<void> {
    return this.between(async () => {
      const session = this.need(run);
      session.view()?.setRateFactor(factor);
      if (!this.isPaused) return;
      await saveAtRest(session);
      session.control.save = false;
    });
  }

  /** The state of this moment. @throws TabError where the run is not in memory */
  snapshot(run: string): Promise<TrainingState> {
    return this.between(() => (this.need(run).view() as TrainerView).snapshot());
  }

  private get all(): Session[] {
    return [...this.sessions.values()];
  }

  private need(run?: string): Session {
    const session = run === undefined ? this.all[0] : this.sessions.get(run);
    if (session) return session;
    throw new TabError(
      run === undefined
        ? 'Nothing is training: start a run, or go on with one.'
        : `The run "${run}" is not training: go on with it first.`,
      { code: 'not-training', facts: run === undefined ? {} : { run } },
    );
  }

  private async drive(): Promise<never> {
    for (;;) {
      const job = this.jobs.shift();
      if (job) await job();
      else if (this.isPaused || this.sessions.size === 0) {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      } else {
        for (const session of this.all) {
          await this.pull(session, ({ kind }) => kind === 'step' || kind === 'evaluation-progress');
        }
      }
    }
  }

  /** Until the running steps are done and saved, or an evaluation can be interrupted. */
  private async rest(session: Session): Promise<void> {
    session.control.save = true;
    await this.pull(session, ({ kind }) => kind === 'checkpoint' || kind === 'evaluation-progress');
    if (!this.sessions.has(session.run.dir)) return;
    // An evaluation is begun again when a run goes on; the weights that it is of are saved.
    if (session.control.save) await saveAtRest(session);
    session.control.save = false;
    this.outbox.flush();
  }

  /**
   * Lets a run go on until an event, or to its end.
   * @returns what ended it, where that was an error
   */
  private async pull(session: Session, isEnough: (event: TrainEvent) => boolean): Promise<unknown> {
    const { dir } = session.run;
    let diverged: NanEvent | undefined;
    try {
      for (;;) {
        const { done, value } = await session.events.next();
        if (done) break;
        if (value.kind === 'nan') diverged = value;
        this.outbox.add(dir, value, session.run.config.printFreq);
        if (isEnough(value)) return undefined;
      }
    } catch (error) {
      await this.end(session, toWorkerError(error), error instanceof DeviceError);
      return error;
    }
    await this.end(session, diverged && divergence(diverged));
    return undefined;
  }

  private async end(session: Session, error?: WorkerError, isDevice = false): Promise<void> {
    const { dir } = session.run;
    this.sessions.delete(dir);
    this.outbox.flush();
    await session.release(isDevice ? error : undefined);
    this.tell(dir, 'stopped', error);
  }

  private tell(run: string, state: RunState, error?: WorkerError): void {
    this.outbox.flush();
    this.emit({ kind: 'run', run, state, ...(error && { error }) });
  }
}

function createSession(opened: OpenedRun): Session {
  const { run, dataset, backend, host } = opened;
  const control = { requested: false, save: false, single: false };
  let view: TrainerView | undefined;
  const observe = async (_: TrainEvent, trainer: TrainerView) => {
    view = trainer;
  };
  const whole = { run, dataset, backend, host, stop: control, observe };
  return { ...opened, control, view: () => view, events: runTraining(whole) };
}

/** Saves a run of which no step is in flight. */
async function saveAtRest({ run, view }: Session): Promise<void> {
  const state = await view()?.snapshot();
  if (state && isFiniteState(state)) await run.save(state, ['asked']);
}

/** What a page says, and what it needs to offer a way on. */
function divergence({ message, epoch, batch, learningRate }: NanEvent): WorkerError {
  return { code: 'diverged', message, facts: { epoch, batch, learningRate } };
}
