// Runs of a report, made by hand so that every number is known.

import { resolveConfig } from '../../../../src/experiment/recipes.ts';
import type { Report, ReportRow, ReportRun } from '../../../../src/experiment/report/data.ts';
import type { RecipeName } from '../../../../src/train/config.ts';

const CURVES = {
  trainError: [
    [391, 40],
    [782, 5],
  ],
  testError: [
    [391, 45],
    [782, 8],
  ],
  learningRate: [
    [1, 0.1],
    [782, 0.01],
  ],
  loss: [
    [1, 2.3],
    [782, 0.2],
  ],
} as const;

/** A finished run of 200 epochs on CIFAR-10 whose last test error is `final` percent. */
export function run(
  arch: string,
  seed: number,
  final: number,
  changes: Partial<ReportRun> = {},
): ReportRun {
  const recipe: RecipeName = changes.recipe ?? 'notebook';
  const overrides = { seed, epochs: changes.epochs };
  return {
    folder: `${arch}-${recipe}-seed${seed}`,
    arch,
    recipe,
    seed,
    state: 'finished',
    epochsDone: 200,
    epochs: 200,
    final,
    trainError: 0.5,
    bestOnTest: { error: final - 0.25, epoch: 160 },
    seconds: 3600,
    dataTitle: 'CIFAR-10',
    isOriginalCifar10: true,
    comparable: true,
    trainImages: 50_000,
    testImages: 10_000,
    config: resolveConfig({ arch, recipe, overrides }),
    curves: CURVES,
    ...changes,
  };
}

/** The report's row of this name. */
export function row(report: Report, name: string): ReportRow {
  const found = report.rows.find((each) => each.name === name);
  if (!found) throw new Error(`no row ${name} in ${report.rows.map((each) => each.name)}`);
  return found;
}
