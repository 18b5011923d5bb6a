// `table6 train`: from what was typed to a configuration, a data set and a run folder; or back to a
// run that stopped. The session itself is session/training.ts.

import type { Dataset } from '../../data/dataset.ts';
import type { Backend } from '../../engine/backend.ts';
import { parseWarmup, resolveConfig } from '../../experiment/recipes.ts';
import { createNetwork, parseArch } from '../../nn/network.ts';
import type { Run } from '../../runs/run.ts';
import { createRun, openRun, resumeRun } from '../../runs/runs.node.ts';
import { RESUMABLE_SETTINGS, type TrainConfig } from '../../train/config.ts';
import { quoted } from '../advice.ts';
import { defineCommand } from '../command.ts';
import { commandName } from '../console/command-name.ts';
import type { Terminal } from '../console/terminal.ts';
import { flagName, parseCommandLine, usageError, type Values } from '../options.ts';
import {
  backendOptions,
  beginOpening,
  deviceBefore,
  multiplyAddBefore,
} from '../session/backend.ts';
import { openDataset } from '../session/dataset.ts';
import { dryRun } from '../session/dry-run.ts';
import {
  type Beginning,
  beginAgain,
  beginWith,
  openInitial,
  settingsOf,
} from '../session/initial.ts';
import { printJson, progressTerminal } from '../session/output.ts';
import { resultLines, trainOnConsole } from '../session/training.ts';
import { evaluate } from './evaluate.ts';
import { trainOptions } from './train-options.ts';

type TrainValues = Values<typeof trainOptions>;

export const train = defineCommand({
  name: 'train',
  summary: 'Train a network, or resume a run',
  description:
    'Options that are not given come from the recipe. Every run gets a folder of its own with its configuration, metrics and checkpoints. Ctrl-C finishes the step, saves and says how to go on; a second one quits at once.',
  arguments: [
    {
      name: 'ARCH',
      help: 'resnet20, resnet32, resnet44, resnet56, resnet110, resnet1202, any resnet<6n+2>, plain<6n+2>',
      required: false,
    },
  ],
  options: trainOptions,
  examples: [
    { command: 'train resnet20', help: "The notebook's recipe on CIFAR-10: 200 epochs" },
    {
      command: 'train resnet20 --recipe quick --epochs 10',
      help: 'A short run with the same shape',
    },
    { command: 'train resnet20 --recipe fast', help: 'Our own: as low an error as 20 epochs give' },
    {
      command: 'train resnet56 --recipe paper --validation 5000',
      help: "The paper's 45k/5k split",
    },
    {
      command: 'train resnet20 --data photos/ --validation 0.1',
      help: 'Your own folder of images',
    },
    {
      command: 'train --init resnet20.th --data photos/ --validation 0.2 --lr 0.01 --epochs 30',
      help: 'Fine-tune published weights on your own classes',
    },
    { command: 'train --resume runs/resnet20-seed1', help: 'Go on with a stopped run' },
    { command: 'train resnet110 --dry-run', help: 'Does it fit and run? One batch, nothing saved' },
    { command: 'train resnet20 --log notebook', help: "The notebook's lines on the console" },
  ],
  async run({ values, positionals, given }) {
    const terminal = progressTerminal(values.json);
    if (values.evaluate) return evaluateInstead(values, positionals[0]);
    if (values.resume !== undefined) {
      return resume(values.resume, values, positionals[0], given, terminal);
    }
    return begin(values, positionals[0], terminal);
  },
});

/** A new run. What can be refused without data is refused before they are loaded. */
async function begin(values: TrainValues, name: string | undefined, terminal: Terminal) {
  const { device, threads } = backendOptions(values);
  const asked = name ?? values.arch;
  const initial = await openInitial(values, asked);
  const arch = asked ?? initial?.model.network.arch;
  if (arch === undefined) {
    throw usageError('train', 'which network? For example: table6 train resnet20');
  }
  parseArch(arch);
  const overrides = {
    ...overridesOf(values),
    device,
    threads,
    ...(initial && settingsOf(initial, values)),
  };
  // `return await` below: what is returned must be done before this is disposed.
  await using opening = await beginOpening(
    resolveConfig({ arch, recipe: values.recipe, overrides }),
  );
  const { validation, strict, offline } = values;
  const source = values.data ?? 'cifar10';
  const seed = values.seed ?? DEFAULT_SEED;
  const dataset = await openDataset(source, terminal, { validation, seed, strict, offline });
  const config = resolveConfig({
    arch,
    recipe: values.recipe,
    overrides: {
      ...overrides,
      data: source,
      classes: dataset.classes.length,
      // A folder without test images gives its held-out ones as the test set.
      validation: validation === undefined ? 0 : (dataset.validation ?? dataset.test).count,
    },
  });
  const beginning = initial && beginWith(initial, config);
  const backend = await opening.backend;
  if (values.dryRun) return await dryRun({ config, dataset, backend, terminal, json: values.json });
  const run = await createRun({ config, dir: values.saveDir });
  return await session({ run, dataset, backend, terminal, values, beginning });
}

/** Must be the configuration's own, because the validation split is made before it. */
const DEFAULT_SEED = resolveConfig({ arch: 'resnet20' }).seed;

