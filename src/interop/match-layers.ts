// Which tensor is which layer of a CIFAR ResNet, from order and shape, whatever the names are. Shapes say
// the stage of every convolution; within a stage, layers follow one another as they are numbered, else as
// the file lists them. A block is what shares the beginning of its names: two convolutions, two
// batch norms, where the shape changes perhaps a projection, and nothing else. That is what tells the
// networks of Table 6 from others with tensors of the same shapes (a pre-activation network has a narrower
// batch norm in the blocks that change the shape).
//
// Every tensor must find its place. One that is left over belongs to another network.

import { createNetwork, type Network, type ShortcutOption } from '../nn/network.ts';
import { pairedByName } from './flat-names.ts';
import { type Module, readModules } from './modules.ts';
import { byNumber, commonTokens, startsWith, withoutKind } from './name-tokens.ts';
import { NoMatch } from './no-match.ts';

/** A network, and for each of its tensors the name that the file has for it. */
export interface Match {
  readonly network: Network;
  readonly names: ReadonlyMap<string, string>;
}

/** A convolution and the batch norm behind it. */
interface Pair {
  readonly conv: Module;
  readonly norm: Module;
}

interface Block {
  readonly first: Pair;
  readonly second: Pair;
  readonly projection?: Pair;
}

const WIDTHS = [16, 32, 64] as const;

/**
 * Matches tensors with a network.
 * @param shapes by name, in the file's order
 * @param shortcutWithoutProjection what the shortcuts are where the file has none of their weights
 * @throws NoMatch saying what such a network does not have, or what is missing
 */
export function matchLayers(
  shapes: ReadonlyMap<string, readonly number[]>,
  shortcutWithoutProjection: Exclude<ShortcutOption, 'B'> = 'A',
): Match {
  const modules = readModules(shapes);
  const stem = stemOf(modules.convs);
  const linear = linearOf(modules.linears);
  const rest = modules.convs.filter((conv) => conv !== stem);
  const stages = WIDTHS.map((width, stage) => mainConvs(rest, width, stage, modules.isOrdered));
  const perStage = stages[0]!.length / 2;
  const projections = [1, 2].map((stage) => projectionOf(rest, stage));
  const placed = new Set([...stages.flat(), ...projections]);
  const odd = rest.find((conv) => !placed.has(conv));
  if (odd) throw new NoMatch(`it has the convolution "${odd.path}" of ${shapeText(odd.shape)}`);
  const lengths = stages.map((convs) => convs.length);
  if (!Number.isInteger(perStage) || perStage < 1 || lengths.some((n) => n !== 2 * perStage)) {
    throw new NoMatch(
      `its stages of 16, 32 and 64 channels have ${lengths.join(', ')} convolutions of 3×3, not the same even number`,
    );
  }
  if (Number(projections[0] === undefined) !== Number(projections[1] === undefined)) {
    throw new NoMatch('only one of its two changes of shape has a projection');
  }
  const shortcut = projections[0] ? 'B' : shortcutWithoutProjection;
  const network = networkOf(perStage, shortcut, linear.shape[0] as number);
  const byName = pairedByName(modules);
  const pairOf = (conv: Module, norm: Module) => paired(conv, norm, modules.isOrdered);
  const free = new Set(modules.norms);
  const blocks = stages.flatMap((convs, stage) =>
    Array.from({ length: perStage }, (_, index): Block => {
      const [first, second] = [convs[2 * index]!, convs[2 * index + 1]!];
      const projection = index === 0 && stage > 0 ? projections[stage - 1] : undefined;
      if (!byName) return takeBlock([first, second], projection, free, modules.isOrdered);
      const pair = (conv: Module) => pairOf(conv, byName.get(conv) as Module);
      const main = { first: pair(first), second: pair(second) };
      return projection ? { ...main, projection: pair(projection) } : main;
    }),
  );
  const stemNorm = byName ? byName.get(stem) : onlyOne(free);
  const layers = { stem: pairOf(stem, stemNorm as Module), blocks, linear };
  return { network, names: namesOf(network, layers) };
}

/** The batch norm that no block has taken, which is that of the first convolution. */
function onlyOne(free: ReadonlySet<Module>): Module {
  const [norm, ...others] = free;
  if (norm === undefined) throw new NoMatch('it has no batch norm behind its first convolution');
  if (others[0]) throw new NoMatch(`it has the batch norm "${(others.at(-1) as Module).path}"`);
  return norm;
}

