// `table6 evaluate`: the error of a run or a weights file, and where it comes from: per class, which
// is taken for which, and the worst mistakes to look at.

import type { Dataset } from '../../data/dataset.ts';
import type { Backend } from '../../engine/backend.ts';
import { HALF_LINE, notebookEvaluation } from '../../runs/notebook-lines.ts';
import { repairable, worded } from '../advice.ts';
import { defineCommand } from '../command.ts';
import { evaluationJson, evaluationTable, printEvaluation } from '../console/evaluation.ts';
import { print, printBeside, printJson } from '../console/print.ts';
import type { Terminal } from '../console/terminal.ts';
import { flagName, usageError, type Values } from '../options.ts';
import { backendOptions, openBackend } from '../session/backend.ts';
import {
  batchSizeOption,
  computeOptions,
  dataOption,
  jsonOption,
  normalizationOption,
  offlineOption,
  strictOption,
  weightsOptions,
} from '../session/common-options.ts';
import { openDataset } from '../session/dataset.ts';
import { type Evaluated, evaluateModel, writeMistakes } from '../session/evaluation.ts';
import { type Model, openModel } from '../session/model.ts';
import { progressTerminal } from '../session/output.ts';
import { amount, choice, flag, integer, text } from '../values.ts';

const options = {
  data: { ...dataOption, shownDefault: "the run's, else cifar10" },
  split: choice(['test', 'train', 'validation'], { help: 'Which images', initial: 'test' }),
  ...weightsOptions,
  normalization: normalizationOption,
  images: text({ help: 'Write the worst mistakes as a PNG sheet', placeholder: '<file.png>' }),
  worst: integer({
    help: 'How many of the worst mistakes',
    initial: 10,
    minimum: 0,
    maximum: 1000,
  }),
  mirrored: flag({
    help: 'Classify each image mirrored, too, and give the errors of the mean of both beside the plain ones',
  }),
  validation: amount({
    help: 'Hold out images as in training, for --split validation or a folder without test images',
    shownDefault: "the run's",
  }),
  seed: integer({ help: 'Of the validation split', minimum: 0, shownDefault: "the run's" }),
  batchSize: batchSizeOption,
  limitBatches: integer({
    help: 'Only so many batches of a fixed sample over all classes, for a trial',
    initial: 0,
    minimum: 0,
  }),
  ...computeOptions,
  strict: strictOption,
  offline: offlineOption,
  confusion: flag({ help: 'Print the confusion matrix also for more than 20 classes' }),
  log: choice(['plain', 'notebook'], {
    help: "What to print: all that is counted, or the notebook's exact lines (and ours on standard error)",
    initial: 'plain',
  }),
  json: jsonOption,
} as const;

export const evaluate = defineCommand({
  description:
    "Reads run folders, safetensors, and PyTorch files (.th, .pth, .pt; nothing in them is executed). Layers are recognised by order and shape, whatever they are called. The normalisation is the one saved with the weights, or the one that is given; where nothing says it, ImageNet's is assumed, which the published CIFAR ResNets use, and that is said. Classes are matched by name. Errors in the JSON are fractions.",
  arguments: [
    {
      name: 'RUN|WEIGHTS',
      help: 'run folders, .safetensors, .th or .pth; several give a table',
      required: true,
      repeated: true,
    },
  ],
  options,
  examples: [
    { command: 'evaluate runs/resnet20-seed1', help: 'The best checkpoint on the test images' },
    {
      command: 'evaluate runs/resnet20-seed1 --checkpoint last --split train',
      help: 'The last epoch on the training images, unaugmented',
    },
    {
      command: 'evaluate resnet20.th --data ./data --json',
      help: 'PyTorch weights, for a program',
    },
    {
      command: 'evaluate cifar_resnet20.pt --normalization cifar10',
      help: "Weights that were trained with another normalisation than ImageNet's",
    },
    { command: 'evaluate runs/*', help: 'A table of all runs' },
    {
      command: 'evaluate runs/mine --images worst.png',
      help: 'The ten worst mistakes as pictures',
    },
  ],
  async run({ values, positionals, given }) {
    const terminal = progressTerminal(values.json || values.log === 'notebook');
    const isOne = positionals.length === 1;
    if (!isOne) refuseBesideSeveral(given);
    const machine = backendOptions(values);
    // What can be refused without a device is refused before one is opened.
    const first = isOne ? await openModel(positionals[0]!, typedOf(values)) : undefined;
    await using backend = await openBackend(machine);
    const evaluateOne = evaluator(backend, values, terminal);
    if (!first) return await evaluateAll(positionals, evaluateOne, values, terminal);
    const evaluated = await evaluateOne(first);
    if (values.images !== undefined) await writeMistakes(values.images, evaluated);
    if (values.json) printJson(evaluationJson(evaluated));
    else if (values.log === 'notebook') {
      if (values.half) print(HALF_LINE);
      for (const line of notebookEvaluation(evaluated.report)) print(line);
    } else printEvaluation(evaluated, { terminal, values });
    return 0;
  },
});

type EvaluateValues = Values<typeof options>;

function typedOf({ checkpoint, arch, shortcut, key }: EvaluateValues) {
  return { checkpoint, arch, shortcut, key };
}

/** Evaluates models one after another, and reads their data once. */
function evaluator(backend: Backend, values: EvaluateValues, terminal: Terminal) {
  let last: { readonly key: string; readonly dataset: Dataset } | undefined;
  const datasetOf = async ({ config }: Model): Promise<Dataset> => {
    const source = values.data ?? config?.data ?? 'cifar10';
    const { strict, offline } = values;
    const validation = values.validation ?? (config?.validation || undefined);
    if (values.seed !== undefined && validation === undefined) {
      throw usageError(
        'evaluate',
        '--seed chooses the images that --validation holds out: give both, or leave it away',
      );
    }
    const seed = values.seed ?? config?.seed;
    const key = JSON.stringify([source, validation, seed]);
    if (last?.key !== key) {
      const options = { validation, seed, strict, offline, forTesting: true };
      last = { key, dataset: await openDataset(source, terminal, options) };
    }
    return last.dataset;
  };
  return async (model: Model): Promise<Evaluated> =>
    evaluateModel(model, await datasetOf(model), backend, values, terminal, printBeside);
}

/** What can be evaluated is; the rest is named, and makes the exit code 1. */
async function evaluateAll(
  paths: readonly string[],
  evaluateOne: (model: Model) => Promise<Evaluated>,
  values: EvaluateValues,
  terminal: Terminal,
): Promise<number> {
  const evaluated: Evaluated[] = [];
  const failed: { weights: string; problem: string }[] = [];
  for (const path of paths) {
    try {
      evaluated.push(await evaluateOne(await openModel(path, typedOf(values))));
    } catch (error) {
      terminal.clear();
      const known = repairable(error);
      if (known === undefined) throw error;
      const problem = worded(known, 'evaluate');
      failed.push({ weights: path, problem });
      printBeside(problem);
    }
  }
  if (values.json) printJson({ evaluations: evaluated.map(evaluationJson), failed });
  else if (evaluated.length > 0) terminal.line(evaluationTable(evaluated));
  return failed.length > 0 ? 1 : 0;
}

/** What is about one evaluation has no place in a table. */
function refuseBesideSeveral(given: ReadonlySet<string>): void {
  for (const key of ['images', 'worst', 'confusion', 'log'] as const) {
    if (!given.has(key)) continue;
    throw usageError(
      'evaluate',
      `--${flagName(key)} is about one evaluation: name one run or weights file`,
    );
  }
}
