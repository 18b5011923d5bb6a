// A trained network as people point at one: weights, the network that they are of, the normalisation
// and the class names that belong to them. It may come from a run, from one of our checkpoints or from
// another program; what a file does not say is filled in here and nowhere else.

import { CIFAR10_CLASSES } from '../data/cifar.ts';
import type { Split } from '../data/dataset.ts';
import {
  fixedNormalization,
  IMAGENET_NORMALIZATION,
  makeNormalization,
  type Normalization,
  type NormalizationKind,
  normalizationText,
  numbersText,
} from '../data/normalization.ts';
import { requireArch } from '../interop/recognize.ts';
import { looksLikeSafetensors } from '../interop/safetensors/safetensors.ts';
import { refuseDamaged } from '../interop/safetensors/seal.ts';
import type { WeightsNotice } from '../interop/stored.ts';
import { readWeights, type Weights, type WeightsFormat } from '../interop/weights.ts';
import { createNetwork, type Network, type ShortcutOption } from '../nn/network.ts';
import { checkWeights } from '../nn/parameters.ts';
import type { TrainConfig } from '../train/config.ts';
import { UserError } from '../util/errors.ts';
import type { NamedTensors } from '../util/tensor.ts';
import {
  type CheckpointFacts,
  decodeWeights,
  type LoadedWeights,
  readClasses,
  readNormalization,
} from './checkpoint.ts';
import { notNumbers } from './not-numbers.ts';

export interface Model {
  /** How people know it: `runs/resnet20-seed1 (best)` or a file's path. */
  readonly title: string;
  readonly format: WeightsFormat;
  readonly network: Network;
  /** Parameters and running statistics, by PyTorch name. */
  readonly weights: NamedTensors;
  /** The one that belongs to the weights; ImageNet's where nothing says it. */
  readonly normalization: Normalization;
  /** Whether the file or its user says its normalisation. */
  readonly saysNormalization: boolean;
  /** Names in the order of the logits, where the file has them. */
  readonly classes?: readonly string[];
  /** Of the run that trained it. */
  readonly config?: TrainConfig;
  /** What a checkpoint of ours says about itself. */
  readonly facts?: CheckpointFacts;
  /** Everything else that the file says, as text. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What the file left open and was assumed, and what was not used; see `modelNotices`. */
  readonly notices: readonly WeightsNotice[];
  /** The first value that is no number, for weights that nothing can be computed with. */
  readonly defect?: string;
}

/** What a user says of weights that do not say it themselves. */
export interface ModelOptions {
  /** The network: needed only to tell a plain one. */
  readonly arch?: string;
  /** Where the zeros of shortcuts are: `A`, or `A-end` for behind; B has tensors of its own. */
  readonly shortcut?: ShortcutOption;
  /** Which of the networks in the file. */
  readonly key?: string;
  readonly normalization?: Normalization;
  /** Take also weights that hold NaN or infinity, to look at them. */
  readonly allowDefects?: boolean;
}

/**
 * Reads a weights file of any format.
 * @param title how errors call it, usually its path
 * @throws UserError if it is no weights file, is damaged, is another network, or holds no numbers
 */
export function readModel(bytes: Uint8Array, title: string, options: ModelOptions = {}): Model {
  if (looksLikeSafetensors(bytes)) {
    const loaded = decodeWeights(bytes, title);
    if (loaded.facts) return checkpointModel(title, loaded, options);
  }
  const { arch, shortcut, key, normalization } = options;
  const read = readWeights(bytes, title, { arch, shortcut, key });
  const { format, network, tensors, metadata } = read;
  if (arch !== undefined) requireArch(network, arch, title);
  if (shortcut !== undefined) requireShortcut(network, shortcut, title);
  const stated = readNormalization(metadata) ?? statedBy(read);
  const classes = readClasses(metadata);
  const model: Model = {
    title,
    format,
    network,
    weights: tensors,
    normalization: stated ?? IMAGENET_NORMALIZATION,
    saysNormalization: stated !== undefined,
    ...(classes?.length === network.classes && { classes }),
    metadata,
    notices: [...read.notices, ...paddingNotice(read, options)],
  };
  return checked(
    normalization === undefined ? model : withNormalization(model, normalization),
    options,
  );
}

/**
 * The same for a file that somebody kept: its checksum is verified, where it has one.
 * @throws UserError also for a file that is not as it was written
 */
export async function readWholeModel(
  bytes: Uint8Array,
  title: string,
  options: ModelOptions = {},
): Promise<Model> {
  await refuseDamaged(bytes, title);
  return readModel(bytes, title, options);
}

/** As tensors beside the network. */
function statedBy({ normalization }: Weights): Normalization | undefined {
  return normalization && { kind: numbersText(normalization), ...normalization };
}