function overridesOf(values: TrainValues) {
  const { lr, warmUp, noAugment, half, conv, memory } = values;
  const { tune, tensorCores } = values;
  const { epochs, startEpoch, batchSize, milestones, gamma, momentum, weightDecay } = values;
  const { labelSmoothing, seed, shortcut, normalization, printFreq, limitBatches } = values;
  const { saveEvery, checkpointSeconds, checkpointSteps, freeze } = values;
  return {
    freeze,
    ...{ epochs, startEpoch, batchSize, milestones, gamma, momentum, weightDecay },
    ...{ labelSmoothing, seed, shortcut, normalization, printFreq, limitBatches },
    ...{ saveEvery, checkpointSeconds, checkpointSteps, memory, half, tune, tensorCores },
    learningRate: lr,
    convolution: conv,
    warmup: warmUp === undefined ? undefined : parseWarmup(warmUp),
    augment: noAugment ? false : undefined,
  };
}

/** Goes on with a run: its configuration is its own, apart from what does not change the weights. */
async function resume(
  dir: string,
  values: TrainValues,
  name: string | undefined,
  given: ReadonlySet<string>,
  terminal: Terminal,
) {
  const { config, environment } = await openRun(dir);
  refuseChanges(config, values, name, given);
  const { threads } = backendOptions({ threads: values.threads });
  const device = given.has('device')
    ? values.device
    : deviceBefore(config.device, environment.sessions.at(-1)?.backend.name);
  if (config.half && ['cpu', 'reference'].includes(device)) {
    throw usageError(
      'train',
      `the run to resume computes in half precision, which needs a GPU, not --device ${device}`,
    );
  }
  const multiplyAdd = multiplyAddBefore(environment.sessions);
  // What decided the CPU engine's bits says nothing to a GPU that a run moves to.
  const convolution = device.startsWith('webgpu') ? 'auto' : config.convolution;
  await using opening = await beginOpening({
    ...config,
    threads,
    device,
    convolution,
    multiplyAdd,
  });
  const source = values.data ?? config.data;
  const dataset = await openDataset(source, terminal, {
    validation: config.validation || undefined,
    seed: config.seed,
    strict: values.strict,
    offline: values.offline,
  });
  const { printFreq, saveEvery, checkpointSeconds, checkpointSteps } = values;
  const backend = await opening.backend;
  const run = await resumeRun(dir, {
    threads,
    memory: given.has('memory') ? values.memory : undefined,
    device: given.has('device') ? values.device : undefined,
    printFreq,
    saveEvery,
    checkpointSeconds,
    checkpointSteps,
  });
  const settings = { run, dataset, backend, terminal, values };
  if (run.state !== undefined) return await session(settings);
  const beginning = await beginAgain(config).catch(async (error: unknown) => {
    await run.close();
    throw error;
  });
  return await session({ ...settings, beginning });
}

const WITH_RESUME = new Set<string>([
  ...RESUMABLE_SETTINGS,
  ...['resume', 'data', 'log', 'json', 'strict', 'offline', 'tensorboard'],
]);

function refuseChanges(
  config: TrainConfig,
  values: TrainValues,
  name: string | undefined,
  given: ReadonlySet<string>,
): void {
  const asked = name ?? values.arch;
  if (asked !== undefined && createNetwork(asked).arch !== config.arch) {
    throw usageError('train', `the run to resume is a ${config.arch}, not a ${asked}`);
  }
  for (const option of given) {
    if (WITH_RESUME.has(option) || option === 'arch') continue;
    throw usageError(
      'train',
      `--${flagName(option)} cannot be given with --resume, because a run keeps its configuration; start a new run (with --weights to begin with this one's weights)`,
    );
  }
}

interface Session {
  readonly run: Run;
  readonly dataset: Dataset;
  readonly backend: Backend;
  readonly terminal: Terminal;
  readonly values: TrainValues;
  readonly beginning?: Beginning;
}

async function session({ run, dataset, backend, terminal, values, beginning }: Session) {
  const { log, tensorboard } = values;
  const options = { run, dataset, backend, terminal, log, tensorboard, beginning };
  const { end, exitCode } = await trainOnConsole(options);
  if (end.outcome === 'complete') {
    terminal.line();
    for (const line of resultLines(end, dataset.title)) terminal.line(line);
    terminal.line(`Run: ${run.dir}`);
    terminal.line(`Next: ${commandName()} evaluate ${quoted(run.dir)}`);
  }
  if (values.json) printJson({ run: run.dir, ...(await openRun(run.dir)).summary });
  return exitCode;
}

/** The notebook's `--evaluate`: what `table6 evaluate` does, for the run that was named. */
async function evaluateInstead(values: TrainValues, name: string | undefined): Promise<number> {
  const target = values.resume ?? values.weights ?? values.saveDir;
  if (target === undefined) {
    throw usageError(
      'train',
      '--evaluate needs what to evaluate: --resume <run> or --weights <file>',
    );
  }
  const { data, threads, batchSize, limitBatches, device, conv, seed, validation } = values;
  const { tune, tensorCores } = values;
  const arch = name ?? values.arch;
  const options = {
    data,
    threads,
    batchSize,
    limitBatches,
    device,
    conv,
    tune,
    tensorCores,
    seed,
    validation,
    arch,
  };
  const argv = Object.entries(options).flatMap(([key, value]) =>
    value === undefined ? [] : [`--${flagName(key)}=${value}`],
  );
  const switches = (['half', 'json', 'strict', 'offline'] as const).filter((key) => values[key]);
  return evaluate.run(
    parseCommandLine('evaluate', evaluate.options, evaluate.arguments, [
      ...argv,
      ...switches.map((key) => `--${key}`),
      '--',
      target,
    ]),
  );
}
