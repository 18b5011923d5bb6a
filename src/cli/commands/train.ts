// `table6 train`: from what was typed to a configuration, a data set and a run folder; or back to a
// run that stopped. The session itself is session/training.ts.

import type { Dataset } from '../../data/dataset.ts';
import { heldOutImages } from '../../data/validation.ts';
import type { Backend } from '../../engine/backend.ts';
import { type ConfigOverrides, changeConfig, resolveConfig } from '../../experiment/recipes.ts';
import { createNetwork, parseArch } from '../../nn/network.ts';
import { deviceBefore, multiplyAddBefore } from '../../runs/device-before.ts';
import { withEpochs } from '../../runs/extend.ts';
import { nodeFileSystem } from '../../runs/file-system.node.ts';
import { checkpointPath } from '../../runs/layout.ts';
import { type Run, trimSlash } from '../../runs/run.ts';
import { createRun, openRun, resumeRun } from '../../runs/runs.node.ts';
import { refuseOtherClasses } from '../../runs/same-data.ts';
import { LAST, readState } from '../../runs/states.ts';
import { DEFAULTS, RESUMABLE_SETTINGS, type TrainConfig } from '../../train/config.ts';
import { UserError } from '../../util/errors.ts';
import { pick } from '../../util/objects.ts';
import { quoted } from '../advice.ts';
import { defineCommand } from '../command.ts';
import { commandName } from '../console/command-name.ts';
import { printJson } from '../console/print.ts';
import type { Terminal } from '../console/terminal.ts';
import { flagName, parseCommandLine, usageError, type Values } from '../options.ts';
import { backendOptions, beginOpening } from '../session/backend.ts';
import { readConfigFile } from '../session/config-file.ts';
import { openDataset, withWholePath } from '../session/dataset.ts';
import { dryRun } from '../session/dry-run.ts';
import {
  type Beginning,
  beginAgain,
  beginWith,
  openInitial,
  settingsOf,
  tellInitial,
} from '../session/initial.ts';
import { progressTerminal } from '../session/output.ts';
import { resultLines, trainOnConsole } from '../session/training.ts';
import { typedSettings } from '../setting-options.ts';
import { evaluate } from './evaluate.ts';
import { trainOptions } from './train-options.ts';

type TrainValues = Values<typeof trainOptions>;

export const train = defineCommand({
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
    {
      command: 'train --config runs/resnet20-seed1/config.json --seed 2',
      help: 'The same run with another seed',
    },
    { command: 'train --resume runs/resnet20-seed1', help: 'Go on with a stopped run' },
    {
      command: 'train --resume runs/resnet20-seed1 --epochs 300',
      help: 'Extend a run whose rate drops at milestones, which stay where they are',
    },
    { command: 'train resnet110 --dry-run', help: 'Does it fit and run? One batch, nothing saved' },
    { command: 'train resnet20 --log notebook', help: "The notebook's lines on the console" },
  ],
  async run({ values, positionals, given }) {
    // The notebook's lines stand alone on standard output; ours go beside them.
    const terminal = progressTerminal(values.json || values.log === 'notebook');
    const arch = oneArch(values.arch, positionals[0]);
    if (values.evaluate) return evaluateInstead(values, arch, given);
    if (values.resume === undefined && values.from !== undefined) {
      throw usageError('train', '--from is a checkpoint of the run that --resume names: give both');
    }
    if (values.resume !== undefined) return resume(values.resume, values, arch, given, terminal);
    return begin(values, arch, terminal);
  },
});

/** The network that was named, by the argument or by --arch. */
function oneArch(option: string | undefined, argument: string | undefined): string | undefined {
  if (option === undefined || argument === undefined) return argument ?? option;
  if (createNetwork(argument).arch !== createNetwork(option).arch) {
    throw usageError('train', `which network? ARCH says ${argument}, and --arch ${option}`);
  }
  return argument;
}

