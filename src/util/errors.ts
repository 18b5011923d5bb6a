// One error class for everything a user can cause or repair: a missing file, a wrong option, a
// damaged archive. The command line prints its message alone and exits with `exitCode`; any other
// error is a defect of ours and keeps its stack trace.

export class UserError extends Error {
  readonly exitCode: number;

  /**
   * @param message one sentence that says what is wrong and what to do about it
   * @param exitCode 1 for a failed operation, 2 for a command that was typed wrongly
   */
  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UserError';
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The message of anything that was thrown, for quoting inside another sentence. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
