// The options of `table6 train`: the notebook's arguments under their own names, then what it left
// open. Those without a default here take it from the recipe.

import { FREEZE_CHOICES, RECIPE_NAMES } from '../../train/config.ts';
import {
  convOption,
  dataOption,
  deviceOption,
  halfOption,
  jsonOption,
  memoryOption,
  offlineOption,
  strictOption,
  tensorCoresOption,
  threadsOption,
  tuneOption,
} from '../session/common-options.ts';
import { amount, choice, flag, integer, integerList, number, text } from '../values.ts';

const SCHEDULE = 'Schedule and optimizer';
const NETWORK = 'Network and data';
const SAVING = 'Run folder and console';
const MACHINE = 'Machine';

export const trainOptions = {
  recipe: choice(RECIPE_NAMES, {
    help: 'Named settings: the notebook, the notebook as its code really runs, the paper, a quick try, or a fast training of our own (one-cycle)',
    shownDefault: 'notebook',
    group: SCHEDULE,
  }),
  epochs: integer({
    help: 'Epochs in the whole run',
    shownDefault: '200; 20 with --recipe quick or fast',
    minimum: 1,
    group: SCHEDULE,
  }),
  startEpoch: integer({
    help: 'Count this many epochs as done in the schedule',
    shownDefault: '0',
    minimum: 0,
    group: SCHEDULE,
  }),
  batchSize: integer({
    help: 'Images a step',
    short: 'b',
    shownDefault: '128',
    minimum: 1,
    maximum: 65536,
    group: SCHEDULE,
  }),
  lr: number({
    help: 'Learning rate before any drop; with --recipe fast the peak',
    aliases: ['learning-rate'],
    shownDefault: '0.1; 0.2 with --recipe fast',
    minimum: 0,
    group: SCHEDULE,
  }),
  milestones: integerList({
    help: 'The rate drops after these epochs; none for never. Like --gamma and --warm-up not with --recipe fast',
    shownDefault: '100,150; half and three quarters with --recipe quick',
    group: SCHEDULE,
  }),
  gamma: number({
    help: 'Factor of each drop',
    shownDefault: '0.1',
    minimum: 0,
    group: SCHEDULE,
  }),
  warmUp: text({
    help: 'A tenth of the rate at first: none, a number of epochs, until a training error (80%), or whole-run',
    placeholder: '<epochs|error%>',
    shownDefault: 'by recipe for depth 110 and more, else none',
    group: SCHEDULE,
  }),
  momentum: number({
    help: 'Of SGD',
    shownDefault: '0.9',
    minimum: 0,
    maximum: 1,
    group: SCHEDULE,
  }),
  weightDecay: number({
    help: 'Of SGD, on every parameter',
    aliases: ['wd'],
    shownDefault: '0.0001; 0.0005 with --recipe fast',
    minimum: 0,
    group: SCHEDULE,
  }),
  labelSmoothing: number({
    help: 'Share of each label spread over all classes',
    shownDefault: '0',
    minimum: 0,
    maximum: 0.99,
    group: SCHEDULE,
  }),
  seed: integer({
    help: 'Of every random number of the run',
    shownDefault: '1',
    minimum: 0,
    maximum: 4294967295,
    group: SCHEDULE,
  }),
  arch: text({
    help: 'Same as the argument ARCH',
    short: 'a',
    placeholder: '<arch>',
    group: NETWORK,
  }),
  shortcut: choice(['A', 'B'], {
    help: 'Shortcut where the shape changes: A pads with zeros, B projects',
    shownDefault: 'A',
    group: NETWORK,
  }),
  weights: text({
    help: 'Begin with the weights of a run or a file (.safetensors, .th, .pth) instead of random ones',
    aliases: ['pretrained'],
    placeholder: '<run|file>',
    group: NETWORK,
  }),
  init: text({
    help: 'The same with a new last layer, to fine-tune on other classes: the classes are those of the data, ARCH and the normalisation those of the weights',
    placeholder: '<run|file>',
    group: NETWORK,
  }),
  freeze: choice(FREEZE_CHOICES, {
    help: 'With --init or --weights: leave the network up to this stage as it is, running statistics included',
    shownDefault: 'none',
    group: NETWORK,
  }),
  data: { ...dataOption, short: 'd', group: NETWORK },
  validation: amount({
    help: 'Training images to hold out; they choose the best epoch',
    shownDefault: 'none',
    group: NETWORK,
  }),
  normalization: choice(['imagenet', 'dataset', 'per-pixel-mean'], {
    help: 'Mean and deviation of the input',
    shownDefault:
      "imagenet; per-pixel-mean with --recipe paper; the weights' own with --init or --weights",
    group: NETWORK,
  }),
  noAugment: flag({ help: 'Neither random crops nor flips', group: NETWORK }),
  strict: { ...strictOption, group: NETWORK },
  offline: { ...offlineOption, group: NETWORK },
  resume: text({
    help: 'Go on with a run, bit for bit as if it had never stopped',
    placeholder: '<run>',
    group: SAVING,
  }),
  evaluate: flag({
    help: 'Evaluate the run or weights given by --resume, --weights or --save-dir; do not train',
    short: 'e',
    group: SAVING,
  }),
  saveDir: text({
    help: "The run's folder; an existing run is never overwritten",
    placeholder: '<folder>',
    shownDefault: 'runs/<arch>-seed<seed>',
    group: SAVING,
  }),
  saveEvery: integer({
    help: 'Keep a checkpoint every so many epochs, beside last and best; 0 for none',
    shownDefault: '10',
    minimum: 0,
    group: SAVING,
  }),
  checkpointSeconds: number({
    help: 'Save last at least this often; 0 for epochs only',
    shownDefault: '60',
    minimum: 0,
    group: SAVING,
  }),
  checkpointSteps: integer({
    help: 'Save last every so many steps',
    shownDefault: '0, off',
    minimum: 0,
    group: SAVING,
  }),
  printFreq: integer({
    help: 'A line every so many batches, where lines are printed',
    short: 'p',
    shownDefault: '55',
    minimum: 1,
    group: SAVING,
  }),
  log: choice(['auto', 'plain', 'notebook'], {
    help: "Console: a bar on a terminal and lines elsewhere, lines, or the notebook's exact lines",
    initial: 'auto',
    group: SAVING,
  }),
  tensorboard: flag({
    help: 'Write event files for TensorBoard into the run folder; a resumed run goes on with them',
    group: SAVING,
  }),
  json: {
    ...jsonOption,
    help: 'Print the result as one line of JSON; progress goes to standard error',
    group: SAVING,
  },
  dryRun: flag({
    help: 'One batch forward and backward, then stop; nothing is saved',
    group: SAVING,
  }),
  limitBatches: integer({
    help: 'At most so many batches an epoch and an evaluation, for a trial',
    shownDefault: 'all',
    minimum: 0,
    group: SAVING,
  }),
  device: { ...deviceOption, group: MACHINE },
  threads: { ...threadsOption, aliases: ['workers'], group: MACHINE },
  conv: { ...convOption, group: MACHINE },
  memory: { ...memoryOption, group: MACHINE },
  half: { ...halfOption, group: MACHINE },
  tensorCores: { ...tensorCoresOption, group: MACHINE },
  tune: { ...tuneOption, group: MACHINE },
};
