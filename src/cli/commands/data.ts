// `table6 data`: what a data set holds, so that training begins with the one that was meant; and how
// it looks to the network, with and without augmentation. Without a name: what the cache has.

import {
  contactSheet,
  type DatasetFacts,
  describeDataset,
  type SplitFacts,
} from '../../data/facts.ts';
import { cacheFolder, isCached } from '../../data/load.node.ts';
import { formatCount } from '../../util/format.ts';
import { defineCommand } from '../command.ts';
import { printJson } from '../console/print.ts';
import type { Terminal } from '../console/terminal.ts';
import { usageError } from '../options.ts';
import { jsonOption, offlineOption, strictOption } from '../session/common-options.ts';
import { openDataset } from '../session/dataset.ts';
import { formatTable, progressTerminal, writePng } from '../session/output.ts';
import { amount, flag, integer, text } from '../values.ts';

export const data = defineCommand({
  description:
    'Counts, classes, mean and deviation, and a checksum of every split. Without a name: the cache and what is in it.',
  arguments: [
    {
      name: 'DATA',
      help: 'cifar10, cifar100, synthetic, a folder or an archive',
      required: false,
    },
  ],
  options: {
    images: text({
      help: 'Write a contact sheet as a PNG file, one class a row',
      placeholder: '<file.png>',
    }),
    augmented: text({
      help: 'Write the same images as training moves them: cropped and flipped',
      placeholder: '<file.png>',
    }),
    zoom: integer({
      help: 'Pixels on the sheet for one of an image',
      initial: 2,
      minimum: 1,
      maximum: 16,
    }),
    validation: amount({ help: 'Show the validation split that --validation holds out' }),
    seed: integer({ help: 'Of the validation split and the sheets', initial: 1, minimum: 0 }),
    strict: strictOption,
    offline: offlineOption,
    list: flag({ help: 'List what is in the cache' }),
    json: jsonOption,
  },
  examples: [
    { command: 'data', help: 'Which data sets are in the cache' },
    { command: 'data cifar10 --images sheet.png', help: 'Statistics and a contact sheet' },
    { command: 'data photos/ --augmented moved.png', help: 'Your own folder, as training sees it' },
    { command: 'data synthetic --json', help: 'For another program' },
  ],
  async run({ values, positionals }) {
    const [source] = positionals;
    if (source === undefined || values.list) {
      if (values.images !== undefined || values.augmented !== undefined) {
        throw usageError('data', 'a contact sheet needs the name or path of a data set');
      }
      listCache(values.json);
      return 0;
    }
    const { validation, seed, strict, offline, zoom } = values;
    const terminal = progressTerminal(values.json);
    const dataset = await openDataset(source, terminal, { validation, seed, strict, offline });
    const facts = await describeDataset(dataset);
    for (const [path, augment] of [
      [values.images, false],
      [values.augmented, true],
    ] as const) {
      if (path !== undefined) await writePng(path, contactSheet(dataset, { augment, seed, zoom }));
    }
    if (values.json) printJson({ ...facts, images: values.images, augmented: values.augmented });
    else {
      printFacts(facts, terminal);
      if (values.images) terminal.line(`Contact sheet: ${values.images}`);
      if (values.augmented) terminal.line(`Contact sheet, augmented: ${values.augmented}`);
    }
    return 0;
  },
});

function listCache(json: boolean): void {
  const folder = cacheFolder();
  const cached = (['cifar10', 'cifar100'] as const).map((name) => ({
    name,
    cached: isCached(name),
  }));
  if (json) {
    printJson({ cache: folder, datasets: cached });
    return;
  }
  const terminal = progressTerminal(false);
  terminal.line(`Cache: ${folder} (TABLE6_DATA or XDG_CACHE_HOME move it)`);
  for (const { name, cached: isThere } of cached) {
    terminal.line(
      `  ${name.padEnd(10)}${isThere ? 'there' : 'not there; downloaded when asked for'}`,
    );
  }
  terminal.line('  synthetic always there: made from a seed');
}

function printFacts(facts: DatasetFacts, terminal: Terminal): void {
  terminal.line(`${facts.title} (${facts.source})`);
  if (facts.isOriginalCifar10) {
    terminal.line('The original CIFAR-10: all six batches are, image by image, as published.');
  } else {
    terminal.line("Not the original CIFAR-10: errors on it cannot stand beside the paper's.");
    for (const { name, state, text } of facts.batches ?? []) {
      terminal.line(`  ${name}: ${state === 'original' ? 'as published' : text}`);
    }
  }
  const splits: [string, SplitFacts][] = [
    ['train', facts.train],
    ...(facts.validation ? [['validation', facts.validation] as [string, SplitFacts]] : []),
    ['test', facts.test],
  ];
  terminal.line();
  terminal.line(
    formatTable(
      ['class', ...splits.map(([name]) => name)],
      [
        ...facts.classes.map((name, label) => [
          name,
          ...splits.map(([, split]) => formatCount(split.classCounts[label] ?? 0)),
        ]),
        ['all', ...splits.map(([, split]) => formatCount(split.count))],
      ],
    ),
  );
  terminal.line();
  for (const [name, split] of splits) {
    const numbers = (list: readonly number[]) => list.map((value) => value.toFixed(4)).join(', ');
    terminal.line(`${name}: mean ${numbers(split.mean)}  deviation ${numbers(split.deviation)}`);
    terminal.line(`${''.padEnd(name.length + 2)}SHA-256 ${split.sha256}`);
  }
}
