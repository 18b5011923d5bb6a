// Checks what comes from outside (files, callers without types) against a schema, and says in words what
// is wrong with it first.

import type * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';

const { localeError } = en();

export interface Problem {
  /** Where in the value: `['schedule', 'gamma']`. */
  readonly path: readonly PropertyKey[];
  /** What is wrong there, without a full stop. */
  readonly message: string;
  /** Keys that the schema does not know, where that is what is wrong. */
  readonly unknownKeys?: readonly string[];
}

/** @returns the checked value, or what is wrong with it first */
export function check<T>(
  schema: z.ZodMiniType<T>,
  value: unknown,
):
  | { readonly data: T; readonly problem?: undefined }
  | { readonly data?: undefined; readonly problem: Problem } {
  const result = schema.safeParse(value, { error: localeError });
  if (result.success) return { data: result.data };
  const issue = result.error.issues[0];
  return {
    problem: {
      path: issue?.path ?? [],
      message: issue?.message ?? 'is not valid',
      ...(issue?.code === 'unrecognized_keys' && { unknownKeys: issue.keys }),
    },
  };
}

/** `schedule.gamma: Too small: ...`, for a sentence that names the file. */
export function problemText({ path, message }: Problem): string {
  return `${path.join('.') || 'the whole'}: ${message}`;
}
