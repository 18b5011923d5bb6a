// What is said where a file asks for something to be made or run that no file of weights needs.

import { UserError } from '../util/errors.ts';

/** @param name `module.name` as the file has it */
export function notAllowed(name: string): UserError {
  return new UserError(
    `the file asks for ${name.slice(0, 200)}, which is not allowed in a weights file (nothing was run); in Python, save tensors and numbers only: torch.save(model.state_dict(), "weights.pth")`,
  );
}
