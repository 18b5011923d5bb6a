// One batch through everything that training does, without a run folder: does it fit, and does it run?

import type { Dataset } from '../../data/dataset.ts';
import { makeNormalization } from '../../data/normalization.ts';
import type { Backend } from '../../engine/backend.ts';
import { runCost, speedOf } from '../../experiment/cost.ts';
import { createNetwork } from '../../nn/network.ts';
import type { TrainConfig } from '../../train/config.ts';
import type { StepEvent } from '../../train/events.ts';
import { Trainer } from '../../train/loop.ts';
import { formatBytes, formatDuration } from '../../util/format.ts';
import { configurationLines } from '../console/configuration.ts';
import { printJson } from '../console/print.ts';
import type { Terminal } from '../console/terminal.ts';

/** How long to time steps for the estimate. */
const TIMED_SECONDS = 1.5;

export interface DryRunOptions {
  readonly config: TrainConfig;
  readonly dataset: Dataset;
  readonly backend: Backend;
  readonly terminal: Terminal;
  readonly json: boolean;
}

/** @returns the exit code */
export async function dryRun(options: DryRunOptions): Promise<number> {
  const { config, dataset, terminal } = options;
  const { backend, memoryBytes } = weighed(options.backend);
  const network = createNetwork(config.arch, config);
  const normalization = makeNormalization(config.normalization, dataset.train);
  const trainer = await Trainer.create({ config, dataset, normalization, network, backend });
  let step: StepEvent | undefined;
  let timed = 0;
  let images = 0;
  for await (const event of trainer.run()) {
    if (event.kind === 'start') {
      for (const line of configurationLines(event, dataset.title)) terminal.line(line);
    }
    if (event.kind !== 'step') continue;
    if (step === undefined) step = event;
    else {
      // The first step touches all memory for the first time; the next ones tell the speed.
      timed += event.batchTime;
      images += event.count;
    }
    if (event.iteration === event.batches || timed >= TIMED_SECONDS) break;
  }
  await trainer.dispose();
  if (!step) throw new Error('the dry run did no step');
  const seconds = step.batchTime;
  terminal.line();
  terminal.line(
    `Dry run: one batch of ${step.count}, forward and backward, in ${seconds.toFixed(3)} s: loss ${step.loss.toFixed(4)}, ${formatBytes(memoryBytes())} on the device. Nothing was saved.`,
  );
  const wholeSeconds = secondsOfRun(
    config,
    dataset,
    timed > 0 ? images / timed : step.count / seconds,
  );
  terminal.line(`The whole run would take about ${formatDuration(wholeSeconds)} here.`);
  if (options.json) {
    const { loss, top1 } = step;
    printJson({ config, loss, top1, seconds, wholeSeconds, memoryBytes: memoryBytes() });
  }
  return 0;
}

/** Of training, and evaluations between. */
function secondsOfRun(config: TrainConfig, dataset: Dataset, imagesPerSecond: number): number {
  const { train, validation, test } = dataset;
  const evaluatedImages = test.count + (validation?.count ?? 0);
  const { multiplyAdds } = runCost(config, { trainImages: train.count, evaluatedImages });
  return multiplyAdds / speedOf(config.arch, imagesPerSecond).multiplyAddsPerSecond;
}

/** A backend that adds up what its executables hold. */
function weighed(opened: Backend): { backend: Backend; memoryBytes: () => number } {
  let bytes = 0;
  const backend: Backend = {
    name: opened.name,
    description: opened.description,
    facts: opened.facts,
    plan: (program) => opened.plan(program),
    async compile(program, from) {
      const executable = await opened.compile(program, from);
      bytes += executable.memoryBytes;
      return executable;
    },
    dispose: () => opened.dispose(),
  };
  return { backend, memoryBytes: () => bytes };
}
