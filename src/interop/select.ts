// Which of the tensors of a file are the network. Files wrap it in dictionaries (`state_dict`, `ema`) and in
// prefixes (`module.`, `_orig_mod.`, `model.`), and have other things beside it: the state of the
// optimiser, a second copy, the counters of metrics. A network is everything below one beginning of the
// names; where two are complete, somebody has to say which, since they give different numbers.

import type { Network } from '../nn/network.ts';
import { UserError } from '../util/errors.ts';
import type { NamedTensors } from '../util/tensor.ts';
import { isInert, type StatedNormalization, statedNormalization } from './beside.ts';
import { notAllowed } from './not-allowed.ts';
import { matchNetwork, type RecognitionHint } from './recognize.ts';
import type { StoredFile, StoredTensor, WeightsNotice } from './stored.ts';

export interface Selected {
  readonly network: Network;
  /** Under the names that the network has for them. */
  readonly tensors: NamedTensors;
  /** Whether its layers had other names than the reference implementation's. */
  readonly renamed: boolean;
  /** Mean and deviation that the file has as tensors of its own beside the network. */
  readonly normalization?: StatedNormalization;
  /** What was taken, and what was left. */
  readonly notices: readonly WeightsNotice[];
}

export interface SelectOptions extends RecognitionHint {
  /** Where in the file the network is: `ema`, `student`. */
  readonly key?: string;
}

