// One batch through everything that training does, without a run folder: does it fit, and does it run?

import type { Dataset } from '../../data/dataset.ts';
import type { Backend } from '../../engine/backend.ts';
import { dataSizes, runCost } from '../../experiment/cost.ts';
import { measureSpeed } from '../../experiment/measure.ts';
import type { TrainConfig } from '../../train/config.ts';
import type { StepEvent } from '../../train/events.ts';
import { formatBytes, formatDuration } from '../../util/format.ts';
import { configurationLines } from '../console/configuration.ts';
import { printJson } from '../console/print.ts';
import type { Terminal } from '../console/terminal.ts';

export interface DryRunOptions {
  readonly config: TrainConfig;
  readonly dataset: Dataset;
  readonly backend: Backend;
  readonly terminal: Terminal;
  readonly json: boolean;
}

/** @returns the exit code */
export async function dryRun(options: DryRunOptions): Promise<number> {
  const { config, dataset, backend, terminal, json } = options;
  let first: StepEvent | undefined;
  const { memoryBytes, multiplyAddsPerSecond } = await measureSpeed({
    ...{ config, dataset, backend, withinEpoch: true },
    onEvent(event) {
      if (event.kind === 'step') first ??= event;
      if (event.kind !== 'start') return;
      for (const line of configurationLines(event, dataset.title)) terminal.line(line);
    },
  });
  if (!first) throw new Error('the dry run did no step');
  const { count, loss, top1, batchTime: seconds } = first;
  terminal.line();
  terminal.line(
    `Dry run: one batch of ${count}, forward and backward, in ${seconds.toFixed(3)} s: loss ${loss.toFixed(4)}, ${formatBytes(memoryBytes)} on the device. Nothing was saved.`,
  );
  const { multiplyAdds } = runCost(config, dataSizes(dataset));
  const wholeSeconds = multiplyAdds / multiplyAddsPerSecond;
  terminal.line(`The whole run would take about ${formatDuration(wholeSeconds)} here.`);
  if (json) printJson({ config, loss, top1, seconds, wholeSeconds, memoryBytes });
  return 0;
}
