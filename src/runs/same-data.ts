// A run that goes on has to see the images that it began with. What tells others apart at once is looked at
// before images are decoded, which can take minutes; then every byte of them counts.

import type { Dataset } from '../data/dataset.ts';
import type { TrainConfig } from '../train/config.ts';
import { UserError } from '../util/errors.ts';
import { datasetFingerprint, sampledFingerprint } from './fingerprint.ts';
import type { Run } from './run-folder.ts';

/** What is known of a run's classes: how many, and what a checkpoint says that they are called. */
export interface KnownClasses {
  readonly config: Pick<TrainConfig, 'classes'>;
  readonly state?: { readonly classes: readonly string[] } | undefined;
}

/**
 * As soon as a source's classes are known.
 * @throws UserError naming the source
 */
export function refuseOtherClasses(
  { config, state }: KnownClasses,
  { source, classes }: Pick<Dataset, 'source' | 'classes'>,
): void {
  const isOther = state && state.classes.join('\n') !== classes.join('\n');
  if (classes.length === config.classes && !isOther) return;
  const had = state ? namesOf(state.classes) : `${config.classes} classes`;
  const has = state ? namesOf(classes) : `${classes.length}`;
  throw new UserError(
    `The data in "${source}" are not those of the run: it is for ${had}, and they have ${has}; use the data it was made for.`,
  );
}

const SHOWN = 6;

function namesOf(classes: readonly string[]): string {
  const names = classes.slice(0, SHOWN).join(', ');
  return `${classes.length} classes (${names}${classes.length > SHOWN ? ' ...' : ''})`;
}

/** The data as the run began with them. */
export async function sameData(run: Run, dataset: Dataset) {
  const fingerprint = await datasetFingerprint(dataset);
  // All sessions had the same data; the first ones may be of a version that knew less of them.
  const before = run.sessionsBefore.at(-1)?.data.fingerprint;
  if (before === undefined || before === fingerprint) return { dataset, fingerprint };
  if (before === (await sampledFingerprint(dataset))) return { dataset, fingerprint };
  if (dataset.validation && run.config.validation === 0) {
    // Earlier versions left validation images of a folder's own aside.
    const without = { ...dataset, validation: undefined };
    const old = await datasetFingerprint(without);
    if (before === old || before === (await sampledFingerprint(without))) {
      return { dataset: without, fingerprint: old };
    }
  }
  throw new UserError(
    `The data in "${run.config.data}" are not those that the run "${run.dir}" began with: restore them, or start a new run.`,
  );
}
