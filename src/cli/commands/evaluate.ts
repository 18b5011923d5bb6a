// `table6 evaluate`: the error of a run or a weights file, and where it comes from: per class, which
// is taken for which, and the worst mistakes to look at.

import { type Dataset, imageBytes, type Split } from '../../data/dataset.ts';
import { tile } from '../../data/facts.ts';
import { table6Row } from '../../experiment/table6.ts';
import { HALF_LINE, notebookEvaluation } from '../../runs/notebook-lines.ts';
import { type EvaluationReport, evaluateSplit } from '../../train/evaluate.ts';
import { createInference } from '../../train/executables.ts';
import { UserError } from '../../util/errors.ts';
import { formatCount, formatPercent, formatRate } from '../../util/format.ts';
import { defineCommand } from '../command.ts';
import { barLine, throttle } from '../console/bar.ts';
import { print, printBeside, printJson } from '../console/print.ts';
import type { Terminal } from '../console/terminal.ts';
import { backendOptions, openBackend } from '../session/backend.ts';
import {
  archCheckOption,
  batchSizeOption,
  checkpointOption,
  convOption,
  dataOption,
  deviceOption,
  halfOption,
  jsonOption,
  offlineOption,
  strictOption,
  tensorCoresOption,
  threadsOption,
  tuneOption,
} from '../session/common-options.ts';
import { openDataset } from '../session/dataset.ts';
import { checkClasses, type Model, openModel } from '../session/model.ts';
import { formatTable, progressTerminal, writePng } from '../session/output.ts';
import { amount, choice, flag, integer, text } from '../values.ts';

export const evaluate = defineCommand({
  name: 'evaluate',
  summary: 'Test error, per-class accuracy and worst mistakes of a run or a weights file',
  description:
    "Reads run folders, safetensors, and PyTorch files (.th, .pth, .pt; nothing in them is executed). The normalisation is the one saved with the weights; for weights of other programs it is ImageNet's, which the published CIFAR ResNets use. Errors in the JSON are fractions.",
  arguments: [
    { name: 'RUN|WEIGHTS', help: 'a run folder, .safetensors, .th or .pth', required: true },
  ],
  options: {
    data: { ...dataOption, shownDefault: "the run's, else cifar10" },
    split: choice(['test', 'train', 'validation'], { help: 'Which images', initial: 'test' }),
    checkpoint: checkpointOption,
    arch: archCheckOption,
    images: text({ help: 'Write the worst mistakes as a PNG sheet', placeholder: '<file.png>' }),
    worst: integer({
      help: 'How many of the worst mistakes',
      initial: 10,
      minimum: 0,
      maximum: 1000,
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
    device: deviceOption,
    threads: threadsOption,
    convolution: convOption,
    half: halfOption,
    tensorCores: tensorCoresOption,
    tune: tuneOption,
    strict: strictOption,
    offline: offlineOption,
    confusion: flag({ help: 'Print the confusion matrix also for more than 20 classes' }),
    log: choice(['plain', 'notebook'], {
      help: "What to print: all that is counted, or the notebook's exact lines (and ours on standard error)",
      initial: 'plain',
    }),
    json: jsonOption,
  },
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
      command: 'evaluate runs/mine --images worst.png',
      help: 'The ten worst mistakes as pictures',
    },
  ],
  async run({ values, positionals }) {
    const terminal = progressTerminal(values.json || values.log === 'notebook');
    const options = backendOptions(values);
    const { strict, offline, checkpoint, arch, batchSize } = values;
    const model = await openModel(positionals[0]!, { checkpoint, arch });
    const backend = await openBackend(options);
    try {
      const source = values.data ?? model.config?.data ?? 'cifar10';
      const validation = values.validation ?? (model.config?.validation || undefined);
      const seed = values.seed ?? model.config?.seed;
      const dataset = await openDataset(source, terminal, { validation, seed, strict, offline });
      const warning = checkClasses(model, dataset);
      if (warning !== undefined) printBeside(warning);
      const split = splitOf(dataset, values.split);
      const { network, weights, normalization } = model;
      const executable = await createInference(backend, network, weights, normalization, batchSize);
      const report = await evaluateSplit(executable, split, {
        limitBatches: values.limitBatches,
        worst: values.worst,
        onProgress: progress(terminal),
      });
      terminal.clear();
      await executable.dispose();
      if (values.images !== undefined) await writeMistakes(values.images, report, split);
      if (values.json) printJson(toJson(report, model, dataset, values.split));
      else if (values.log === 'notebook') {
        if (values.half) print(HALF_LINE);
        for (const line of notebookEvaluation(report)) print(line);
      } else {
        printReport(report, { model, dataset, split: values.split, terminal, values });
      }
      return 0;
    } finally {
      await backend.dispose();
    }
  },
});

function splitOf(dataset: Dataset, name: 'test' | 'train' | 'validation'): Split {
  const split = dataset[name];
  if (split) return split;
  throw new UserError(
    `${dataset.title} has no validation split: hold images out with --validation N, as in training.`,
    { exitCode: 2 },
  );
}

