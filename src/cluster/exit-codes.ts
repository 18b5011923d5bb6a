// How the task of a cluster ends, for whoever started it: batch scripts, Kubernetes and people read the
// exit code and nothing else. It decides whether the same task is worth another try.

import type { UserError } from '../util/errors.ts';

/** Another try would end in the same way: the input is wrong. */
export const NEVER_RETRY = 42;

/** A defect of table6, which another try would meet again, too; as everywhere in table6. */
export const DEFECT = 70;

/**
 * Nothing is wrong with the run, but another process has it, or its summary could not be written: later.
 * (EX_TEMPFAIL of sysexits.h.)
 */
export const TRY_LATER = 75;

/** Of a process that was asked by USR2 or TERM to save and end: 128 and the signal's number. */
export const SAVED = [140, 143] as const;

/** Exit code 2 means wrong input everywhere in table6; what is left may go better elsewhere or later. */
export function exitCodeOf({ exitCode }: UserError): number {
  return exitCode === 2 ? NEVER_RETRY : exitCode;
}