/** The network with so many blocks in each stage. */
export function networkOf(perStage: number, shortcut: ShortcutOption, classes: number): Network {
  const depth = 6 * perStage + 2;
  if (shortcut === 'none') return createNetwork(`plain${depth}`, { classes });
  return createNetwork(`resnet${depth}`, { shortcut, classes });
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

function stemOf(convs: readonly Module[]): Module {
  const stems = convs.filter(({ shape }) => shape[1] === 3);
  const [stem] = stems;
  if (stem === undefined) throw new NoMatch('no convolution takes an image of three channels');
  if (stems.length > 1) throw new NoMatch('it has more than one convolution of the image');
  if (shapeText(stem.shape) !== '[16, 3, 3, 3]') {
    throw new NoMatch(
      `its first convolution "${stem.path}" has shape ${shapeText(stem.shape)} instead of [16, 3, 3, 3]`,
    );
  }
  return stem;
}

function linearOf(linears: readonly Module[]): Module {
  const [linear, other] = linears;
  if (linear === undefined) throw new NoMatch('it has no linear layer');
  if (other) throw new NoMatch(`it has a second linear layer "${other.path}"`);
  if (linear.shape[1] !== 64) {
    throw new NoMatch(`its linear layer "${linear.path}" takes ${linear.shape[1]} values, not 64`);
  }
  return linear;
}

/** The 3×3 convolutions of a stage from the first to the last. */
function mainConvs(
  convs: readonly Module[],
  width: number,
  stage: number,
  isOrdered: boolean,
): Module[] {
  const of = (inputs: number) => shapeText([width, inputs, 3, 3]);
  const same = convs.filter(({ shape }) => shapeText(shape) === of(width));
  const sorted = inOrder(same, isOrdered);
  if (stage === 0) return sorted;
  const narrower = WIDTHS[stage - 1] as number;
  const [change, other] = convs.filter(({ shape }) => shapeText(shape) === of(narrower));
  if (change === undefined) throw new NoMatch(`it has no convolution of ${of(narrower)}`);
  if (other) throw new NoMatch(`it has a second convolution "${other.path}" of ${of(narrower)}`);
  const [next] = sorted;
  if (next && (byNumber(change.tokens, next.tokens) ?? -1) > 0) {
    throw new NoMatch(`"${change.path}", which changes the shape, is not the first of its stage`);
  }
  return [change, ...sorted];
}

/** As their numbers say, else as the file has them. */
function inOrder(convs: readonly Module[], isOrdered: boolean): Module[] {
  const sorted = convs.toSorted((a, b) => byNumber(a.tokens, b.tokens) ?? 0);
  const isNumbered = sorted.every(({ tokens }, i) => {
    const before = sorted[i - 1];
    return before === undefined || (byNumber(before.tokens, tokens) ?? 0) < 0;
  });
  if (isNumbered) return sorted;
  if (isOrdered) return [...convs];
  throw new NoMatch(
    'its tensors are sorted by name, and the names do not say the order of the layers',
  );
}

function projectionOf(convs: readonly Module[], stage: number): Module | undefined {
  const shape = shapeText([WIDTHS[stage] as number, WIDTHS[stage - 1] as number, 1, 1]);
  const found = convs.filter((conv) => shapeText(conv.shape) === shape);
  if (found.length > 1) throw new NoMatch(`it has a second projection "${found[1]!.path}"`);
  return found[0];
}

/** The batch norms of a block, which are taken out of those that are still free. */
function takeBlock(
  [first, second]: readonly [Module, Module],
  projection: Module | undefined,
  free: Set<Module>,
  isOrdered: boolean,
): Block {
  const width = first.shape[0] as number;
  const container = containerOf(first, second, free);
  const inside = [...free].filter(({ tokens }) => startsWith(tokens, container));
  for (const norm of inside) {
    if (norm.shape[0] !== width) {
      throw new NoMatch(
        `the batch norm "${norm.path}" has ${norm.shape[0]} channels beside convolutions of ${width}, as in a network that normalises before its convolutions`,
      );
    }
  }
  const isInside = projection !== undefined && startsWith(projection.tokens, container);
  const convs = isInside ? [first, second, projection] : [first, second];
  if (inside.length !== convs.length) {
    throw new NoMatch(
      `"${first.path}" and "${second.path}" are no block of two convolutions with a batch norm each`,
    );
  }
  const norms = assign(convs, inside, container.length);
  for (const norm of inside) free.delete(norm);
  const pairs = convs.map((conv, i) => paired(conv, norms[i]!, isOrdered));
  if (!projection) return { first: pairs[0]!, second: pairs[1]! };
  const last = isInside ? pairs[2]! : paired(projection, normBeside(projection, free), isOrdered);
  free.delete(last.norm);
  return { first: pairs[0]!, second: pairs[1]!, projection: last };
}

/** The longest beginning that the two convolutions share with at least two batch norms. */
function containerOf(first: Module, second: Module, free: ReadonlySet<Module>): readonly string[] {
  const [a, b] = [first.tokens, second.tokens];
  const norms = [...free].map(({ tokens }) => tokens);
  for (let length = commonTokens(a, b); length > 0; length--) {
    const container = a.slice(0, length);
    if (norms.filter((tokens) => startsWith(tokens, container)).length >= 2) return container;
  }
  throw new NoMatch('its layers are not grouped into blocks by their names');
}

/** The batch norm of a projection that lies outside its block's main path: the one with its name. */
function normBeside(projection: Module, free: ReadonlySet<Module>): Module {
  const width = projection.shape[0];
  const fitting = [...free].filter(({ shape }) => shape[0] === width);
  const shared = (module: Module) => commonTokens(module.tokens, projection.tokens);
  const [best] = fitting.toSorted((a, b) => shared(b) - shared(a));
  if (best === undefined) {
    throw new NoMatch(`there is no batch norm behind the projection "${projection.path}"`);
  }
  return best;
}

/** Batch norms for convolutions, in their order: those with the same names, else the next in the order. */
function assign(convs: readonly Module[], norms: readonly Module[], common: number): Module[] {
  const key = (module: Module) => withoutKind(module.tokens.slice(common));
  const convKeys = convs.map(key);
  const normKeys = norms.map(key);
  const sequence = [...convs, ...norms].toSorted(inSequence);
  const score = (c: number, n: number) => {
    const [conv, norm] = [convKeys[c]!, normKeys[n]!];
    const isSame = conv.length > 0 && conv.join('.') === norm.join('.');
    const follows = sequence.indexOf(norms[n]!) === sequence.indexOf(convs[c]!) + 1;
    return 100 * Number(isSame) + 10 * commonTokens(conv, norm) + Number(follows);
  };
  const ranked = permutations(norms.length)
    .map((order) => ({ order, score: order.reduce((sum, n, c) => sum + score(c, n), 0) }))
    .sort((a, b) => b.score - a.score);
  const [best, next] = ranked;
  if (best === undefined || (next && next.score === best.score)) {
    throw new NoMatch(`it cannot be told which batch norm follows "${convs[0]!.path}"`);
  }
  return best.order.map((n) => norms[n]!);
}

/** Numbered modules by number, others as the file has them. */
function inSequence(a: Module, b: Module): number {
  return byNumber(a.tokens, b.tokens) ?? a.place - b.place;
}

function permutations(count: number): number[][] {
  if (count === 0) return [[]];
  return permutations(count - 1).flatMap((shorter) =>
    Array.from({ length: count }, (_, at) => shorter.toSpliced(at, 0, count - 1)),
  );
}

function paired(conv: Module, norm: Module, isOrdered: boolean): Pair {
  if (norm.shape[0] !== conv.shape[0]) {
    throw new NoMatch(
      `the batch norm "${norm.path}" has ${norm.shape[0]} channels and the convolution "${conv.path}" ${conv.shape[0]}`,
    );
  }
  if (isOrdered && norm.place < conv.place) {
    throw new NoMatch(
      `the batch norm "${norm.path}" comes before its convolution, as in a pre-activation network`,
    );
  }
  return { conv, norm };
}

interface Layers {
  readonly stem: Pair;
  readonly blocks: readonly Block[];
  readonly linear: Module;
}

function namesOf(network: Network, { stem, blocks, linear }: Layers): Map<string, string> {
  const names = new Map<string, string>();
  const take = (name: string, module: Module) => {
    for (const [leaf, tensor] of module.leaves) names.set(`${name}.${leaf}`, tensor);
  };
  const takePair = (conv: string, norm: string, pair: Pair) => {
    take(conv, pair.conv);
    take(norm, pair.norm);
  };
  takePair(network.stem.conv.name, network.stem.norm.name, stem);
  network.blocks.forEach(({ first, second, shortcut }, index) => {
    const block = blocks[index] as Block;
    takePair(first.conv.name, first.norm.name, block.first);
    takePair(second.conv.name, second.norm.name, block.second);
    if (shortcut.kind === 'projection' && block.projection) {
      takePair(shortcut.projection.conv.name, shortcut.projection.norm.name, block.projection);
    }
  });
  take(network.classifier.name, linear);
  return names;
}