function progress(terminal: Terminal): (done: number, images: number) => void {
  const mayDraw = throttle(10);
  const start = performance.now();
  return (done, images) => {
    if (!mayDraw(done === images)) return;
    const rate = done / ((performance.now() - start) / 1000);
    const fields = [`${formatRate(rate)} images/s`];
    terminal.draw(barLine('evaluating', done / images, fields, terminal.width()));
  };
}

async function writeMistakes(path: string, report: EvaluationReport, split: Split): Promise<void> {
  if (report.worst.length === 0) return;
  const images = report.worst.map(({ index }) => imageBytes(split, index));
  await writePng(path, tile(images, Math.min(5, images.length), 4));
}

function toJson(report: EvaluationReport, model: Model, dataset: Dataset, split: string) {
  const { images, wrong, top1Error, top5Error, loss, perClass, confusion, worst, seconds } = report;
  return {
    images,
    wrong,
    top1_error: top1Error,
    top5_error: top5Error,
    loss,
    partial: report.partial,
    weights: model.title,
    arch: model.network.arch,
    shortcut: model.network.shortcut,
    data: dataset.source,
    data_title: dataset.title,
    is_original_cifar10: dataset.isOriginalCifar10,
    split,
    normalization: model.normalization.kind,
    classes: perClass.map(({ images: count, accuracy }, label) => ({
      name: dataset.classes[label],
      images: count,
      accuracy,
    })),
    confusion,
    worst: worst.map((mistake) => ({
      index: mistake.index,
      label: dataset.classes[mistake.label],
      predicted: dataset.classes[mistake.predicted],
      loss: mistake.loss,
      predicted_probability: mistake.predictedProbability,
      label_probability: mistake.labelProbability,
    })),
    seconds,
  };
}

interface Shown {
  readonly model: Model;
  readonly dataset: Dataset;
  readonly split: string;
  readonly terminal: Terminal;
  readonly values: { readonly images?: string; readonly confusion: boolean };
}

function printReport(report: EvaluationReport, shown: Shown): void {
  const { model, dataset, split, terminal, values } = shown;
  const { arch, shortcut } = model.network;
  terminal.line(`${model.title}: ${arch}${shortcut === 'B' ? ', shortcut B' : ''}`);
  terminal.line(`${dataset.title}, ${split} images, normalisation ${model.normalization.kind}`);
  terminal.line();
  const sample = report.partial ? ' (partial: a fixed sample over all classes)' : '';
  terminal.line(`images       ${formatCount(report.images)}${sample}`);
  terminal.line(
    `top-1 error  ${formatPercent(report.top1Error)} (${formatCount(report.wrong)} wrong)`,
  );
  terminal.line(`top-5 error  ${formatPercent(report.top5Error)}`);
  terminal.line(`loss         ${report.loss.toFixed(4)}`);
  const row = table6Row(arch);
  if (row && dataset.isOriginalCifar10 && split === 'test') {
    terminal.line(`paper        ${row.paperError.toFixed(2)} % top-1 error (Table 6)`);
  }
  terminal.line();
  terminal.line(
    formatTable(
      ['class', 'images', 'accuracy'],
      report.perClass.map(({ images, accuracy }, label) => [
        dataset.classes[label] ?? String(label),
        formatCount(images),
        accuracy === null ? 'none' : formatPercent(accuracy, 1),
      ]),
    ),
  );
  if (dataset.classes.length <= 20 || values.confusion) printConfusion(report, dataset, terminal);
  printWorst(report, shown);
}

function printConfusion(report: EvaluationReport, dataset: Dataset, terminal: Terminal): void {
  terminal.line();
  terminal.line('Confusion: rows are the true class, columns what was predicted');
  terminal.line(
    formatTable(
      ['', ...dataset.classes.map((name) => name.slice(0, 6))],
      report.confusion.map((row, label) => [
        dataset.classes[label] ?? String(label),
        ...row.map((count) => (count === 0 ? '.' : String(count))),
      ]),
    ),
  );
}

function printWorst(report: EvaluationReport, { dataset, terminal, values }: Shown): void {
  if (report.worst.length === 0) return;
  terminal.line();
  terminal.line('Worst mistakes');
  terminal.line(
    formatTable(
      ['image', 'is', 'taken for', 'with', 'true class has', 'loss'],
      report.worst.map((mistake) => [
        String(mistake.index),
        dataset.classes[mistake.label] ?? String(mistake.label),
        dataset.classes[mistake.predicted] ?? String(mistake.predicted),
        formatPercent(mistake.predictedProbability, 1),
        formatPercent(mistake.labelProbability, 1),
        mistake.loss.toFixed(2),
      ]),
      (column) => column === 0 || column >= 3,
    ),
  );
  if (values.images !== undefined) {
    terminal.line(`As pictures, in this order from the top left: ${values.images}`);
  }
}
