// How an evaluation is shown: as text for people, as one object for programs, as a table of several.

import type { Dataset } from '../../data/dataset.ts';
import { normalizationText } from '../../data/normalization.ts';
import { table6Row } from '../../experiment/table6.ts';
import type { EvaluationReport } from '../../train/evaluate.ts';
import { formatCount, formatPercent } from '../../util/format.ts';
import type { Evaluated } from '../session/evaluation.ts';
import { formatTable } from '../session/output.ts';
import { shortcutText } from './network.ts';
import type { Terminal } from './terminal.ts';

/** For programs; errors are fractions. */
export function evaluationJson({ report, model, dataset, split, notices }: Evaluated) {
  const { images, wrong, top1Error, top5Error, loss, perClass, confusion, worst, seconds } = report;
  const names = dataset[split]?.names;
  return {
    images,
    wrong,
    top1_error: top1Error,
    top5_error: top5Error,
    loss,
    ...(report.mirrored && {
      mirrored: {
        wrong: report.mirrored.wrong,
        top1_error: report.mirrored.top1Error,
        top5_error: report.mirrored.top5Error,
      },
    }),
    partial: report.partial,
    weights: model.title,
    arch: model.network.arch,
    shortcut: model.network.shortcut,
    data: dataset.source,
    data_title: dataset.title,
    is_original_cifar10: dataset.isOriginalCifar10,
    split,
    normalization: model.normalization.kind,
    normalization_assumed: !model.saysNormalization,
    notices,
    classes: perClass.map(({ images: count, accuracy }, label) => ({
      name: dataset.classes[label],
      images: count,
      accuracy,
    })),
    confusion,
    worst: worst.map((mistake) => ({
      index: mistake.index,
      ...(names && { file: names[mistake.index] }),
      label: dataset.classes[mistake.label],
      predicted: dataset.classes[mistake.predicted],
      loss: mistake.loss,
      predicted_probability: mistake.predictedProbability,
      label_probability: mistake.labelProbability,
    })),
    seconds,
  };
}

/** A line for each of several models. */
export function evaluationTable(evaluated: readonly Evaluated[]): string {
  const mirrored = evaluated.some(({ report }) => report.mirrored !== undefined);
  return formatTable(
    [
      ...['weights', 'network', 'data', 'images', 'wrong', 'top-1 error', 'loss'],
      ...(mirrored ? ['mirrored too'] : []),
    ],
    evaluated.map(({ report, model, dataset }) => [
      model.title,
      `${model.network.arch}${shortcutText(model.network)}`,
      dataset.title,
      `${formatCount(report.images)}${report.partial ? ' (partial)' : ''}`,
      formatCount(report.wrong),
      formatPercent(report.top1Error),
      report.loss.toFixed(4),
      ...(report.mirrored ? [formatPercent(report.mirrored.top1Error)] : []),
    ]),
    (column) => column >= 3,
  );
}

interface Shown {
  readonly terminal: Terminal;
  readonly values: { readonly images?: string; readonly confusion: boolean };
}

/** One evaluation, with where its mistakes are. */
export function printEvaluation(evaluated: Evaluated, shown: Shown): void {
  const { report, model, dataset, split } = evaluated;
  const { terminal, values } = shown;
  const { arch } = model.network;
  const assumed = model.saysNormalization ? '' : ', assumed';
  const normalization = `${normalizationText(model.normalization)}${assumed}`;
  terminal.line(`${model.title}: ${arch}${shortcutText(model.network)}`);
  terminal.line(`${dataset.title}, ${split} images`);
  terminal.line(`normalisation ${normalization}`);
  terminal.line();
  const sample = report.partial ? ' (partial: a fixed sample over all classes)' : '';
  terminal.line(`images       ${formatCount(report.images)}${sample}`);
  terminal.line(
    `top-1 error  ${formatPercent(report.top1Error)} (${formatCount(report.wrong)} wrong)`,
  );
  terminal.line(`top-5 error  ${formatPercent(report.top5Error)}`);
  terminal.line(`loss         ${report.loss.toFixed(4)}`);
  if (report.mirrored) {
    const { top1Error, wrong } = report.mirrored;
    terminal.line(
      `mirrored too ${formatPercent(top1Error)} top-1 error (${formatCount(wrong)} wrong), from the mean of the logits of each image and its mirror image`,
    );
  }
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
  printWorst(evaluated, shown);
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

function printWorst({ report, dataset, split }: Evaluated, { terminal, values }: Shown): void {
  const names = dataset[split]?.names;
  if (report.worst.length === 0) return;
  terminal.line();
  terminal.line('Worst mistakes');
  terminal.line(
    formatTable(
      ['image', 'is', 'taken for', 'with', 'true class has', 'loss'],
      report.worst.map((mistake) => [
        names?.[mistake.index] ?? String(mistake.index),
        dataset.classes[mistake.label] ?? String(mistake.label),
        dataset.classes[mistake.predicted] ?? String(mistake.predicted),
        formatPercent(mistake.predictedProbability, 1),
        formatPercent(mistake.labelProbability, 1),
        mistake.loss.toFixed(2),
      ]),
      (column) => (column === 0 && !names) || column >= 3,
    ),
  );
  if (values.images !== undefined) {
    terminal.line(`As pictures, in this order from the top left: ${values.images}`);
  }
}
