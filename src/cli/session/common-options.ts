// Options that several commands share, so that they mean and say the same everywhere.

import { defaultedOption, settingOption } from '../setting-options.ts';
import { flag, text } from '../values.ts';

export const dataOption = settingOption('data');
export const deviceOption = defaultedOption('device');
export const halfOption = defaultedOption('half');
export const tuneOption = defaultedOption('tune');
export const tensorCoresOption = defaultedOption('tensorCores');
export const threadsOption = settingOption('threads');
export const memoryOption = defaultedOption('memory');
export const convOption = defaultedOption('convolution');
export const batchSizeOption = defaultedOption('batchSize');

export const checkpointOption = text({
  help: "Which of a run's checkpoints: best, last, epoch-010",
  placeholder: '<name>',
  shownDefault: 'best, else last',
});

export const archCheckOption = text({
  help: 'Check that it is this network; tells a plain net from a residual one with the same weights',
  placeholder: '<arch>',
});

export const strictOption = flag({
  help: 'Stop at the first unreadable picture of an image folder instead of skipping it',
});

export const offlineOption = flag({ help: 'Never download' });

export const jsonOption = flag({ help: 'Print one line of JSON on standard output' });