/** A complete network in the file. */
interface Candidate {
  /** The beginning of its names, without the last dot; empty for the whole file. */
  readonly place: string;
  /** The dictionary that holds it. */
  readonly group: number;
  readonly network: Network;
  readonly renamed: boolean;
  /** By the network's name. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Dictionaries that hold the network itself where another holds a variant of it. */
const USUAL = /^(state_dict|model_state_dict|model|net)(\.|$)/;
/** Nothing uses the counters of batches. */
const COUNTER = /(^|[._/])num_batches_tracked$/;

/**
 * Finds the network in a file.
 * @param what how errors call the file
 * @throws UserError where there is none, more than one, or tensors that belong to it and have no place
 */
export function selectNetwork(file: StoredFile, options: SelectOptions, what: string): Selected {
  const tensors = file.tensors.filter(({ name }) => !COUNTER.test(name));
  const { candidates, reason } = search('', tensors, options, what);
  if (candidates.length === 0) throw unmade(file, what) ?? reason;
  const notices: WeightsNotice[] = [];
  const chosen = choose(candidates, options.key, what, notices);
  const others = new Set(candidates.flatMap((candidate) => [...candidate.tensors.values()]));
  const beside = tensors.filter((tensor) => tensor.group === chosen.group && !others.has(tensor));
  const normalization = statedNormalization(beside);
  const left = beside.filter((tensor) => !normalization?.from.includes(tensor));
  const trained = left.find((tensor) => !isInert(tensor));
  // Whoever says where the network is knows that something else is beside it.
  if (trained && options.key === undefined) {
    throw new UserError(
      `${what} is not a ${chosen.network.arch}: it has the tensor "${trained.name}", which that network does not.`,
    );
  }
  if (left.length > 0) {
    const names = left.slice(0, 3).map(({ name }) => name);
    const more = left.length > 3 ? ` and ${left.length - 3} more` : '';
    notices.push({ text: `Not used, beside the network: ${names.join(', ')}${more}.` });
  }
  const named: NamedTensors = new Map(
    [...chosen.tensors].map(([name, tensor]) => [
      name,
      { shape: tensor.shape, data: tensor.read() },
    ]),
  );
  return {
    network: chosen.network,
    tensors: named,
    renamed: chosen.renamed,
    ...(normalization && { normalization }),
    notices,
  };
}

interface Found {
  readonly candidates: readonly Candidate[];
  /** Why there are none. */
  readonly reason: UserError;
}

/** Goes from the whole file into dictionaries and prefixes until what is below one is a network. */
function search(
  place: string,
  tensors: readonly StoredTensor[],
  hint: RecognitionHint,
  what: string,
): Found {
  // What all names begin with says nothing: `module.`, `state_dict`.
  const parts = partsBelow(place, tensors);
  const [common] = parts.keys();
  if (common !== undefined && parts.get(common)?.length === tensors.length) {
    return search(common, tensors, hint, what);
  }
  const found = take(place, tensors, hint, what);
  if (!(found instanceof UserError)) return { candidates: [found], reason: new UserError('') };
  const inside = [...parts]
    .filter(([, part]) => mayHoldNetwork(part, tensors))
    .map(([part, its]) => search(part, its, hint, what));
  const [first] = inside;
  return {
    candidates: inside.flatMap(({ candidates }) => candidates),
    reason: inside.length === 1 && first ? first.reason : found,
  };
}

/** The network that all of these tensors are, or why they are none. */
function take(
  place: string,
  tensors: readonly StoredTensor[],
  hint: RecognitionHint,
  what: string,
): Candidate | UserError {
  const group = tensors.find(isStem)?.group ?? 0;
  const ofGroup = tensors.filter((tensor) => tensor.group === group);
  const normalization = statedNormalization(ofGroup);
  // A bare state_dict may have other dictionaries among its tensors, and metrics.
  const bare = ofGroup.filter(
    (tensor) => !isInert(tensor) && !normalization?.from.includes(tensor),
  );
  const prefix = place === '' ? 0 : place.length + 1;
  let reason: UserError | undefined;
  for (const attempt of new Set([tensors, ofGroup, bare])) {
    // What all of its names begin with is a place further inside.
    if (attempt !== tensors && partsBelow(place, attempt).size === 1) continue;
    const byName = new Map(attempt.map((tensor) => [tensor.name.slice(prefix), tensor]));
    try {
      const { network, names } = matchNetwork(byName, hint, what);
      const found = [...names].map(
        ([name, stored]) => [name, byName.get(stored) as StoredTensor] as const,
      );
      const renamed = [...names].some(([name, stored]) => name !== stored);
      return { place, group, network, renamed, tensors: new Map(found) };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      reason = error;
    }
  }
  return reason as UserError;
}

/** The tensors by the next part of their names. */
function partsBelow(
  place: string,
  tensors: readonly StoredTensor[],
): ReadonlyMap<string, readonly StoredTensor[]> {
  const parts = new Map<string, StoredTensor[]>();
  const from = place === '' ? 0 : place.length + 1;
  for (const tensor of tensors) {
    const dot = tensor.name.indexOf('.', from);
    if (dot < 0) continue;
    const part = tensor.name.slice(0, dot);
    const inside = parts.get(part);
    if (inside) inside.push(tensor);
    else parts.set(part, [tensor]);
  }
  return parts;
}

const isStem = ({ shape }: StoredTensor) => shape.length === 4 && shape[1] === 3;
const isLinear = ({ shape }: StoredTensor) => shape.length === 2;

/** It has both ends of a network, or one and most of what there is. */
function mayHoldNetwork(part: readonly StoredTensor[], all: readonly StoredTensor[]): boolean {
  const stem = part.find(isStem);
  if (stem === undefined) return false;
  if (part.some(isLinear)) return true;
  return 2 * part.length > all.filter(({ group }) => group === stem.group).length;
}

/** The network that was asked for, or the only one, or the one under the usual name. */
function choose(
  candidates: readonly Candidate[],
  key: string | undefined,
  what: string,
  notices: WeightsNotice[],
): Candidate {
  const places = candidates.map(({ place }) => place || 'the whole file');
  if (key !== undefined) {
    const asked = key.replace(/\.$/, '');
    const fitting = candidates.filter(({ place }) => isAt(place, asked));
    if (fitting.length === 1) return fitting[0] as Candidate;
    throw new UserError(
      `${what} has ${fitting.length === 0 ? 'no' : 'more than one'} network at "${asked}": there ${places.length === 1 ? 'is one in' : 'are some at'} ${places.join(', ')}.`,
    );
  }
  if (candidates.length === 1) return candidates[0] as Candidate;
  const usual = candidates.filter(({ place }) => USUAL.test(place));
  const isApart = new Set(candidates.map(({ group }) => group)).size === candidates.length;
  const [only] = usual;
  if (only === undefined || usual.length > 1 || !isApart) {
    throw new UserError(
      `${what} holds ${candidates.length} networks, ${places.join(' and ')}: say which one is meant.`,
      { code: 'several-networks', facts: { what, places } },
    );
  }
  const rest = candidates.filter((candidate) => candidate !== only).map(({ place }) => place);
  notices.push({
    about: 'key',
    choices: candidates.map(({ place }) => place),
    text: `The file holds ${candidates.length} networks: ${only.place} is taken, and not ${rest.join(', ')}.`,
  });
  return only;
}

function isAt(place: string, asked: string): boolean {
  return `.${place}.`.includes(`.${asked}.`) || place === asked;
}

/** Something that a file asks to be made stands where a network's tensor belongs. */
function unmade({ tensors, others }: StoredFile, what: string): UserError | undefined {
  const groups = new Set(tensors.map(({ group }) => group));
  const instead = others.find(
    ({ name, group }) => groups.has(group) && /[._/](weight|bias|running_\w+)$/.test(name),
  );
  if (instead === undefined) return undefined;
  const { name, global } = instead;
  return new UserError(
    `${what}: in the place of the tensor "${name}" ${notAllowed(global).message}`,
  );
}
