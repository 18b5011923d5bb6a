// A run keeps its configuration: what config.json says must be what is trained, and the checkpoint decides that.

import { keptDifferences, type TrainConfig } from '../train/config.ts';
import { UserError } from '../util/errors.ts';
import { isLonger } from './extend.ts';
import { CONFIG } from './layout.ts';

/** @throws UserError naming what differs between the file and what was trained */
export function refuseEdits(written: TrainConfig, trained: TrainConfig, dir: string): void {
  const edits = keptDifferences(written, trained)
    .filter((name) => name !== 'rateChanges' || !isLaterRate(written, trained))
    // A checkpoint is written with another length before config.json is.
    .filter((name) => name !== 'schedule' || !isLonger(trained, written))
    .map(
      (name) =>
        `${name} is ${JSON.stringify(written[name])} and was ${JSON.stringify(trained[name])}`,
    );
  if (edits.length === 0) return;
  const file = `${dir}/${CONFIG}`;
  throw new UserError(
    `"${file}" was changed after the run began: ${edits.join('; ')}. A run keeps its configuration: change it back, or begin another run with a copy of it.`,
    { exitCode: 2, code: 'config-was-edited', facts: { file, edits } },
  );
}

/** A change of the rate is written there before the checkpoint that has it. */
function isLaterRate(written: TrainConfig, trained: TrainConfig): boolean {
  return trained.rateChanges.every(
    (change, i) => JSON.stringify(change) === JSON.stringify(written.rateChanges[i]),
  );
}
