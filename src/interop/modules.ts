// The tensors of a file as layers: a convolution has a weight, a batch norm a weight, a bias and two
// running statistics, a linear layer a weight and a bias. What is none of them is refused by name.

import { shortened } from '../util/foreign-text.ts';
import { tokensOf } from './name-tokens.ts';
import { NoMatch } from './no-match.ts';

export interface Module {
  /** Its name in the file, without that of the tensor. */
  readonly path: string;
  /** Of its weight. */
  readonly shape: readonly number[];
  /** The words and numbers of its name. */
  readonly tokens: readonly string[];
  /** Its place among the modules of the file. */
  readonly place: number;
  /** PyTorch's names of its tensors, and the file's. */
  readonly leaves: ReadonlyMap<string, string>;
}

export interface Modules {
  readonly convs: readonly Module[];
  readonly norms: readonly Module[];
  readonly linears: readonly Module[];
  /** Whether the file has its tensors in the order of the layers rather than sorted by name. */
  readonly isOrdered: boolean;
}

/** PyTorch's names of tensors, and those of other programs. */
const LEAVES: Readonly<Record<string, string>> = {
  weight: 'weight',
  bias: 'bias',
  running_mean: 'running_mean',
  running_var: 'running_var',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_var: 'running_var',
  moving_variance: 'running_var',
};
const NAME = new RegExp(`^(?:(.*?)[./_])?(${Object.keys(LEAVES).join('|')})$`);

/**
 * Groups tensors into layers.
 * @param shapes by name, in the file's order; counters of batches left out
 * @throws NoMatch naming a tensor that belongs to no such layer, or a layer that lacks one
 */
export function readModules(shapes: ReadonlyMap<string, readonly number[]>): Modules {
  const byPath = new Map<string, Map<string, string>>();
  for (const name of shapes.keys()) {
    const [, path = '', leaf = ''] = NAME.exec(name) ?? [];
    const known = LEAVES[leaf];
    if (known === undefined) throw new NoMatch(`it has the tensor "${shortened(name)}"`);
    const leaves = byPath.get(path) ?? new Map<string, string>();
    byPath.set(path, leaves.set(known, name));
  }
  const convs: Module[] = [];
  const norms: Module[] = [];
  const linears: Module[] = [];
  let place = 0;
  for (const [path, leaves] of byPath) {
    const first = leaves.get('weight');
    const shape = first === undefined ? undefined : shapes.get(first);
    if (shape === undefined) {
      throw new NoMatch(`it has the tensor "${shortened([...leaves.values()][0] as string)}"`);
    }
    const module = { path, shape, tokens: tokensOf(path), place: place++, leaves };
    if (shape.length === 4) {
      only(module, ['weight'], 'convolution');
      convs.push(module);
    } else if (shape.length === 2) {
      only(module, ['weight', 'bias'], 'linear layer');
      linears.push(module);
    } else {
      only(module, ['weight', 'bias', 'running_mean', 'running_var'], 'batch norm');
      norms.push(module);
    }
    const rows = shape[0];
    for (const [leaf, name] of leaves) {
      const found = shapes.get(name) ?? [];
      if (leaf !== 'weight' && (found.length !== 1 || found[0] !== rows)) {
        throw new NoMatch(`"${shortened(name)}" has shape [${found.join(', ')}], not [${rows}]`);
      }
    }
  }
  return { convs, norms, linears, isOrdered: norms.every(weightFirst) };
}

/** In a state_dict the weight comes before the bias; where names were sorted, it is the last. */
function weightFirst({ leaves }: Module): boolean {
  return leaves.keys().next().value === 'weight';
}

function only({ path, leaves }: Module, expected: readonly string[], kind: string): void {
  const missing = expected.find((leaf) => !leaves.has(leaf));
  if (missing) throw new NoMatch(`the ${kind} "${shortened(path)}" has no ${missing}`);
  const extra = [...leaves.keys()].find((leaf) => !expected.includes(leaf));
  if (extra) throw new NoMatch(`the ${kind} "${shortened(path)}" has a ${extra}`);
}