/** A new run. What can be refused without data is refused before they are loaded. */
async function begin(values: TrainValues, name: string | undefined, terminal: Terminal) {
  const file = values.config === undefined ? undefined : await readConfigFile(values.config);
  if (file) refuseBesideFile(file, values, name);
  const typed = withWholePath(typedSettings(values));
  const asked = { ...DEFAULTS, ...file, ...typed } as TrainConfig;
  const { device, threads } = backendOptions({
    ...asked,
    threads: values.threads ?? file?.threads,
  });
  // The weights of a configuration's file are opened again, unless others are asked for.
  const isOther = values.weights !== undefined || values.init !== undefined;
  const again = isOther ? undefined : file?.initial;
  const initial = again ? undefined : await openInitial(values, name);
  const arch = file?.arch ?? name ?? initial?.model.network.arch;
  if (arch === undefined) {
    throw usageError('train', 'which network? For example: table6 train resnet20');
  }
  parseArch(arch);
  const { arch: _arch, recipe, validation: _validation, ...settings } = typed;
  const overrides: ConfigOverrides = {
    ...settings,
    device,
    threads,
    ...(initial && settingsOf(initial, values)),
    ...(again && values.normalization && { initial: { ...again, keepsNormalization: false } }),
  };
  const resolve = (more: ConfigOverrides = {}) =>
    file
      ? changeConfig(file, { ...overrides, ...more })
      : resolveConfig({ arch, recipe, overrides: { ...overrides, ...more } });
  const chosen = resolve();
  // `return await` below: what is returned must be done before this is disposed.
  await using opening = await beginOpening(chosen);
  const { strict, offline } = values;
  const validation = values.validation ?? (file?.validation || undefined);
  const { data, seed } = chosen;
  const dataset = await openDataset(data, terminal, { validation, seed, strict, offline });
  const classes = dataset.classes.length;
  if (file && values.data === undefined && file.classes !== classes) {
    throw new UserError(
      `"${values.config}" is for ${file.classes} classes, and ${dataset.title} has ${classes}: give the data that it was made for with --data.`,
    );
  }
  const config = resolve({ classes, validation: heldOutImages(dataset, validation) });
  const beginning = again
    ? await beginAgain(config, dataset)
    : initial && beginWith(initial, config, dataset);
  if (initial) tellInitial(initial, beginning?.notice);
  const backend = await opening.backend;
  if (values.dryRun) return await dryRun({ config, dataset, backend, terminal, json: values.json });
  const run = await createRun({ config, dir: values.saveDir });
  return await session({ run, dataset, backend, terminal, values, beginning });
}

/** A file is a whole configuration: what it was made from cannot be another one beside it. */
function refuseBesideFile(file: TrainConfig, values: TrainValues, name: string | undefined): void {
  if (values.recipe !== undefined && values.recipe !== file.recipe) {
    throw usageError(
      'train',
      `"${values.config}" has what the recipe ${file.recipe} came to, so --recipe ${values.recipe} would change nothing: give one of the two`,
    );
  }
  if (name !== undefined && createNetwork(name).arch !== file.arch) {
    throw usageError('train', `"${values.config}" is of ${file.arch}, not of ${name}: give one`);
  }
}

/** Goes on with a run: its configuration is its own, apart from what does not change the weights. */
async function resume(
  dir: string,
  values: TrainValues,
  name: string | undefined,
  given: ReadonlySet<string>,
  terminal: Terminal,
) {
  const { config, environment, summary } = await openRun(dir);
  refuseChanges(config, name, given);
  // Refused before data are loaded, and again by the checkpoint itself.
  if (values.epochs !== undefined) withEpochs(config, values.epochs, summary?.epochsDone ?? 0);
  const typed = pick(withWholePath(typedSettings(values)), RESUMABLE_SETTINGS);
  const { threads } = backendOptions({ threads: typed.threads });
  const device =
    typed.device ?? deviceBefore(config.device, environment.sessions.at(-1)?.backend.name);
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
  const found = await readState(nodeFileSystem, trimSlash(dir), LAST).catch(() => undefined);
  const { strict, offline } = values;
  const dataset = await openDataset(typed.data ?? config.data, terminal, {
    ...{ validation: config.validation || undefined, seed: config.seed, strict, offline },
    onClasses: (data) => refuseOtherClasses({ config, state: found?.state }, data),
  });
  const backend = await opening.backend;
  const onWait = (line: string) => terminal.line(line);
  const run = await resumeRun(
    dir,
    { ...typed, threads },
    {
      onWait,
      from: values.from,
      epochs: values.epochs,
    },
  );
  const settings = { run, dataset, backend, terminal, values };
  if (run.state !== undefined) return await session(settings);
  const beginning = await beginAgain(config, dataset).catch(async (error: unknown) => {
    await run.close();
    throw error;
  });
  return await session({ ...settings, beginning });
}

