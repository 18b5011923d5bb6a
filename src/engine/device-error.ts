// What goes wrong with a device while it computes, through no fault of the program: it is lost, or
// its memory is full. What was saved before is whole, so a run goes on from there. And how a lack of memory
// is told, whichever engine lacks it.

import { UserError, type UserErrorOptions } from '../util/errors.ts';

export class DeviceError extends UserError {
  constructor(message: string, options: UserErrorOptions = {}) {
    super(message, options);
    this.name = 'DeviceError';
  }
}

/**
 * What to give `UserError` or `DeviceError` where a step does not fit.
 * @param problem says what is too large, without a full stop
 * @param remedy what helps, to go on after "use"
 * @param recompute whether recomputing activations would help too
 */
export function outOfMemory(
  problem: string,
  remedy = 'a smaller batch',
  recompute = true,
): [message: string, options: UserErrorOptions] {
  const other = recompute ? ', or recompute activations instead of keeping them' : '';
  return [
    `${problem}: use ${remedy}${other}.`,
    { code: 'out-of-memory', facts: { problem, remedy, recompute } },
  ];
}
