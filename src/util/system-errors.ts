// What an operating system's error code means, in one clear sentence: a read-only folder, a full disk, a
// file that may not be read. None of them is a defect. The codes are POSIX names, which Node.js uses on
// every platform.

import { messageOf, type SystemProblem, type SystemReason, UserError } from './errors.ts';

type Doing = SystemProblem['doing'];

interface Refusal {
  readonly reason: SystemReason;
  /** What is wrong, without a full stop. `path` is in quotation marks. */
  problem(path: string, doing: Doing): string;
  /** What helps, to go on after a colon. */
  readonly remedy?: string;
  /** Whether another place would help. */
  readonly elsewhere?: boolean;
}

const done = (doing: Doing) => (doing === 'read' ? 'read' : 'written');

const permission: Refusal = {
  reason: 'no-permission',
  problem: (path, doing) => `No permission to ${doing} ${path}`,
  remedy: 'change its permissions',
  elsewhere: true,
};
const diskFull = (what: string): Refusal => ({
  reason: 'disk-full',
  problem: (path, doing) => `${what}: ${path} could not be ${done(doing)}`,
  remedy: 'free some space',
});
const tooManyFiles: Refusal = {
  reason: 'too-many-files',
  problem: (path, doing) => `Too many files are open, so that ${path} cannot be ${done(doing)}`,
  remedy: 'close other programs, or raise the limit (ulimit -n)',
};
const deviceFailed = (what: string): Refusal => ({
  reason: 'input-output',
  problem: (path, doing) => `${path} cannot be ${done(doing)}, because ${what}`,
  remedy: 'check the drive or the network share',
});
const network = deviceFailed('the network share does not answer');
const fileForFolder: Refusal = {
  reason: 'not-a-folder',
  problem: (path, doing) =>
    doing === 'read'
      ? `${path} does not exist, because a file is where a folder should be`
      : `${path} cannot be made, because a file is where a folder should be`,
  elsewhere: true,
};
const busy: Refusal = {
  reason: 'busy',
  problem: (path, doing) => `${path} cannot be ${done(doing)}, because another program uses it`,
};

const REFUSALS: Readonly<Record<string, Refusal>> = {
  EROFS: {
    reason: 'read-only',
    problem: (path) => `${path} cannot be written, because its file system is read-only`,
    elsewhere: true,
  },
  EACCES: permission,
  EPERM: permission,
  ENOSPC: diskFull('The disk is full'),
  EDQUOT: diskFull('The quota of disk space is used up'),
  EFBIG: diskFull('The file system takes no file as large as this'),
  EMFILE: tooManyFiles,
  ENFILE: tooManyFiles,
  ENOENT: {
    reason: 'missing',
    problem: (path, doing) =>
      doing === 'read'
        ? `${path} does not exist`
        : `${path} cannot be made, because there can be no such file or folder there`,
    remedy: 'check the path',
  },
  ENOTDIR: fileForFolder,
  EEXIST: fileForFolder,
  EISDIR: {
    reason: 'is-a-folder',
    problem: (path) => `${path} is a folder`,
    remedy: 'name a file',
  },
  EIO: deviceFailed('its drive failed (input/output error)'),
  ENXIO: deviceFailed('its device is gone'),
  ENODEV: deviceFailed('its device is gone'),
  EBUSY: busy,
  ETXTBSY: busy,
  ENAMETOOLONG: {
    reason: 'name-too-long',
    problem: (path) => `${path} is too long for a path`,
    elsewhere: true,
  },
  ELOOP: {
    reason: 'link-loop',
    problem: (path) => `The symbolic links of ${path} lead in a circle`,
    remedy: 'check the links',
  },
  ESTALE: network,
  ETIMEDOUT: network,
  EHOSTDOWN: network,
};

/** Calls that only look; all others change something. */
const READS = new Set([
  'open',
  'read',
  'stat',
  'lstat',
  'scandir',
  'opendir',
  'access',
  'readlink',
]);

/** The system's code, such as `ENOSPC`, of an error that has one. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * The sentence for an error of the operating system.
 * @param given the path and what was to be done with it, where the caller knows better than the error
 * @returns undefined for anything else, such as a defect
 */
export function systemError(
  error: unknown,
  given: { readonly path?: string; readonly doing?: Doing } = {},
): UserError | undefined {
  const refusal = REFUSALS[systemCode(error) ?? ''];
  if (!refusal || !(error instanceof Error)) return undefined;
  const { path: named, syscall } = error as { readonly path?: unknown; readonly syscall?: unknown };
  const path = given.path ?? (typeof named === 'string' ? named : undefined);
  const doing = given.doing ?? (syscall && !READS.has(String(syscall)) ? 'write' : 'read');
  const { reason, remedy, elsewhere = false } = refusal;
  const problem = refusal.problem(path === undefined ? 'a file' : `"${path}"`, doing);
  const facts: SystemProblem = {
    ...{ reason, doing, problem, elsewhere: elsewhere && doing === 'write' },
    ...(path !== undefined && { path }),
    ...(remedy !== undefined && { remedy }),
  };
  const message = systemSentence(facts, 'choose another place');
  return new UserError(message, { code: 'system', facts, cause: error });
}

/** @param elsewhere how to choose another place, in the reader's terms */
export function systemSentence(facts: SystemProblem, elsewhere: string): string {
  const remedies = [facts.elsewhere ? elsewhere : undefined, facts.remedy].filter(Boolean);
  const problem = facts.problem.replace(/^a file/, 'A file');
  return `${problem}${remedies.length > 0 ? `: ${remedies.join(', or ')}` : ''}.`;
}

/** As `systemError`, for everything: the system's own words where the code is not known. */
export function fileError(
  error: unknown,
  given: { readonly path: string; readonly doing: Doing },
): UserError {
  if (error instanceof UserError) return error;
  return (
    systemError(error, given) ??
    new UserError(`"${given.path}" could not be ${done(given.doing)}: ${messageOf(error)}.`, {
      cause: error,
    })
  );
}
