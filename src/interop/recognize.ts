// Which network a set of tensors belongs to, from their names and shapes alone: published weights
// carry no description. With the reference implementation's names blocks are counted for the depth, projections
// tell shortcut B, the last layer's rows tell the classes; with others, order and shape tell
// (match-layers.ts). Shortcut A, the same with its zeros behind, and the plain network have the very same
// tensors; A is taken, as most published files are, unless somebody says otherwise.

import { type Network, parseArch, type ShortcutOption } from '../nn/network.ts';
import { checkWeights } from '../nn/parameters.ts';
import { messageOf, UserError } from '../util/errors.ts';
import { type Match, matchLayers, networkOf } from './match-layers.ts';
import { NoMatch } from './no-match.ts';

/** What a file's metadata may say beyond its tensors; values are unchecked text from the file. */
export interface RecognitionHint {
  /** `plain20` tells a plain network from a residual one; anything else adds nothing. */
  readonly arch?: string;
  /** `none` does the same; `A-end` says that shortcuts have their zeros behind. */
  readonly shortcut?: string;
}

const STAGES = [1, 2, 3] as const;

/** Tensors as far as recognition looks at them. */
type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/**
 * The network that the tensors are the complete weights of, whatever its layers are called.
 * @param tensors in the file's order, without counters of batches
 * @param what how errors call the file
 * @throws UserError saying what is missing, misshapen or of another family
 */
export function matchNetwork(tensors: Shapes, hint: RecognitionHint, what: string): Match {
  try {
    const network = recognizeNetwork(tensors, hint, what);
    return { network, names: new Map([...tensors.keys()].map((name) => [name, name])) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return matchOtherNames(tensors, hint, what, error);
  }
}

function matchOtherNames(
  tensors: Shapes,
  hint: RecognitionHint,
  what: string,
  reason: UserError,
): Match {
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  try {
    return matchLayers(shapes, shortcutOf(hint));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    // With the reference implementation's names, the reason that names them says more.
    const isKnown = ['layer1.0.conv1.weight', 'linear.bias'].every((name) => tensors.has(name));
    const isTorchvision = tensors.has('fc.weight') && tensors.has('layer4.0.conv1.weight');
    if (!(error instanceof NoMatch) || isKnown || isTorchvision) throw reason;
    throw new UserError(
      `${what} does not hold a CIFAR ResNet: ${error.message} (it begins with ${beginning(tensors)}).`,
    );
  }
}

/** What the shortcuts are where no tensor tells. */
function shortcutOf({ arch, shortcut }: RecognitionHint): Exclude<ShortcutOption, 'B'> {
  if (shortcut === 'none' || arch?.startsWith('plain') === true) return 'none';
  return shortcut === 'A-end' ? 'A-end' : 'A';
}

/**
 * The network that tensors with the reference implementation's names are the complete weights of.
 * @param what how errors call the file
 * @throws UserError saying what is missing, misshapen or of another family
 */
export function recognizeNetwork(
  tensors: Shapes,
  hint: RecognitionHint = {},
  what = 'The file',
): Network {
  const stem = tensors.get('conv1.weight');
  const linear = tensors.get('linear.weight');
  if (stem === undefined || linear === undefined || !tensors.has('layer1.0.conv1.weight')) {
    throw new UserError(`${what} does not hold a CIFAR ResNet: ${otherFamily(tensors)}.`);
  }
  const blocks = STAGES.map((stage) => countBlocks(tensors, stage, what));
  const perStage = blocks[0] as number;
  const odd = blocks.findIndex((count) => count !== perStage);
  if (odd >= 0) {
    throw new UserError(
      `${what} is incomplete or no network of Table 6: layer1 has ${perStage} blocks and layer${odd + 1} has ${blocks[odd]}, but all three stages have the same number.`,
    );
  }
  const hasProjection = [...tensors.keys()].some((name) => name.includes('.shortcut.'));
  const shortcut: ShortcutOption = hasProjection ? 'B' : shortcutOf(hint);
  let network: Network;
  try {
    network = networkOf(perStage, shortcut, linear.shape[0] ?? 0);
  } catch (error) {
    throw new UserError(`${what} holds no network this program has: ${messageOf(error)}`);
  }
  checkWeights(network, tensors, what);
  return network;
}

/** Blocks of a stage, which must be numbered from 0 without a gap. */
function countBlocks(tensors: Shapes, stage: number, what: string): number {
  const pattern = new RegExp(`^layer${stage}\\.(\\d{1,4})\\.`);
  const numbers = new Set<number>();
  for (const name of tensors.keys()) {
    const match = pattern.exec(name);
    if (match) numbers.add(Number(match[1]));
  }
  for (let block = 0; block < numbers.size; block++) {
    if (!numbers.has(block)) {
      throw new UserError(`${what} is incomplete: it has no block "layer${stage}.${block}".`);
    }
  }
  return numbers.size;
}

/** Why the tensors are not a CIFAR ResNet, in words that help. */
function otherFamily(tensors: Shapes): string {
  if (tensors.has('fc.weight') && tensors.has('layer4.0.conv1.weight')) {
    return "it is torchvision's ImageNet ResNet (four stages and a layer fc), which is another network";
  }
  const missing = ['conv1.weight', 'layer1.0.conv1.weight', 'linear.weight'].find(
    (name) => !tensors.has(name),
  );
  return `it has no tensor "${missing}" (it begins with ${beginning(tensors)})`;
}

function beginning(tensors: Shapes): string {
  const names = [...tensors.keys()].slice(0, 4).map((name) => name.slice(0, 60));
  return names.join(', ') || 'nothing';
}

/**
 * Checks that recognised weights are those of the network that was asked for.
 * @throws UserError saying what the file has and which name to ask for instead
 */
export function requireArch(network: Network, asked: string, what = 'The file'): void {
  const { family, depth } = parseArch(asked);
  if (`${family}${depth}` === network.arch) return;
  throw new UserError(
    `${what} holds the weights of ${network.arch}, not of ${asked}: ask for ${network.arch}, or give the weights of ${asked}.`,
  );
}
