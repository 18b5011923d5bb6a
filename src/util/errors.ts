// One error class for everything a user can cause or repair: a missing file, a wrong setting, a damaged
// archive. Its message is one sentence that holds wherever table6 is used. Where the advice depends on
// who asks, the error also has a code and facts: the command line words it with its options
// (cli/advice.ts), a page with its own. Any other error is a defect of ours and keeps its stack trace.

/** Why an operating system refuses. */
export type SystemReason =
  | 'read-only'
  | 'no-permission'
  | 'disk-full'
  | 'too-many-files'
  | 'missing'
  | 'not-a-folder'
  | 'is-a-folder'
  | 'input-output'
  | 'busy'
  | 'name-too-long'
  | 'link-loop';

/** What the system refused, and why. */
export interface SystemProblem {
  readonly reason: SystemReason;
  /** Of the file or folder; absent where the system names none. */
  readonly path?: string;
  readonly doing: 'read' | 'write';
  /** What is wrong, without a full stop. */
  readonly problem: string;
  /** Whether another place would help. */
  readonly elsewhere: boolean;
  /** What else helps, to go on after a colon. */
  readonly remedy?: string;
}

/** The codes of errors whose advice depends on who is told, with the facts that it needs. */
export interface ErrorFacts {
  /** Half precision on a device that never has it; 'auto' found no GPU. */
  'half-needs-gpu': { readonly device: 'cpu' | 'reference' | 'auto'; readonly reason: string };
  'tensor-cores-need-half': Record<never, never>;
  'tensor-cores-missing': { readonly gpu: string; readonly found: string };
  /** An algorithm of the CPU engine for another device, or together with half precision. */
  'convolution-needs-cpu': { readonly convolution: string; readonly device: string };
  'convolution-or-half': { readonly convolution: string };
  'too-many-threads': { readonly threads: number; readonly most: number; readonly cores: number };
  /** A browser page that may not share memory with its workers. */
  'threads-need-isolation': { readonly threads: number };
  'no-gpu': { readonly problem: string; readonly advice: string };
  'no-gpu-of-that-name': { readonly name: string; readonly found: readonly string[] };
  'webgpu-package-missing': { readonly reason: string };
  'no-timestamps': { readonly gpu: string };
  /** A step needs more memory than there is. `recompute`: recomputing would make it smaller. */
  'out-of-memory': {
    readonly problem: string;
    readonly remedy: string;
    readonly recompute: boolean;
  };
  'backend-without-half': { readonly backend: string; readonly description: string };
  'nothing-to-train': { readonly startEpoch: number; readonly length: number };
  /** `settings` of a schedule that a recipe has no place for. */
  'schedule-is-fixed': {
    readonly recipe: string;
    readonly kind: 'steps' | 'cosine' | 'one-cycle';
    readonly settings: readonly string[];
  };
  /** Numbers of Muon, where SGD updates everything. */
  'nothing-for-muon': { readonly settings: readonly string[] };
  'plan-differs': { readonly setting: string; readonly was: string; readonly asked: string };
  /** A run's configuration that is no longer the one it was trained with. */
  'config-was-edited': { readonly file: string; readonly edits: readonly string[] };
  /** The state to go on from is damaged; `whole` is another one that is not, and where it was saved. */
  'damaged-state': {
    readonly dir: string;
    readonly problem: string;
    readonly whole?: { readonly name: string; readonly place: string };
  };
  /** `isUndivided`: its classes lie in the folder itself. */
  'no-test-images': {
    readonly source: string;
    /** What there is instead. */
    readonly found: string;
    readonly isUndivided: boolean;
  };
  /** An image that was not to be skipped. */
  'unreadable-image': { readonly problem: string };
  /** A file with more than one complete network, by where they are in it. */
  'several-networks': { readonly what: string; readonly places: readonly string[] };
  /** Weights for another number of classes than the data have. */
  'other-classes': {
    readonly title: string;
    readonly has: number;
    readonly data: string;
    readonly found: number;
  };
  /** Shortcuts that weights have, and what somebody said of them. */
  'shortcut-differs': { readonly title: string; readonly has: string; readonly asked: string };
  'normalization-is-known': { readonly title: string };
  'checkpoint-of-a-file': { readonly path: string };
  'run-exists': { readonly dir: string };
  'nothing-to-report': { readonly folder: string; readonly plan: string };
  /** A device failed while a run trained; the error's cause says how. */
  'device-failed': { readonly dir: string; readonly saved: string };
  system: SystemProblem;
}

export type ErrorCode = keyof ErrorFacts;

/** A code with its facts. */
export type CodedFacts = {
  [Code in ErrorCode]: { readonly code: Code; readonly facts: ErrorFacts[Code] };
}[ErrorCode];

export type UserErrorOptions = { readonly exitCode?: number; readonly cause?: unknown } & (
  | CodedFacts
  | { readonly code?: undefined; readonly facts?: undefined }
);

export class UserError extends Error {
  readonly exitCode: number;
  /** Absent where the message says the same to everyone. */
  readonly coded: CodedFacts | undefined;

  /**
   * @param message one sentence that says what is wrong and what to do about it, without naming options
   *   of the command line
   * @param options.exitCode 1 for a failed operation, 2 for a command that was typed wrongly
   */
  constructor(message: string, options: UserErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UserError';
    this.exitCode = options.exitCode ?? 1;
    this.coded = options.code === undefined ? undefined : options;
  }

  get code(): ErrorCode | undefined {
    return this.coded?.code;
  }

  get facts(): CodedFacts['facts'] | undefined {
    return this.coded?.facts;
  }
}

/** The message of anything that was thrown, for quoting inside another sentence. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