const WITH_RESUME = new Set<string>([
  ...RESUMABLE_SETTINGS,
  ...['arch', 'resume', 'log', 'json', 'strict', 'offline', 'tensorboard', 'from', 'epochs'],
]);

function refuseChanges(
  config: TrainConfig,
  name: string | undefined,
  given: ReadonlySet<string>,
): void {
  if (name !== undefined && createNetwork(name).arch !== config.arch) {
    throw usageError('train', `the run to resume is a ${config.arch}, not a ${name}`);
  }
  const refused = firstOther(given, WITH_RESUME);
  if (refused === undefined) return;
  throw usageError(
    'train',
    `${refused} cannot be given with --resume, because a run keeps its configuration; start a new run (with --weights to begin with this one's weights)`,
  );
}

/** The first option that was given and is not among those that have a use. */
function firstOther(given: ReadonlySet<string>, used: ReadonlySet<string>): string | undefined {
  const other = Object.entries(trainOptions).find(([key]) => given.has(key) && !used.has(key));
  return other && `--${flagName(...other)}`;
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
  const logTerminal = values.json ? terminal : progressTerminal(false);
  const options = { run, dataset, backend, terminal, logTerminal, log, tensorboard, beginning };
  const { end, exitCode } = await trainOnConsole(options);
  if (end.outcome === 'complete') {
    terminal.line();
    for (const line of resultLines(end, dataset.title)) terminal.line(line);
    terminal.line(`Run: ${run.dir}`);
    const best = end.result.bestOnTest || end.result.bestOnValidation ? 'best' : 'last';
    terminal.line(
      `Weights: ${checkpointPath(run.dir, best)}${best === 'best' ? `, and last beside it` : ''}`,
    );
    terminal.line(`Next: ${commandName()} evaluate ${quoted(run.dir)}`);
  }
  if (values.json) printJson({ run: run.dir, ...run.summary });
  return exitCode;
}

/** The notebook's `--evaluate`: what `table6 evaluate` does, for the run that was named. */
async function evaluateInstead(
  values: TrainValues,
  arch: string | undefined,
  given: ReadonlySet<string>,
): Promise<number> {
  if (values.config !== undefined) {
    throw usageError('train', '--evaluate trains nothing, so --config has no use beside it');
  }
  const target = values.resume ?? values.weights ?? values.saveDir;
  if (target === undefined) {
    throw usageError(
      'train',
      '--evaluate needs what to evaluate: --resume <run> or --weights <file>',
    );
  }
  const line = parseCommandLine('evaluate', evaluate.options, evaluate.arguments, ['--', target]);
  const shared = pick({ ...values, arch }, SHARED_WITH_EVALUATE);
  refuseBesideEvaluate(given);
  const log = values.log === 'notebook' ? 'notebook' : 'plain';
  return evaluate.run({ ...line, values: { ...line.values, ...shared, log }, given });
}

const SHARED_WITH_EVALUATE = [
  ...[
    'data',
    'threads',
    'batchSize',
    'limitBatches',
    'device',
    'convolution',
    'tune',
    'tensorCores',
  ],
  ...['seed', 'validation', 'arch', 'half', 'json', 'strict', 'offline'],
  ...['shortcut', 'normalization', 'key'],
] as const satisfies readonly string[];

/** Nothing is trained, so what is about training would be ignored. */
function refuseBesideEvaluate(given: ReadonlySet<string>): void {
  const used = new Set<string>([
    ...SHARED_WITH_EVALUATE,
    'evaluate',
    'resume',
    'weights',
    'saveDir',
    'log',
  ]);
  const refused = firstOther(given, used);
  if (refused === undefined) return;
  throw usageError(
    'train',
    `--evaluate trains nothing, so ${refused} has no use beside it: leave one of them away`,
  );
}
