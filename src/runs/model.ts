// A trained network as people point at one: weights, the network that they are of, the normalisation
// and the class names that belong to them. It may come from a run, from one of our checkpoints or from
// another program; what a file does not say is filled in here and nowhere else.

import { CIFAR10_CLASSES } from '../data/cifar.ts';
import { IMAGENET_NORMALIZATION, type Normalization } from '../data/normalization.ts';
import { recognizeNetwork, requireArch } from '../interop/recognize.ts';
import { looksLikeSafetensors } from '../interop/safetensors/safetensors.ts';
import { refuseDamaged } from '../interop/safetensors/seal.ts';
import { readWeights, type WeightsFormat } from '../interop/weights.ts';
import { createNetwork, type Network } from '../nn/network.ts';
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

export interface Model {
  /** How people know it: `runs/resnet20-seed1 (best)` or a file's path. */
  readonly title: string;
  readonly format: WeightsFormat;
  readonly network: Network;
  /** Parameters and running statistics, by PyTorch name. */
  readonly weights: NamedTensors;
  /** The one that belongs to the weights; ImageNet's where the file does not say. */
  readonly normalization: Normalization;
  /** Whether the file says its normalisation. */
  readonly saysNormalization: boolean;
  /** Names in the order of the logits, where the file has them. */
  readonly classes?: readonly string[];
  /** Of the run that trained it. */
  readonly config?: TrainConfig;
  /** What a checkpoint of ours says about itself. */
  readonly facts?: CheckpointFacts;
  /** Everything else that the file says, as text. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a weights file of any format.
 * @param title how errors call it, usually its path
 * @param options.arch what the user says it is; needed only to tell a plain network
 * @throws UserError if it is no weights file, is damaged, or is another network
 */
export function readModel(
  bytes: Uint8Array,
  title: string,
  { arch }: { arch?: string } = {},
): Model {
  if (looksLikeSafetensors(bytes)) {
    const loaded = decodeWeights(bytes, title);
    if (loaded.facts) return checkpointModel(title, loaded, arch);
  }
  const { format, network, tensors, metadata } = readWeights(bytes, title);
  const known = arch === undefined ? network : recognizeNetwork(tensors, { arch }, title);
  if (arch !== undefined) requireArch(known, arch, title);
  const normalization = readNormalization(metadata);
  const classes = readClasses(metadata);
  return {
    title,
    format,
    network: known,
    weights: tensors,
    normalization: normalization ?? IMAGENET_NORMALIZATION,
    saysNormalization: normalization !== undefined,
    ...(classes?.length === known.classes && { classes }),
    metadata,
  };
}

/**
 * The same for a file that somebody kept: its checksum is verified, where it has one.
 * @throws UserError also for a file that is not as it was written
 */
export async function readWholeModel(
  bytes: Uint8Array,
  title: string,
  options: Parameters<typeof readModel>[2] = {},
): Promise<Model> {
  await refuseDamaged(bytes, title);
  return readModel(bytes, title, options);
}

/** A checkpoint of this program, which says everything itself. */
export function checkpointModel(
  title: string,
  { facts, weights, metadata }: LoadedWeights,
  arch?: string,
): Model {
  if (!facts) throw new UserError(`${title} does not say which network it is.`);
  const { config, classes, normalization } = facts;
  const network = createNetwork(config.arch, {
    shortcut: config.shortcut,
    classes: config.classes,
  });
  checkWeights(network, weights, title);
  if (arch !== undefined) requireArch(network, arch, title);
  return {
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
  };
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
