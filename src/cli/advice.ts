// How the command line words an error whose advice depends on who is told: with its own options. What
// is wrong and what it is about come as a code and facts (util/errors.ts) from below, where nothing is
// known of options. Errors without a code say the same to everyone.

import { fixedSchedule } from '../experiment/recipes.ts';
import { optionName, type SETTING_NAMES } from '../train/config.ts';
import { type CodedFacts, type ErrorCode, type ErrorFacts, UserError } from '../util/errors.ts';
import { systemError, systemSentence } from '../util/system-errors.ts';
import { commandName } from './console/command-name.ts';

/** Ends what is said where there is no GPU. */
export const WITHOUT_GPU = 'Without a GPU there is --device cpu.';

interface Context {
  /** The command that was typed, such as `train`. */
  readonly command: string | undefined;
  readonly error: UserError;
}

type Advice<Code extends ErrorCode> = (facts: ErrorFacts[Code], context: Context) => string;

/** How a command's files and folders are put elsewhere. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  report: 'choose another folder with --output',
  convert: 'choose another file',
  evaluate: 'choose another file with --images',
  data: 'choose another file',
  analyze: 'choose another file with --svg',
};
const ANOTHER_FOLDER = 'choose another folder with --save-dir';

const ADVICE: { readonly [Code in ErrorCode]: Advice<Code> } = {
  'half-needs-gpu': ({ device, reason }) =>
    `--half needs a GPU, and ${device === 'auto' ? 'auto finds none' : reason}: leave --half away, or use --device webgpu.`,
  'tensor-cores-need-half': () =>
    '--tensor-cores on needs half precision: add --half, or leave --tensor-cores away.',
  'tensor-cores-missing': ({ gpu, found }) =>
    `--tensor-cores on: the GPU "${gpu}" ${found}: use --tensor-cores auto.`,
  'convolution-needs-cpu': ({ convolution, device }) =>
    `--conv ${convolution} is an algorithm of the CPU engine: leave --conv away, or use --device cpu instead of ${device}.`,
  'convolution-or-half': ({ convolution }) =>
    `--half needs a GPU, and --conv ${convolution} is an algorithm of the CPU engine: leave one of them away.`,
  'too-many-threads': ({ threads, most, cores }) =>
    `--threads ${threads}: this machine has ${cores} ${cores === 1 ? 'core' : 'cores'}, and more than ${most} threads would only take turns; give 1 to ${most}, or leave --threads away.`,
  'threads-need-isolation': (_, { error }) => error.message,
  'no-gpu': ({ problem, advice }) => `${problem}. ${advice} ${WITHOUT_GPU}`,
  'no-gpu-of-that-name': ({ name, found }) =>
    `No GPU has "${name}" in its name; there ${found.length === 1 ? 'is' : 'are'} ${found.join(', ')}: use --device webgpu:<part of a name>.`,
  'webgpu-package-missing': ({ reason }) =>
    `WebGPU in Node.js needs the optional npm package "webgpu", which cannot be loaded (${reason}): run \`npm install webgpu\`, or use --device cpu.`,
  'no-timestamps': (_, { error }) => error.message.replace(/\.$/, ': leave --profile away.'),
  'out-of-memory': ({ problem, remedy, recompute }) =>
    `${problem}: use ${remedy}${recompute ? ' or --memory recompute' : ''}.`,
  'backend-without-half': ({ backend, description }) =>
    `The ${backend} backend has no half precision (${description}): leave --half away, or use a device that has it.`,
  'nothing-to-train': ({ startEpoch, length }) =>
    `There is nothing to train: the run begins at epoch ${startEpoch} and has ${length}; give a larger --epochs or a smaller --start-epoch.`,
  'schedule-is-fixed': ({ recipe, kind, settings }) => {
    const names = settings.map((name) => optionName(name as (typeof SETTING_NAMES)[number]));
    const { what, why } = fixedSchedule(recipe, kind);
    const other = recipe === 'fast' && kind === 'one-cycle' ? 'recipe' : '--schedule';
    return `${names.join(', ')} cannot be given with ${what}: ${why}; change the peak with --lr and the length with --epochs, or use another ${other}.`;
  },
  'nothing-for-muon': ({ settings }) =>
    `${settings.map((name) => optionName(name as (typeof SETTING_NAMES)[number])).join(', ')} cannot be given where nothing is updated by Muon: add --optimizer muon, or leave it away.`,
  'plan-differs': ({ setting, was, asked }) =>
    `This folder's plan was made with ${setting} ${was}, not ${asked}: leave that option away, or begin another table with --save-dir.`,
  'config-was-edited': ({ file, edits }) =>
    `"${file}" was changed after the run began: ${edits.join('; ')}. A run keeps its configuration: change it back; to train with the change, copy the file elsewhere and begin another run with train --config <copy>.`,
  'damaged-state': ({ dir, problem, whole }) =>
    whole
      ? `${problem} The newest whole state is "${whole.name}", ${whole.place}. To go on from it: ${commandName()} train --resume ${quoted(dir)} --from ${whole.name}`
      : `${problem} No other state of the run is whole: begin it anew, or restore the folder from a copy.`,
  'no-test-images': ({ source, found, isUndivided }) =>
    `${source} has ${found}: ${isUndivided ? 'divide them' : 'add one'}, or hold images out with --validation N (a number of images, or a fraction)`,
  'unreadable-image': ({ problem }) =>
    `${problem}: repair or remove it, or leave --strict away to go on without it`,
  'several-networks': ({ what, places }) =>
    `${what} holds ${places.length} networks: say which one with ${places.map((place) => `--key ${place}`).join(' or ')}.`,
  'other-classes': ({ title, has, data, found }) =>
    `${title} tells ${has} classes apart, and ${data} has ${found}: give the data it was trained for with --data.`,
  'shortcut-differs': ({ title, has, asked }) =>
    `${title} has ${has === 'none' ? 'no shortcuts' : `shortcut ${has}`}, not ${asked}: leave --shortcut away.`,
  'normalization-is-known': (_, { error }) =>
    error.message.replace(/\.$/, ': leave --normalization away.'),
  'checkpoint-of-a-file': ({ path }) =>
    `--checkpoint chooses within a run folder, and ${path} is a file.`,
  'run-exists': ({ dir }) =>
    `"${dir}" already holds a run: go on with it by table6 train --resume ${dir}, or choose another folder with --save-dir.`,
  'nothing-to-report': ({ folder, plan }) =>
    `There is nothing to report in "${folder}": it has neither a ${plan} nor run folders. Give the folder that table6 reproduce or table6 train wrote to.`,
  'device-failed': ({ dir, saved }, { error, command }) =>
    `${worded(error.cause as Error, command)} ${saved} To go on: ${commandName()} train --resume ${quoted(dir)}`,
  system: (facts, { command }) => systemSentence(facts, ELSEWHERE[command ?? ''] ?? ANOTHER_FOLDER),
};

/** What the command line says of an error: one sentence. */
export function worded(error: UserError | Error, command?: string): string {
  if (!(error instanceof UserError) || !error.coded) return error.message;
  return advice(error.coded, { command, error });
}

/**
 * Anything thrown as the error that a user can repair, with an operating system's refusals among them.
 * @returns undefined for a defect
 */
export function repairable(error: unknown): UserError | undefined {
  return error instanceof UserError ? error : systemError(error);
}

function advice<Code extends ErrorCode>(
  coded: Extract<CodedFacts, { code: Code }>,
  context: Context,
): string {
  // The table pairs every code with its facts, which TypeScript cannot follow through a union.
  return (ADVICE[coded.code] as Advice<Code>)(coded.facts as ErrorFacts[Code], context);
}

/** A path as a shell takes it. */
export function quoted(path: string): string {
  return /\s/.test(path) ? `"${path}"` : path;
}
