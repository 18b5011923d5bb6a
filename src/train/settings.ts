// Every setting of a run, once. The schema of configurations, their defaults, what recipes and users
// may override, the options of `train` and `reproduce`, what a plan fixes, what `--resume` accepts and
// which runs a report puts into one row are all made from this table (`config.ts`). A new setting is
// one entry here and the place that uses it.
//
// A page makes a form of the same table: the entries that have an `option`, in the table's order, by
// `option.group` (`GROUPS` in `setting.ts` has the headings); `form` says which input (kind, words,
// bounds) and `schemaOf(form)` checks its value; `default`, else `shownDefault`, is what it shows when empty;
// `help` explains it. What was filled in are the `overrides` of `resolveConfig`.

import * as z from 'zod/mini';
import { CROP_PADDING } from '../data/batches.ts';
import { NORMALIZATION_KINDS, parseNormalization } from '../data/normalization.ts';
import { SHORTCUT_OPTIONS, STAGES } from '../nn/network.ts';
import { UserError } from '../util/errors.ts';
import { MACHINE_SETTINGS } from './machine-settings.ts';
import { normalizationKindSchema } from './normalization-schema.ts';
import { OPTIMIZER_SETTINGS } from './optimizer-settings.ts';
import {
  LENGTH,
  parseWarmup,
  RATE,
  rateChangesSchema,
  SCHEDULE_KINDS,
  scheduleSchema,
  warmupSchema,
} from './schedule-schema.ts';
import type { Setting } from './setting.ts';

/** The recipes that can be named; what they mean is in `experiment/recipes.ts`. */
export const RECIPE_NAMES = ['notebook', 'notebook-as-run', 'paper', 'quick', 'fast'] as const;
export type RecipeName = (typeof RECIPE_NAMES)[number];

/** A line of text, which a report can show. */
const LONGEST_TITLE = 200;
const titleSchema = z.string().check(z.maxLength(LONGEST_TITLE), z.regex(/^\P{Cc}*$/u));
const TITLE = {
  kind: 'text',
  placeholder: '<text>',
  read(text: string): string {
    if (titleSchema.safeParse(text).success) return text;
    throw new UserError(`must be one line of at most ${LONGEST_TITLE} characters`);
  },
} as const;

