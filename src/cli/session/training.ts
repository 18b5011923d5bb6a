// One training session on the console: signals, the readers of events, and what is said at the end.
// `train` and `quickstart` both come here with a run folder, a data set and a backend.

import type { Dataset } from '../../data/dataset.ts';
import type { Backend } from '../../engine/backend.ts';
import { hostFacts } from '../../runs/environment.node.ts';
import type { Run } from '../../runs/run.ts';
import { runTraining } from '../../runs/session.ts';
import type { EndEvent } from '../../train/events.ts';
import type { ErrorOfEpoch, RunResult } from '../../train/result.ts';
import { formatDuration, formatPercent } from '../../util/format.ts';
import { quoted } from '../advice.ts';
import { commandName } from '../console/command-name.ts';
import { configurationLines } from '../console/configuration.ts';
import { createTrainReader, type LogStyle } from '../console/reader.ts';
import type { Terminal } from '../console/terminal.ts';
import type { Beginning } from './initial.ts';
import { watchSignals } from './interrupt.ts';
import { openTensorBoard } from './tensorboard.ts';

export interface TrainingOptions {
  /** Closed when the session ends. */
  readonly run: Run;
  readonly dataset: Dataset;
  readonly backend: Backend;
  readonly terminal: Terminal;
  /** Where the lines of the log go, where that is elsewhere. */
  readonly logTerminal?: Terminal;
  readonly log: LogStyle;
  readonly beginning?: Beginning;
  /** Write event files for TensorBoard; a run that has some goes on with them in any case. */
  readonly tensorboard?: boolean;
}

export interface TrainingOutcome {
  readonly end: EndEvent;
  /** 0, 1 for a run that diverged, 128 + signal for one that was stopped. */
  readonly exitCode: number;
}

/** Trains until the run is complete, stopped or diverged, and prints everything on the way. */
export async function trainOnConsole(options: TrainingOptions): Promise<TrainingOutcome> {
  const { run, dataset, backend, terminal, log, beginning } = options;
  using interruption = watchSignals((signal) => {
    if (signal === 'EPIPE') return;
    const how = signal === 'SIGUSR2' ? '' : '; once more to quit at once';
    terminal.line(`${signal}: finishing the step and saving${how}.`);
  });
  const reader = createTrainReader(log, options.logTerminal ?? terminal, run.config.printFreq);
  await using tensorboard = await openTensorBoard(run, options.tensorboard ?? false, (line) =>
    terminal.line(line),
  );
  let end: EndEvent | undefined;
  for await (const event of runTraining({
    run,
    dataset,
    backend,
    host: hostFacts(run.config.threads),
    stop: interruption.stop,
    ...beginning,
    observe: tensorboard?.observe,
  })) {
    if (event.kind === 'start') {
      for (const line of configurationLines(event, dataset.title)) terminal.line(line);
      terminal.line(`${'run'.padEnd(12)}${run.dir}`);
      if (tensorboard) terminal.line(`tensorboard --logdir ${quoted(tensorboard.folder)}`);
      terminal.line();
    }
    reader.handle(event);
    if (event.kind === 'interrupted') {
      terminal.line(
        `Stopped and saved. To go on: ${commandName()} train --resume ${quoted(run.dir)}`,
      );
    }
    if (event.kind === 'end') end = event;
  }
  if (end?.notice !== undefined) {
    const resume = `${commandName()} train --resume ${quoted(run.dir)}`;
    terminal.line(`Warning: ${end.notice} To have that done: ${resume}`);
  }
  if (run.closingProblem !== undefined) {
    terminal.line(`Afterwards: ${run.closingProblem} What the run has written is whole.`);
  }
  if (!end) throw new Error('training ended without its last event');
  const exitCode = { complete: 0, nan: 1, interrupted: interruption.exitCode() ?? 1 }[end.outcome];
  return { end, exitCode };
}

/** What a complete run came to, as lines: the three numbers, never the flattering one alone. */
export function resultLines(end: EndEvent, title: string): string[] {
  const rows = resultRows(end.result);
  if (rows.length === 0)
    return [`Trained for ${formatDuration(end.seconds)}; nothing was evaluated.`];
  return [`Test error on ${title}, after ${formatDuration(end.seconds)} of training:`, ...rows];
}

function resultRows({ final, bestOnTest, bestOnValidation }: RunResult): string[] {
  const row = (name: string, { error, epoch }: ErrorOfEpoch, note: string) =>
    `  ${name.padEnd(22)}${formatPercent(error).padStart(8)}  epoch ${epoch + 1}${note}`;
  const rows: string[] = [];
  if (final) rows.push(row('final', final, ''));
  if (bestOnValidation?.error !== undefined) {
    const { error, epoch, validationError } = bestOnValidation;
    const note = `, validation error ${formatPercent(validationError)}`;
    rows.push(row('best on validation', { error, epoch }, note));
  }
  if (bestOnTest)
    rows.push(row('best on test', bestOnTest, ' (optimistic: the test set chose it)'));
  return rows;
}
