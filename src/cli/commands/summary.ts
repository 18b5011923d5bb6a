// `table6 summary`: the per-layer table of one network, or one line for each of Table 6's six; with
// --train, what a training step of it takes in memory on the CPU engine, and an evaluation beside it,
// planned and not run.

import { lowerInference } from '../../engine/lower-infer.ts';
import { lowerTrainingFor, type MemoryMode } from '../../engine/lower-train.ts';
import { type MemoryPlan, planOfMemory } from '../../engine/wasm/memory-plan.ts';
import { memoryPlanner } from '../../engine/wasm/plan-executable.ts';
import { createNetwork, type Network, TABLE6_DEPTHS } from '../../nn/network.ts';
import { formatSummary, formatSummaryList, summarizeNetwork } from '../../nn/summary.ts';
import type { TrainConfig } from '../../train/config.ts';
import { formatBytes } from '../../util/format.ts';
import { defineCommand } from '../command.ts';
import { print, printJson } from '../console/print.ts';
import { flagName, usageError } from '../options.ts';
import { defaultThreads } from '../session/backend.ts';
import {
  batchSizeOption,
  convOption,
  jsonOption,
  memoryOption,
  threadsOption,
} from '../session/common-options.ts';
import { formatTable } from '../session/output.ts';
import { choice, flag, integer } from '../values.ts';

export const summary = defineCommand({
  description:
    'Prints the table that torchsummary prints, with PyTorch names and multiply-adds. Sizes are mebibytes of float32 for one image. With --train, it adds what a training step of the CPU engine holds in memory: the plan that is carried out, not an estimate. An evaluation has a memory of its own, which training keeps from the first one on; the process itself comes on top.',
  arguments: [
    {
      name: 'ARCH',
      help: 'resnet20, resnet<6n+2>, plain20, ... (default resnet20)',
      required: false,
    },
  ],
  options: {
    all: flag({ help: 'The six networks of Table 6, one line each' }),
    shortcut: choice(['A', 'B'], {
      help: 'Shortcut where the shape changes: A pads with zeros, B projects',
      shownDefault: 'A',
    }),
    classes: integer({ help: 'Number of classes', initial: 10, minimum: 2, maximum: 65536 }),
    train: flag({ help: 'Add the memory of a training step' }),
    batchSize: { ...batchSizeOption, help: 'Images a step, with --train' },
    memory: memoryOption,
    convolution: convOption,
    threads: threadsOption,
    json: jsonOption,
  },
  examples: [
    { command: 'summary', help: 'ResNet-20, layer by layer' },
    { command: 'summary resnet56 --shortcut B', help: 'With projection shortcuts' },
    { command: 'summary --all', help: 'Parameters and depth of all six networks' },
    {
      command: 'summary resnet1202 --train --batch-size 128',
      help: 'Does it fit, and what takes the memory?',
    },
    { command: 'summary plain20 --json', help: 'For another program' },
  ],
  async run({ values, positionals, given }) {
    const { shortcut, classes } = values;
    const [arch] = positionals;
    if (values.all && arch !== undefined) {
      throw usageError('summary', `--all lists the six networks and takes no name ("${arch}")`);
    }
    const idle = STEP_OPTIONS.find((option) => given.has(option));
    if (!values.train && idle) {
      throw usageError('summary', `--${flagName(idle)} describes a training step: add --train`);
    }
    const archs = values.all
      ? TABLE6_DEPTHS.map((depth) => `resnet${depth}`)
      : [arch ?? 'resnet20'];
    const networks = archs.map((name) => createNetwork(name, { shortcut, classes }));
    const summaries = networks.map(summarizeNetwork);
    const steps = values.train
      ? await Promise.all(networks.map((network) => trainingStep(network, values)))
      : [];
    if (values.json) {
      const totals = summaries.map(({ rows: _rows, ...rest }, i) => ({ ...rest, step: steps[i] }));
      printJson(values.all ? totals : totals[0]);
      return 0;
    }
    print(values.all ? formatSummaryList(summaries) : formatSummary(summaries[0]!));
    if (values.train) print(`\n${values.all ? stepList(steps) : stepTable(steps[0]!)}`);
    return 0;
  },
});

const STEP_OPTIONS = ['batchSize', 'memory', 'convolution', 'threads'] as const;

interface StepChoice {
  readonly batchSize: number;
  readonly memory: MemoryMode;
  readonly convolution: TrainConfig['convolution'];
  readonly threads?: number | undefined;
}

/** A training step as it would run: its settings, all decided, and its bytes. */
interface TrainingStep extends MemoryPlan {
  readonly arch: string;
  readonly batchSize: number;
  readonly threads: number;
  readonly convolution: string;
  /** Bytes of an evaluation, which has a memory of its own. */
  readonly evaluation: number;
}

async function trainingStep(network: Network, choice: StepChoice): Promise<TrainingStep> {
  const { batchSize, memory, threads = defaultThreads() } = choice;
  const convolution = choice.convolution === 'auto' ? 'winograd4' : choice.convolution;
  const planner = memoryPlanner(convolution, threads);
  const program = await lowerTrainingFor(planner, network, { batchSize, memory });
  const plan = planOfMemory(program, convolution, threads);
  const evaluation = planOfMemory(lowerInference(network, { batchSize }), convolution, threads);
  return {
    arch: network.arch,
    batchSize,
    threads,
    convolution,
    ...plan,
    evaluation: evaluation.peak,
  };
}

function stepTable(step: TrainingStep): string {
  const { batchSize, threads, convolution, recomputes, weights, gradients } = step;
  const rows = [
    ['weights and running statistics', weights],
    ['gradients and momentum', gradients],
    ['images, labels, logits', step.batch],
    [`activations, ${recomputes ? 'block by block' : 'all kept'}`, step.activations],
    ['scratch', step.scratch],
    ['peak', step.peak],
    ['an evaluation, beside it', step.evaluation],
  ] as const;
  const title = `Memory of a training step: batch ${batchSize}, ${threads === 1 ? '1 thread' : `${threads} threads`}, ${convolution}`;
  const lines = rows.map(
    ([name, bytes]) => `  ${name.padEnd(34)}${formatBytes(bytes).padStart(10)}`,
  );
  return [title, ...lines].join('\n');
}

function stepList(steps: readonly TrainingStep[]): string {
  return formatTable(
    [
      ...['training step', 'weights', 'gradients', 'batch', 'activations', 'scratch', 'peak'],
      ...['evaluation', ''],
    ],
    steps.map((step) => [
      step.arch,
      ...[step.weights, step.gradients, step.batch, step.activations, step.scratch].map(
        formatBytes,
      ),
      ...[step.peak, step.evaluation].map(formatBytes),
      step.recomputes ? 'recomputes blocks' : 'keeps all',
    ]),
    (column) => column > 0 && column < 8,
  );
}
