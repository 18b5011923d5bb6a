// The options of `table6 train`: every setting that users give, and what is not a setting of a run.

import { GIVEN_SETTINGS } from '../../train/config.ts';
import { GROUPS } from '../../train/setting.ts';
import { jsonOption, keyOption, offlineOption, strictOption } from '../session/common-options.ts';
import { settingOptions } from '../setting-options.ts';
import { choice, flag, text } from '../values.ts';

const { network, run } = GROUPS;

export const trainOptions = {
  ...settingOptions(GIVEN_SETTINGS),
  weights: text({
    help: 'Begin with the weights of a run or a file (.safetensors, .th, .pth) instead of random ones',
    aliases: ['pretrained'],
    placeholder: '<run|file>',
    group: network,
  }),
  init: text({
    help: 'The same with a new last layer, to fine-tune on other classes: the classes are those of the data, ARCH and the normalisation those of the weights',
    placeholder: '<run|file>',
    group: network,
  }),
  key: { ...keyOption, group: network },
  strict: { ...strictOption, group: network },
  offline: { ...offlineOption, group: network },
  config: text({
    help: "All settings from a file, such as a run's config.json; options beside it replace some",
    placeholder: '<file.json>',
    group: run,
  }),
  resume: text({
    help: 'Go on with a run, bit for bit as if it had never stopped; with more --epochs extend it',
    placeholder: '<run>',
    group: run,
  }),
  from: text({
    help: 'With --resume: a checkpoint of the run to go on from, such as previous, instead of the last one',
    placeholder: '<checkpoint>',
    group: run,
  }),
  evaluate: flag({
    help: 'Evaluate the run or weights given by --resume, --weights or --save-dir; do not train',
    short: 'e',
    group: run,
  }),
  saveDir: text({
    help: "The run's folder; an existing run is never overwritten",
    placeholder: '<folder>',
    shownDefault: 'runs/<arch>-seed<seed>',
    group: run,
  }),
  log: choice(['auto', 'plain', 'notebook', 'trainer'], {
    help: "Console: a bar on a terminal and lines elsewhere, lines, the notebook's exact lines (and ours on standard error), or those of the trainer that it is built on",
    initial: 'auto',
    group: run,
  }),
  tensorboard: flag({
    help: 'Write event files for TensorBoard into the run folder; a resumed run goes on with them',
    group: run,
  }),
  json: {
    ...jsonOption,
    help: 'Print the result as one line of JSON; progress goes to standard error',
    group: run,
  },
  dryRun: flag({
    help: 'A batch forward and backward, how long the whole run would take, then stop; nothing is saved',
    group: run,
  }),
};
