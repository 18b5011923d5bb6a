// `npm start`: the whole experiment in a few minutes. It prefers the real data set, says plainly
// when it cannot have it, and then marks every line with the one it used instead, so that no number
// of it can pass for a result on CIFAR-10.

import type { Dataset } from '../../data/dataset.ts';
import { DownloadError, isCached } from '../../data/load.node.ts';
import { resolveConfig } from '../../experiment/recipes.ts';
import { table6Row } from '../../experiment/table6.ts';
import { createRun } from '../../runs/runs.node.ts';
import type { EndEvent } from '../../train/events.ts';
import { alignColumns } from '../../util/columns.ts';
import { formatCount, formatPercent } from '../../util/format.ts';
import { quoted } from '../advice.ts';
import { defineCommand } from '../command.ts';
import { commandName } from '../console/command-name.ts';
import { printJson } from '../console/print.ts';
import type { Terminal } from '../console/terminal.ts';
import { backendOptions, openBackend } from '../session/backend.ts';
import {
  dataOption,
  deviceOption,
  halfOption,
  jsonOption,
  offlineOption,
  threadsOption,
} from '../session/common-options.ts';
import { openDataset } from '../session/dataset.ts';
import { formatTable, progressTerminal } from '../session/output.ts';
import { trainOnConsole } from '../session/training.ts';
import { integer, text } from '../values.ts';

const ARCH = 'resnet20';
/** Enough to see it learn: about three minutes on two cores, about five with the real images. */
const EPOCHS = { synthetic: 6, other: 3 };
/** Section 4.2. */
const PAPER_STEPS = 64_000;

export const quickstart = defineCommand({
  description:
    "Uses CIFAR-10 if it is in the cache or can be downloaded, else synthetic pictures, and says which. Prints the test error beside Table 6's row.",
  arguments: [],
  options: {
    data: { ...dataOption, shownDefault: 'cifar10 if it can be had, else synthetic' },
    epochs: integer({
      help: 'Epochs to train',
      minimum: 1,
      shownDefault: `${EPOCHS.synthetic} on synthetic pictures, else ${EPOCHS.other}`,
    }),
    seed: integer({ help: 'Of every random number', initial: 1, minimum: 0, maximum: 4294967295 }),
    saveDir: text({ help: "The run's folder", placeholder: '<folder>', shownDefault: 'runs/...' }),
    limitBatches: integer({
      help: 'At most so many batches an epoch and an evaluation, for a trial',
      initial: 0,
      minimum: 0,
      shownDefault: 'all',
    }),
    device: deviceOption,
    threads: threadsOption,
    half: halfOption,
    offline: offlineOption,
    json: jsonOption,
  },
  examples: [
    { command: 'quickstart', help: 'What npm start does' },
    {
      command: 'quickstart --data ./data --epochs 10',
      help: 'Your copy of CIFAR-10, a little longer',
    },
  ],
  async run({ values }) {
    const { seed, offline, json } = values;
    const { device, threads, half } = backendOptions(values);
    const { dataset, terminal } = await chooseDataset(values.data, { offline, json });
    const isSynthetic = dataset.title === 'synthetic';
    const config = resolveConfig({
      arch: ARCH,
      recipe: 'quick',
      overrides: {
        epochs: values.epochs ?? (isSynthetic ? EPOCHS.synthetic : EPOCHS.other),
        data: dataset.source,
        classes: dataset.classes.length,
        limitBatches: values.limitBatches,
        ...{ seed, device, threads, half },
      },
    });
    await using backend = await openBackend(config);
    const run = await createRun({ config, dir: values.saveDir });
    const options = { run, dataset, backend, terminal, log: 'auto' } as const;
    const { end, exitCode } = await trainOnConsole(options);
    if (end.outcome === 'complete') printResult(end, dataset, run.dir, terminal);
    if (json) printJson({ run: run.dir, ...run.summary });
    return exitCode;
  },
});

/** The data set and a terminal that labels every line with it where it is synthetic. */
async function chooseDataset(
  asked: string | undefined,
  options: { offline: boolean; json: boolean },
): Promise<{ dataset: Dataset; terminal: Terminal }> {
  const plain = progressTerminal(options.json);
  const { offline } = options;
  if (asked !== undefined && !asked.startsWith('synthetic')) {
    return { dataset: await openDataset(asked, plain, { offline }), terminal: plain };
  }
  if (asked === undefined) {
    try {
      if (!offline && !isCached('cifar10')) {
        plain.line('CIFAR-10 is not in the cache; trying to download it.');
      }
      return { dataset: await openDataset('cifar10', plain, { offline }), terminal: plain };
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      plain.line(`[synthetic] CIFAR-10 cannot be had: ${error.message}.`);
      plain.line(
        '[synthetic] Training on synthetic pictures instead: ten kinds of drawn shapes, not CIFAR-10.',
      );
    }
  }
  const terminal = progressTerminal(options.json, '[synthetic]');
  return { dataset: await openDataset(asked ?? 'synthetic', terminal), terminal };
}

function printResult(end: EndEvent, dataset: Dataset, dir: string, terminal: Terminal): void {
  const row = table6Row(ARCH);
  const { final } = end.result;
  if (!row || !final) throw new Error('the quickstart ended without a test error');
  terminal.line();
  terminal.line(
    formatTable(
      ['ResNet-20', 'test error', 'data', 'steps of 128'],
      [
        [
          'Table 6 (He et al. 2015)',
          `${row.paperError.toFixed(2)} %`,
          'CIFAR-10',
          formatCount(PAPER_STEPS),
        ],
        [
          'this run',
          formatPercent(final.error),
          dataset.title,
          formatCount(end.position.iteration),
        ],
      ],
      (column) => column === 1 || column === 3,
    ),
  );
  terminal.line();
  terminal.line(
    dataset.isOriginalCifar10
      ? `The data are the same; the paper trains ${Math.round(PAPER_STEPS / end.position.iteration)} times as long.`
      : `The two numbers cannot be compared: this run is on ${dataset.title}, the paper's is on CIFAR-10.`,
  );
  terminal.line();
  terminal.line(`The run is in ${dir}. What next:`);
  const command = commandName();
  const next = [
    [`${command} evaluate ${quoted(dir)}`, 'where its mistakes are'],
    [`${command} train resnet20`, 'the whole experiment: 200 epochs on CIFAR-10'],
    [`${command} --help`, 'everything else'],
  ];
  for (const line of alignColumns(next, () => false).split('\n')) terminal.line(`  ${line}`);
}
