// What goes wrong in the worker, as the page is told: errors that a person can cause or mend keep their
// sentence, code and facts; any other is a defect of ours and says so.

import { UserError } from '../../util/errors.ts';
import type { WorkerError } from './protocol.ts';

/** What only a tab can have: a run open in another one, data that were dropped once. */
export class TabError extends UserError {
  readonly problem: Pick<WorkerError, 'code' | 'facts'>;

  /**
   * @param message one sentence for people
   * @param problem what a page needs to offer a way on
   */
  constructor(message: string, problem: Pick<WorkerError, 'code' | 'facts'>) {
    super(message);
    this.problem = problem;
  }
}

export function toWorkerError(error: unknown): WorkerError {
  if (error instanceof TabError) return { message: error.message, ...error.problem };
  if (error instanceof UserError) {
    const { message, code = 'refused', facts = {} } = error;
    return { code, message, facts: { ...facts } };
  }
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    code: 'defect',
    message: `Something in this program is wrong (${what}): reload the page, and go on from what was saved.`,
    facts: { stack: error instanceof Error ? (error.stack ?? '') : '' },
  };
}
