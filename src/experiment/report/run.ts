// One run as reports and pages show it, from what its folder (or whoever reads it live) says of it.
// Nothing is read here, so the page makes the same of a run that trains at this moment.

import type { RunEnvironment, RunSummary } from '../../runs/summary.ts';
import type { TrainConfig } from '../../train/config.ts';
import type { CellState } from '../cells.ts';
import type { Evaluation } from '../evaluation-file.ts';
import { percent } from './curves.ts';
import type { ReportRun, RunCurves } from './data.ts';

/** What is known of a run that has begun. */
export interface KnownRun {
  readonly folder: string;
  readonly state: CellState;
  readonly message?: string;
  readonly config: TrainConfig;
  /** Undefined before the first epoch's end. */
  readonly summary?: RunSummary;
  readonly environment?: RunEnvironment;
  readonly curves?: RunCurves;
  readonly evaluation?: Evaluation;
}

/** Errors in per cent; an error is final only when the run is. */
export function reportRun(known: KnownRun): ReportRun {
  const { folder, state, message, config, summary, environment, curves, evaluation } = known;
  const { arch, recipe, seed } = config;
  const result = summary?.result;
  const chosen = result?.bestOnValidation;
  const trainError = curves?.trainError.at(-1)?.[1];
  return {
    ...{ folder, arch, recipe, seed, state, message, config, curves },
    ...(config.name !== '' && { label: config.name }),
    ...(config.note !== '' && { note: config.note }),
    epochsDone: summary?.epochsDone ?? curves?.testError.length ?? 0,
    epochs: summary?.epochs ?? 0,
    ...(state === 'finished' && result?.final && { final: percent(result.final.error) }),
    ...(trainError !== undefined && { trainError }),
    ...(state === 'finished' &&
      evaluation?.mirrored && { mirrored: percent(evaluation.mirrored.top1_error) }),
    ...(result?.bestOnTest && {
      bestOnTest: { error: percent(result.bestOnTest.error), epoch: result.bestOnTest.epoch + 1 },
    }),
    ...(chosen?.error !== undefined && {
      bestOnValidation: {
        error: percent(chosen.error),
        validationError: percent(chosen.validationError),
        epoch: chosen.epoch + 1,
      },
    }),
    seconds: summary?.seconds,
    parameters: summary?.parameters,
    dataTitle: summary?.dataTitle,
    trainImages: summary?.trainImages,
    testImages: summary?.testImages,
    evaluatedImages: summary && evaluatedImages(summary.testImages, config),
    isOriginalCifar10: summary?.isOriginalCifar10,
    comparable: summary?.isOriginalCifar10 === true && config.limitBatches === 0,
    ...(environment && placesOf(environment)),
    weightsSha256: summary?.weightsSha256,
    evaluation,
  };
}

/** A trial of a few batches is tested on as few. */
function evaluatedImages(testImages: number, config: TrainConfig): number {
  const { limitBatches, batchSize } = config;
  return limitBatches === 0 ? testImages : Math.min(testImages, limitBatches * batchSize);
}

/** When and where a run was trained, and by which version; one after the other where that changed. */
function placesOf({
  sessions,
}: RunEnvironment): Pick<ReportRun, 'machine' | 'version' | 'started'> {
  return {
    machine: changes(
      sessions.map(({ backend, host }) =>
        [backend.description, host.cpu].filter(isSaid).join('; '),
      ),
    ),
    version: changes(
      sessions.map(({ host }) =>
        [host.table6, host.commit && `commit ${String(host.commit).slice(0, 7)}`]
          .filter(isSaid)
          .join(', '),
      ),
    ),
    started: sessions[0]?.started,
  };
}

function isSaid(part: unknown): boolean {
  return part !== undefined && part !== '';
}

function changes(values: readonly string[]): string | undefined {
  const changed = values.filter((value, index) => value !== '' && value !== values[index - 1]);
  return changed.length > 0 ? changed.join(', then ') : undefined;
}
