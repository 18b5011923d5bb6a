// What goes wrong with a device while it computes, through no fault of the program: it is lost, or
// its memory is full. What was saved before is whole, so a run goes on from there.

import { UserError } from '../util/errors.ts';

export class DeviceError extends UserError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'DeviceError';
  }
}
