// Weights that a run begins with instead of random ones: all of them (`--weights`), or all but a new
// last layer (`--init`), for other classes. The run's configuration says where they came from and what
// they were, so that a run that was killed before its first checkpoint begins with the same again.

import type { Dataset } from '../../data/dataset.ts';
import type { Normalization } from '../../data/normalization.ts';
import { withNewClassifier } from '../../nn/initialize.ts';
import { createNetwork } from '../../nn/network.ts';
import { weightsSha256 } from '../../runs/checkpoint.ts';
import { alignClasses } from '../../runs/class-order.ts';
import type { TrainConfig } from '../../train/config.ts';
import { UserError } from '../../util/errors.ts';
import type { NamedTensors } from '../../util/tensor.ts';
import { printBeside } from '../console/print.ts';
import { usageError } from '../options.ts';
import { type Model, noticesOf, openModel } from './model.ts';

type InitialConfig = NonNullable<TrainConfig['initial']>;

/** Weights that were asked for. */
export interface Initial {
  readonly model: Model;
  readonly config: InitialConfig;
}

/** What a session needs of them. */
export interface Beginning {
  readonly initialWeights?: NamedTensors;
  readonly initialNormalization?: Normalization;
  /** What people should know of how the classes fit. */
  readonly notice?: string;
}

interface InitialOptions {
  readonly weights?: string;
  readonly init?: string;
  readonly freeze?: TrainConfig['freeze'];
  readonly normalization?: TrainConfig['normalization'];
  readonly key?: string;
  readonly shortcut?: TrainConfig['shortcut'];
}

/**
 * Opens what `--weights` or `--init` names.
 * @param arch the network that was asked for, where one was
 * @throws UserError for options that contradict each other, and what `openModel` throws
 */
export async function openInitial(
  { weights, init, freeze = 'none', normalization, key, shortcut }: InitialOptions,
  arch: string | undefined,
): Promise<Initial | undefined> {
  if (weights !== undefined && init !== undefined) {
    throw usageError(
      'train',
      '--weights keeps the last layer and --init makes a new one: give one',
    );
  }
  const source = weights ?? init;
  if (source === undefined) {
    if (key !== undefined) {
      throw usageError(
        'train',
        '--key says which network in a file of weights: give --weights or --init',
      );
    }
    if (freeze === 'none') return undefined;
    throw usageError(
      'train',
      '--freeze leaves layers as they are, which is of use with weights to begin with only: give --init or --weights',
    );
  }
  const hint = shortcut === 'none' ? undefined : shortcut;
  const model = await openModel(source, { arch, key, shortcut: hint });
  const config: InitialConfig = {
    source,
    sha256: await weightsSha256(model.weights),
    layers: init === undefined ? 'all' : 'all-but-last',
    keepsNormalization: normalization === undefined,
    ...(key !== undefined && { key }),
  };
  return { model, config };
}

/** The settings that the weights decide where nothing else was asked for. */
export function settingsOf({ model, config }: Initial, asked: InitialOptions) {
  const { shortcut } = model.network;
  return {
    initial: config,
    // A plain network's name says it.
    ...(shortcut !== 'none' && asked.shortcut === undefined && { shortcut }),
    ...(config.keepsNormalization && { normalization: model.normalization.kind }),
  };
}

/**
 * The weights to begin with, for the network of `config` and the classes of `data`.
 * @throws UserError where they are of another network or number of classes
 */
export function beginWith(
  { model: opened, config: initial }: Initial,
  config: TrainConfig,
  data: Pick<Dataset, 'classes' | 'title'>,
): Beginning {
  const { network, normalization, title } = opened;
  if (network.shortcut !== config.shortcut) {
    throw new UserError(
      `${title} has shortcut ${network.shortcut}, not ${config.shortcut}: leave --shortcut away.`,
    );
  }
  if (initial.layers === 'all' && network.classes !== config.classes) {
    throw new UserError(
      `${title} tells ${network.classes} classes apart, and the data have ${config.classes}: begin with --init instead of --weights, which makes a new last layer.`,
    );
  }
  const isWhole = initial.layers === 'all';
  const { model, notice } = isWhole ? alignClasses(opened, data) : { model: opened };
  return {
    ...(notice !== undefined && { notice }),
    initialWeights: isWhole
      ? model.weights
      : withNewClassifier(model.weights, createNetwork(config.arch, config), config.seed),
    ...(initial.keepsNormalization && { initialNormalization: normalization }),
  };
}

/**
 * The same weights again, for a run that has no checkpoint yet.
 * @throws UserError where they are no longer what they were
 */
export async function beginAgain(
  config: TrainConfig,
  data: Pick<Dataset, 'classes' | 'title'>,
): Promise<Beginning> {
  const { initial, arch, shortcut } = config;
  if (initial === null) return {};
  const model = await openModel(initial.source, {
    arch,
    key: initial.key,
    // What no tensor tells.
    ...(shortcut === 'A-end' && { shortcut }),
  });
  if ((await weightsSha256(model.weights)) !== initial.sha256) {
    throw new UserError(
      `${initial.source} is no longer what the run began with: restore it, or start a new run.`,
    );
  }
  return beginWith({ model, config: initial }, config, data);
}

/** Says what was assumed of the weights to begin with, as far as it is used. */
export function tellInitial({ model, config }: Initial, notice?: string): void {
  const lines = noticesOf(model, config.keepsNormalization ? [] : ['normalization']);
  for (const line of [...lines, ...(notice === undefined ? [] : [notice])]) {
    printBeside(line);
  }
}
