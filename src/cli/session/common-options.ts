// Options that several commands share, so that they mean and say the same everywhere.

import { defaultedOption, settingOption } from '../setting-options.ts';
import { choice, flag, text } from '../values.ts';

export const dataOption = settingOption('data');
export const deviceOption = defaultedOption('device');
export const halfOption = defaultedOption('half');
export const tuneOption = defaultedOption('tune');
export const tensorCoresOption = defaultedOption('tensorCores');
export const threadsOption = settingOption('threads');
export const memoryOption = defaultedOption('memory');
export const convOption = defaultedOption('convolution');
export const batchSizeOption = defaultedOption('batchSize');

/** What computes. */
export const computeOptions = {
  device: deviceOption,
  threads: threadsOption,
  convolution: convOption,
  half: halfOption,
  tensorCores: tensorCoresOption,
  tune: tuneOption,
};

export const checkpointOption = text({
  help: "Which of a run's checkpoints: best, last, epoch-010",
  placeholder: '<name>',
  shownDefault: 'best, else last',
});

const archCheckOption = text({
  help: 'Check that it is this network; tells a plain net from a residual one with the same weights',
  placeholder: '<arch>',
});

export const normalizationOption = {
  ...settingOption('normalization'),
  help: "How the images were normalised when the weights were trained: ImageNet's numbers, those that many programs have for CIFAR-10, a half each, made from the training images of --data, or numbers",
  shownDefault: "the weights' own, else imagenet, which is said",
};

const shortcutOption = choice(['A', 'A-end', 'B'], {
  help: 'Say what the shortcuts of the weights are, where no tensor tells: A has zeros on both sides, A-end behind',
  shownDefault: 'by the weights',
});

export const keyOption = text({
  help: 'Which network, where a file holds several: the beginning of its names, such as ema or student',
  placeholder: '<name>',
});

export const offlineOption = flag({ help: 'Never download' });

/** Which weights, and what they do not say themselves. */
export const weightsOptions = {
  checkpoint: checkpointOption,
  arch: archCheckOption,
  shortcut: shortcutOption,
  key: keyOption,
};

/** The same where images are needed for the normalisation alone, if at all. */
export const modelOptions = {
  ...weightsOptions,
  normalization: { ...normalizationOption, group: undefined },
  data: {
    ...dataOption,
    help: 'The training images that --normalization dataset or per-pixel-mean is made from',
    shownDefault: undefined,
    group: undefined,
  },
  offline: offlineOption,
};

export const strictOption = flag({
  help: 'Stop at the first unreadable picture of an image folder instead of skipping it',
});

export const jsonOption = flag({ help: 'Print one line of JSON on standard output' });
