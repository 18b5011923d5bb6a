// The resolved configuration as a person reads it, before the first step: every setting that decides
// the result, with what recipes and defaults made of it.

import type { TrainConfig, WarmupConfig } from '../../train/config.ts';
import type { StartEvent } from '../../train/events.ts';
import { optimizerName } from '../../train/optimizer.ts';
import { formatCount, formatLearningRate, formatPercent, plural } from '../../util/format.ts';

/**
 * @param dataTitle what the data set is called (`Dataset.title`)
 * @returns aligned lines, `network        resnet20 ...`
 */
export function configurationLines(start: StartEvent, dataTitle: string): string[] {
  const { config } = start;
  const rows: [string, string][] = [
    ['network', networkText(start)],
    ['data', dataText(start, dataTitle)],
    ['recipe', config.recipe],
    ['schedule', scheduleText(start)],
    ['optimizer', optimizerText(config)],
    ['images', imagesText(config)],
    ['device', start.backend],
    ['precision', config.half ? 'mixed: float16 and float32' : 'float32'],
    ['seed', String(config.seed)],
    ...beginningRows(config),
    ['saving', savingText(config)],
  ];
  if (config.limitBatches > 0) {
    rows.push(['limit', `${config.limitBatches} batches an epoch and an evaluation (a trial)`]);
  }
  if (start.resumed) {
    const complete = start.position.epoch >= start.epochs;
    rows.push([
      'resumed',
      complete ? 'at its end: the run is complete' : `at ${positionText(start.position)}`,
    ]);
  }
  return rows.map(([name, text]) => `${name.padEnd(12)}${text}`);
}

/** Of fine-tuning: what it begins with and what it leaves alone. */
function beginningRows({ initial, freeze }: TrainConfig): [string, string][] {
  const rows: [string, string][] = [];
  if (initial) {
    const layer = initial.layers === 'all' ? '' : ', with a new last layer';
    rows.push(['begins with', `the weights of ${initial.source}${layer}`]);
  }
  if (freeze !== 'none') rows.push(['frozen', freeze === 'conv1' ? 'conv1' : `conv1 to ${freeze}`]);
  return rows;
}

/** `epoch 3, batch 56` as people count, from 1. */
export function positionText({ epoch, batch }: { epoch: number; batch: number }): string {
  return `epoch ${epoch + 1}, batch ${batch + 1}`;
}

function networkText({ config, parameters }: StartEvent): string {
  const shortcut = config.shortcut === 'none' ? 'no shortcuts' : `shortcut ${config.shortcut}`;
  return `${config.arch}, ${shortcut}, ${config.classes} classes, ${formatCount(parameters)} parameters`;
}

function dataText(start: StartEvent, title: string): string {
  const { config, trainImages, validationImages, testImages } = start;
  const source = config.data === title ? title : `${title} (${config.data})`;
  const validation = validationImages > 0 ? `, ${formatCount(validationImages)} validation` : '';
  return `${source}: ${formatCount(trainImages)} training${validation}, ${formatCount(testImages)} test images`;
}

function scheduleText({ config, epochs, iterations }: StartEvent): string {
  const from = config.startEpoch > 0 ? ` from epoch ${config.startEpoch + 1}` : '';
  return `${plural(epochs, 'epoch')} (${plural(iterations, 'step')})${from}, ${rateText(config)}`;
}

function rateText({ schedule, learningRate }: TrainConfig): string {
  if (schedule.kind === 'one-cycle') {
    return `one-cycle: rate up to ${formatLearningRate(learningRate)} in the first ${formatPercent(schedule.rise, 0)} of the steps, then down to 0`;
  }
  if (schedule.kind === 'cosine') {
    return `rate down to 0 along half a cosine, ${warmupText(schedule.warmup)}`;
  }
  // Drops at or after the end change nothing.
  const reached = schedule.milestones.filter((milestone) => milestone < schedule.length);
  const unit = schedule.unit === 'epochs' ? 'epoch' : 'step';
  const places = [...new Set(reached)].map(formatCount).join(', ');
  const drops =
    reached.length === 0
      ? 'no drops'
      : `rate ×${schedule.gamma} after ${unit}${reached.length === 1 ? '' : 's'} ${places}`;
  return `${drops}, ${warmupText(schedule.warmup)}`;
}

function warmupText(warmup: WarmupConfig): string {
  switch (warmup.kind) {
    case 'none':
      return 'no warm-up';
    case 'epochs':
      return `warm-up ×${warmup.factor} for ${plural(warmup.epochs, 'epoch')}`;
    case 'until-error':
      return `warm-up ×${warmup.factor} until the training error is below ${formatPercent(warmup.trainError, 0)}`;
    case 'whole-run':
      return `rate ×${warmup.factor} for the whole run`;
    default:
      throw new Error(`unknown warm-up ${warmup satisfies never}`);
  }
}

function optimizerText(config: TrainConfig): string {
  const smoothing = config.labelSmoothing > 0 ? `, label smoothing ${config.labelSmoothing}` : '';
  const nesterov = config.nesterov ? ' (Nesterov)' : '';
  return `${optimizerName(config)}, learning rate ${formatLearningRate(config.learningRate)}, momentum ${config.momentum}${nesterov}, weight decay ${config.weightDecay}, batch size ${config.batchSize}${smoothing}`;
}

function imagesText(config: TrainConfig): string {
  const augmentation = config.augment
    ? `random crop after padding by ${config.cropPadding}, flip`
    : 'no augmentation';
  return `${augmentation}; normalisation ${config.normalization}`;
}

function savingText(config: TrainConfig): string {
  const periodic = config.saveEvery > 0 ? `, kept every ${plural(config.saveEvery, 'epoch')}` : '';
  const timer = config.checkpointSeconds > 0 ? ` and every ${config.checkpointSeconds} s` : '';
  return `last and best after each epoch${timer}${periodic}`;
}