export const SETTINGS = {
  /** `resnet20`, `plain56` ... */
  arch: {
    form: { kind: 'text', placeholder: '<arch>' },
    changes: 'training',
    option: {
      group: 'network',
      help: 'The network, such as resnet20, resnet56 or plain20',
      short: 'a',
    },
  },
  shortcut: {
    form: { kind: 'choice', words: ['A', 'A-end', 'B'] },
    schema: z.enum(SHORTCUT_OPTIONS),
    changes: 'training',
    plan: {},
    option: {
      group: 'network',
      help: 'Shortcut of residual networks where the shape changes: A pads with zeros, A-end with all of them behind, B projects',
      shownDefault: 'A',
    },
  },
  /** The data set's. */
  classes: { form: { kind: 'integer', minimum: 2 }, default: 10, changes: 'images' },
  data: {
    form: { kind: 'text', placeholder: '<name|path>' },
    default: 'cifar10',
    changes: 'images',
    // The same images may lie elsewhere.
    resumable: true,
    plan: {},
    option: {
      group: 'network',
      help: 'cifar10, cifar100, synthetic[:train=N,test=N,seed=N], a folder or archive in the official CIFAR layout, a .npz, or a folder of images: train/<class>/* with test/ or val/, or <class>/* with validation images held out',
      short: 'd',
    },
  },
  recipe: {
    form: { kind: 'choice', words: RECIPE_NAMES },
    default: 'notebook',
    changes: 'training',
    option: {
      group: 'schedule',
      help: 'Named settings: the notebook, the notebook as its code really runs, the paper, a quick try, or a fast training of our own (one-cycle)',
    },
  },
  epochs: {
    form: LENGTH,
    path: 'schedule.length',
    changes: 'training',
    plan: {},
    option: {
      group: 'schedule',
      help: 'Epochs in the whole run',
      shownDefault: '200; 20 with the recipe quick or fast',
    },
  },
  /** Epochs in the schedule count from 0. */
  startEpoch: {
    form: { kind: 'integer', minimum: 0 },
    default: 0,
    changes: 'training',
    option: { group: 'schedule', help: 'Count this many epochs as done in the schedule' },
  },
  batchSize: {
    form: { kind: 'integer', minimum: 1, maximum: 65536 },
    default: 128,
    changes: 'training',
    plan: {},
    option: { group: 'schedule', help: 'Images a step', short: 'b' },
  },
  /** What `schedule` begins with; the peak of a one-cycle schedule. */
  learningRate: {
    form: RATE,
    default: 0.1,
    changes: 'training',
    plan: {},
    option: {
      group: 'schedule',
      help: 'Learning rate before any drop; with the recipe fast the peak',
      name: 'lr',
      aliases: ['learning-rate'],
      shownDefault: '0.1; 0.2 with the recipe fast',
    },
  },
  scheduleKind: {
    form: { kind: 'choice', words: SCHEDULE_KINDS },
    path: 'schedule.kind',
    changes: 'training',
    option: {
      group: 'schedule',
      help: 'How the rate falls: in steps at the milestones, along half a cosine to 0, or one-cycle: up and down to 0 in straight lines. The last two depend on the length, so such a run cannot be extended; resumed, it goes on along the same curve',
      name: 'schedule',
      shownDefault: "the recipe's: one-cycle of fast, else steps",
    },
  },
  milestones: {
    form: { kind: 'integers' },
    path: 'schedule.milestones',
    changes: 'training',
    plan: {},
    option: {
      group: 'schedule',
      help: 'The rate drops after these epochs; none for never. Like gamma and warm-up not with the recipe fast',
      shownDefault: '100,150; half and three quarters with the recipe quick',
    },
  },
  gamma: {
    form: RATE,
    path: 'schedule.gamma',
    changes: 'training',
    option: { group: 'schedule', help: 'Factor of each drop', shownDefault: '0.1' },
  },
  warmup: {
    form: { kind: 'text', placeholder: '<epochs|error%>', read: parseWarmup },
    schema: warmupSchema,
    path: 'schedule.warmup',
    changes: 'training',
    option: {
      group: 'schedule',
      help: 'A tenth of the rate at first: none, a number of epochs, until a training error (80%), or whole-run',
      name: 'warm-up',
      shownDefault: 'by recipe for depth 110 and more, else none',
    },
  },
  ...OPTIMIZER_SETTINGS,
  /** Made by the recipe; `epochs`, `milestones`, `gamma` and `warmup` are its parts. */
  schedule: { schema: scheduleSchema, changes: 'training' },
  labelSmoothing: {
    form: { kind: 'number', minimum: 0, below: 1 },
    default: 0,
    changes: 'training',
    option: { group: 'schedule', help: 'Share of each label spread over all classes' },
  },
  seed: {
    form: { kind: 'integer', minimum: 0, maximum: 4294967295 },
    default: 1,
    changes: 'sample',
    option: { group: 'schedule', help: 'Of every random number of the run' },
  },
  /** Asked for as a number of images or a fraction; the number that it came to, 0 for none. */
  validation: {
    form: { kind: 'amount' },
    schema: z.int().check(z.minimum(0)),
    default: 0,
    changes: 'images',
    plan: {},
    option: {
      group: 'network',
      help: 'Training images to hold out; they choose the best epoch (the paper held out 5000)',
      shownDefault: 'none',
    },
  },
  normalization: {
    form: {
      kind: 'choice',
      words: NORMALIZATION_KINDS,
      other: { placeholder: 'MEAN/DEVIATION', read: parseNormalization },
    },
    schema: normalizationKindSchema,
    changes: 'training',
    option: {
      group: 'network',
      help: "Mean and deviation of the input: ImageNet's, those that many programs have for CIFAR-10, a half each, the training images' own, their mean image, or numbers",
      shownDefault:
        'imagenet; per-pixel-mean with the recipe paper; that of the weights to begin with',
    },
  },
  /** What someone changed while it trained, in the order of the steps; see `rateFactorAt`. */
  rateChanges: {
    schema: rateChangesSchema,
    default: [],
    older: [],
    changes: 'training',
  },
  /** Weights that training begins with; null for random ones. */
  initial: {
    schema: z.nullable(
      z.strictObject({
        /** The run or file as it was named. */
        source: z.string().check(z.minLength(1)),
        /** Of its parameters and running statistics (`weightsSha256`). */
        sha256: z.string(),
        /** 'all-but-last' for a last layer that is new. */
        layers: z.enum(['all', 'all-but-last']),
        /** Whether its numbers of the normalisation are used too, instead of the training images'. */
        keepsNormalization: z.boolean(),
        /** Where in the file they are, where that had to be said. */
        key: z.optional(z.string()),
      }),
    ),
    default: null,
    older: null,
    changes: 'training',
  },
  /** This stage and those before it do not change, nor do their running statistics. */
  freeze: {
    form: { kind: 'choice', words: ['none', ...STAGES] },
    default: 'none',
    older: 'none',
    changes: 'training',
    option: {
      group: 'network',
      help: 'Of weights to begin with: leave the network up to this stage as it is, running statistics included',
    },
  },
  augment: {
    form: { kind: 'flag' },
    default: true,
    changes: 'training',
    option: {
      group: 'network',
      help: 'Neither random crops nor flips',
      name: 'no-augment',
      sets: false,
    },
  },
  cropPadding: {
    form: { kind: 'integer', minimum: 0, maximum: CROP_PADDING },
    default: CROP_PADDING,
    older: CROP_PADDING,
    changes: 'training',
    option: {
      group: 'network',
      help: 'Black pixels on every side before the random crop',
    },
  },
  ...MACHINE_SETTINGS,
  printFreq: {
    form: { kind: 'integer', minimum: 1 },
    default: 55,
    changes: 'nothing',
    resumable: true,
    option: {
      group: 'run',
      help: 'A line every so many batches, where lines are printed',
      short: 'p',
    },
  },
  /** For people: no number depends on them. */
  name: {
    form: TITLE,
    schema: titleSchema,
    default: '',
    older: '',
    changes: 'nothing',
    resumable: true,
    option: { group: 'run', help: 'What to call the run in reports', shownDefault: 'nothing' },
  },
  note: {
    form: TITLE,
    schema: titleSchema,
    default: '',
    older: '',
    changes: 'nothing',
    resumable: true,
    option: {
      group: 'run',
      help: 'What to remember of the run; reports show it',
      shownDefault: 'none',
    },
  },
  /** A line in metrics.jsonl every so many batches (and at the last of an epoch). */
  metricsEvery: { form: { kind: 'integer', minimum: 1 }, default: 10, changes: 'nothing' },
  /** A checkpoint that is kept (`epoch-010`) every so many epochs. */
  saveEvery: {
    form: { kind: 'integer', minimum: 0 },
    default: 10,
    changes: 'nothing',
    resumable: true,
    // The runs of a table add up.
    plan: { default: 0 },
    option: {
      group: 'run',
      help: 'Keep a checkpoint every so many epochs, beside last and best; 0 for none',
    },
  },
  /** A crash loses no more than this; 0 for no limit. */
  checkpointSeconds: {
    form: { kind: 'number', minimum: 0 },
    default: 60,
    changes: 'nothing',
    resumable: true,
    option: { group: 'run', help: 'Save last at least this often; 0 for epochs only' },
  },
  checkpointSteps: {
    form: { kind: 'integer', minimum: 0 },
    default: 0,
    changes: 'nothing',
    resumable: true,
    option: { group: 'run', help: 'Save last every so many steps', shownDefault: '0, off' },
  },
  /** For trying things out; 0 for all. */
  limitBatches: {
    form: { kind: 'integer', minimum: 0 },
    default: 0,
    changes: 'training',
    plan: {},
    option: {
      group: 'run',
      help: 'At most so many batches an epoch and an evaluation, for a trial',
      shownDefault: 'all',
    },
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof SETTINGS;
