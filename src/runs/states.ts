// The states that a run can go on from: `last`, and the one before it, in case `last` is damaged. A damaged
// file is never trained on and never replaced without a word: the user is told, and says from where to go on.

import { refuseDamaged } from '../interop/safetensors/seal.ts';
import { UserError } from '../util/errors.ts';
import { fileError } from '../util/system-errors.ts';
import { decodeState, type LoadedState, weightsSha256 } from './checkpoint.ts';
import { type FileSystem, writeAtomically } from './file-system.ts';
import { checkpointNames, checkpointPath } from './layout.ts';
import type { RunSummary } from './summary.ts';

export const LAST = 'last';
export const PREVIOUS = 'previous';
/** What `last` was, once a run went on from another state. */
const ASIDE = 'last.aside';

export interface FoundState extends LoadedState {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What there is to say about it. */
  readonly notice?: string;
}

/**
 * Reads a state of a run whose checksum is right.
 * @returns undefined where there is no such checkpoint
 * @throws UserError if it is damaged, or has weights alone
 */
export async function readState(
  files: FileSystem,
  dir: string,
  name: string,
): Promise<FoundState | undefined> {
  const path = checkpointPath(dir, name);
  const bytes = await files.read(path);
  if (!bytes) return undefined;
  await refuseDamaged(bytes, `"${path}"`);
  return { name, bytes, ...decodeState(bytes, `"${path}"`) };
}

/**
 * The state that a run goes on from; undefined for one that was stopped before its first.
 * @param from a checkpoint by name, instead of the newest
 * @param summary the run's, where it can be read
 * @throws UserError with code 'damaged-state' where the newest is damaged, naming the newest whole one
 */
export async function stateToResume(
  files: FileSystem,
  dir: string,
  { from, summary }: { readonly from?: string; readonly summary?: RunSummary },
): Promise<FoundState | undefined> {
  if (from !== undefined) return await chosenState(files, dir, from);
  try {
    const last = await readState(files, dir, LAST);
    if (last) {
      await refuseOtherWeights(last, summary, checkpointPath(dir, LAST));
      return last;
    }
    const previous = await readState(files, dir, PREVIOUS);
    if (!previous) return undefined;
    const notice = `The run was stopped while it saved: it goes on from the checkpoint before, ${placeOf(previous)}.`;
    return { ...previous, notice };
  } catch (error) {
    const whole = await newestWhole(files, dir, [LAST]);
    const problem = fileError(error, { path: checkpointPath(dir, LAST), doing: 'read' }).message;
    const facts = { dir, problem, ...(whole && { whole }) };
    const rest = whole
      ? `The newest whole state is "${whole.name}", ${whole.place}: resume the run from that one.`
      : 'No other state of the run is whole.';
    throw new UserError(`${problem} ${rest}`, { cause: error, code: 'damaged-state', facts });
  }
}

/** A state that a run can go on from, as people are told of it. */
export interface NamedState {
  readonly name: string;
  /** `after epoch 3` */
  readonly place: string;
}

/** The newest whole state. @param except names that are known to be of no use */
export async function newestWhole(
  files: FileSystem,
  dir: string,
  except: readonly string[],
): Promise<NamedState | undefined> {
  return (await wholeStates(files, dir)).find(({ name }) => !except.includes(name));
}

/** All states of a run whose checksums are right, the newest first; of one moment `last` first. */
export async function wholeStates(files: FileSystem, dir: string): Promise<readonly NamedState[]> {
  const found: (NamedState & { readonly iteration: number })[] = [];
  for (const name of await checkpointNames(files, dir)) {
    const whole = await readState(files, dir, name).catch(() => undefined);
    if (!whole) continue;
    found.push({ name, place: placeOf(whole), iteration: whole.state.progress.iteration });
  }
  const rank = ({ name }: NamedState) => (name === LAST ? 0 : 1);
  found.sort((a, b) => b.iteration - a.iteration || rank(a) - rank(b));
  return found.map(({ name, place }) => ({ name, place }));
}

/** Epochs and batches as people count them. */
export function placeOf({ state }: Pick<LoadedState, 'state'>): string {
  const { epoch, batch } = state.progress;
  return batch === 0 ? `after epoch ${epoch}` : `in epoch ${epoch + 1}, after batch ${batch}`;
}

/**
 * Makes a state the run's last one. What was the last is kept beside it, under another name.
 * @returns what to tell about it
 */
export async function goBackTo(
  files: FileSystem,
  dir: string,
  state: FoundState,
): Promise<string | undefined> {
  if (state.name === LAST) return undefined;
  const path = checkpointPath(dir, LAST);
  const isThere = (await files.size(path)) > 0;
  await writeAtomically(files, path, state.bytes, isThere ? checkpointPath(dir, ASIDE) : undefined);
  if (!isThere) return undefined;
  return `The run goes on from "${state.name}", ${placeOf(state)}; what was its last checkpoint is kept as "${ASIDE}".`;
}

async function chosenState(files: FileSystem, dir: string, from: string): Promise<FoundState> {
  const name = from.replace(/^.*[/\\]/, '').replace(/\.safetensors$/, '');
  const found = await readState(files, dir, name);
  if (found) return found;
  const names = await checkpointNames(files, dir);
  throw new UserError(
    `The run "${dir}" has no checkpoint "${name}" (it has: ${names.join(', ') || 'none yet'}).`,
    { exitCode: 2 },
  );
}

/** Files of older versions have no checksum, but the sum of a finished run's weights was recorded. */
async function refuseOtherWeights(
  { state }: LoadedState,
  summary: RunSummary | undefined,
  path: string,
): Promise<void> {
  if (summary?.weightsSha256 === undefined) return;
  if (summary.iteration !== state.progress.iteration) return;
  if (summary.weightsSha256 === (await weightsSha256(state.weights))) return;
  throw new UserError(
    `"${path}" is damaged: its weights are not those whose SHA-256 the run recorded.`,
  );
}