/** The reference implementation's names tell its padding; others leave it open. */
function paddingNotice(
  { network, renamed, metadata }: Weights,
  options: ModelOptions,
): WeightsNotice[] {
  const isSaid = options.shortcut !== undefined || metadata.shortcut !== undefined;
  if (network.shortcut !== 'A' || !renamed || isSaid) return [];
  const text =
    'The weights do not say where the zeros of their shortcuts are: on both sides (shortcut A) is assumed; many programs put all of them behind (A-end).';
  return [{ about: 'shortcut', text }];
}

function requireShortcut(network: Network, asked: ShortcutOption, title: string): void {
  if (network.shortcut === asked) return;
  throw new UserError(
    `${title} has ${network.shortcut === 'none' ? 'no shortcuts' : `shortcut ${network.shortcut}`}, not ${asked}.`,
    { code: 'shortcut-differs', facts: { title, has: network.shortcut, asked } },
  );
}

/** Whether two normalisations are the same numbers. */
function isSame(a: Normalization, b: Normalization): boolean {
  const text = ({ mean, deviation }: Normalization) => JSON.stringify([mean, deviation]);
  return text(a) === text(b);
}

/**
 * A model with the normalisation that its user says.
 * @throws UserError for weights of this program that have another one: theirs was trained with them
 */
export function withNormalization(model: Model, normalization: Normalization): Model {
  const { title, facts, notices } = model;
  if (model.saysNormalization && isSame(model.normalization, normalization)) return model;
  if (facts) {
    throw new UserError(
      `${title} was trained with the normalisation ${normalizationText(model.normalization)}, which is saved with it, and not ${normalizationText(normalization)}.`,
      { code: 'normalization-is-known', facts: { title } },
    );
  }
  const was = normalizationText(model.normalization);
  const more = model.saysNormalization
    ? [
        {
          text: `The weights say their normalisation, ${was}; ${normalizationText(normalization)} is taken as asked.`,
        },
      ]
    : [];
  return { ...model, normalization, saysNormalization: true, notices: [...notices, ...more] };
}

/**
 * A model with the normalisation that its user names.
 * @param training gives the training images that some are made from
 */
export async function normalizedModel(
  model: Model,
  kind: NormalizationKind | undefined,
  training: (kind: NormalizationKind) => Promise<Split> | Split,
): Promise<Model> {
  // Weights that say what they were trained with on their own images need no others.
  if (kind === undefined || (model.facts && model.normalization.kind === kind)) return model;
  const normalization = fixedNormalization(kind) ?? makeNormalization(kind, await training(kind));
  return withNormalization(model, normalization);
}

/** Everything that a user of the model should know of it: its notices, and the normalisation that was assumed. */
export function modelNotices(model: Model): readonly WeightsNotice[] {
  if (model.saysNormalization) return model.notices;
  const text = `The weights do not say their normalisation: ${normalizationText(model.normalization)} is assumed, which the published CIFAR ResNets use; weights that were trained with another one give wrong answers.`;
  return [...model.notices, { about: 'normalization', text }];
}

/** @throws UserError for weights that nothing can be computed with, unless they are allowed */
function checked(model: Model, { allowDefects = false }: ModelOptions): Model {
  const defect = notNumbers(model.weights);
  if (defect === undefined) return model;
  if (allowDefects) return { ...model, defect };
  throw new UserError(
    `${model.title} holds no usable weights: ${defect}. The training that made them diverged, or the file is damaged: take weights from before.`,
  );
}

/**
 * A checkpoint of this program, which says everything itself.
 * @throws UserError where it is not what is asked for, or holds no numbers
 */
export function checkpointModel(
  title: string,
  { facts, weights, metadata }: LoadedWeights,
  options: ModelOptions = {},
): Model {
  if (!facts) throw new UserError(`${title} does not say which network it is.`);
  const { arch, shortcut, key, normalization: asked } = options;
  const { config, classes, normalization } = facts;
  const network = createNetwork(config.arch, {
    shortcut: config.shortcut,
    classes: config.classes,
  });
  checkWeights(network, weights, title);
  if (arch !== undefined) requireArch(network, arch, title);
  if (shortcut !== undefined) requireShortcut(network, shortcut, title);
  if (key !== undefined) throw new UserError(`${title} holds one network: there is no "${key}".`);
  const model: Model = {
    title,
    format: 'safetensors',
    network,
    weights,
    normalization,
    saysNormalization: true,
    classes,
    config,
    facts,
    metadata,
    notices: [],
  };
  return checked(asked === undefined ? model : withNormalization(model, asked), options);
}

/**
 * The names of a model's classes, where they are known: published weights of ten classes carry none,
 * and theirs are CIFAR-10's.
 */
export function knownClasses({
  classes,
  network,
}: Pick<Model, 'classes' | 'network'>): readonly string[] | undefined {
  return classes ?? (network.classes === CIFAR10_CLASSES.length ? CIFAR10_CLASSES : undefined);
}

/** A name for each class; `class 7` where it has none. */
export function classNames(model: Pick<Model, 'classes' | 'network'>): readonly string[] {
  const unnamed = () =>
    Array.from({ length: model.network.classes }, (_, index) => `class ${index}`);
  return knownClasses(model) ?? unnamed();
}
