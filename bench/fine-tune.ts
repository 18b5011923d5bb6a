// What published weights are worth on a small data set of one's own: an image folder of 500 training
// images in three classes, made from a folder in CIFAR-10's layout, trained from scratch and from
// given weights with a new last layer. Prints a table of test errors over seeds.
//
//   node bench/fine-tune.ts --from ../shared/data/cifar10-sample \
//     --init ../shared/data/pretrained/resnet20-12fca82f.th [--seeds 5] [--threads 2] [--classes bird,cat,dog]

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Dataset, IMAGE_SIZE, imageBytes, type Split } from '../src/data/dataset.ts';
import { loadDataset } from '../src/data/load.node.ts';
import { encodePng } from '../src/formats/png.node.ts';
import { describeSample, meanInterval } from '../src/util/statistics.ts';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: 'cifar10' },
    init: { type: 'string' },
    classes: { type: 'string', default: 'bird,cat,dog' },
    images: { type: 'string', default: '500' },
    seeds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
  },
});
if (values.init === undefined) throw new Error('--init <weights> is needed');
const init = path.resolve(values.init);
const classes = values.classes.split(',');
const images = Number(values.images);
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);

/** Both are given what suits them: from scratch a large rate and twice the epochs. */
const COMMON = ['-b', '32', '--recipe', 'quick', '-j', values.threads, '--json', '--log', 'plain'];
const VARIANTS = [
  {
    name: 'from scratch, 60 epochs at 0.1',
    options: ['resnet20', '--epochs', '60', '--lr', '0.1'],
  },
  {
    name: 'fine-tuned, 30 epochs at 0.01',
    options: ['--init', init, '--epochs', '30', '--lr', '0.01'],
  },
  {
    name: 'fine-tuned, frozen up to layer2',
    options: ['--init', init, '--freeze', 'layer2', '--epochs', '30', '--lr', '0.01'],
  },
];

/** Writes the first images of the chosen classes as PNG files, as many of each as of the others. */
function writeSplit(dataset: Dataset, split: Split, to: string, limit: number): number {
  const labels = classes.map((name) => dataset.classes.indexOf(name));
  if (labels.includes(-1)) throw new Error(`the classes are ${dataset.classes.join(', ')}`);
  const left = labels.map((_, i) => Math.floor((limit + i) / classes.length));
  let written = 0;
  for (let i = 0; i < split.count; i++) {
    const place = labels.indexOf(split.labels[i]!);
    if (place < 0 || left[place] === 0) continue;
    left[place]!--;
    written++;
    const folder = path.join(to, classes[place]!);
    mkdirSync(folder, { recursive: true });
    const pixels = imageBytes(split, i);
    const png = encodePng({ width: IMAGE_SIZE, height: IMAGE_SIZE, pixels });
    writeFileSync(path.join(folder, `${String(i).padStart(5, '0')}.png`), png);
  }
  return written;
}

interface Result {
  readonly result: { readonly final: { readonly error: number } };
  readonly seconds: number;
}

function train(data: string, dir: string, options: readonly string[]): Result {
  const bin = path.join(import.meta.dirname, '..', 'bin', 'table6.js');
  const argv = [bin, 'train', ...options, '--data', data, '--save-dir', dir, ...COMMON];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Result;
}

const folder = mkdtempSync(path.join(tmpdir(), 'table6-fine-tune-'));
try {
  const dataset = await loadDataset(values.from);
  const data = path.join(folder, 'images');
  const counts = [
    writeSplit(dataset, dataset.train, path.join(data, 'train'), images),
    writeSplit(dataset, dataset.test, path.join(data, 'test'), Number.MAX_SAFE_INTEGER),
  ];
  console.log(`${classes.join(', ')}: ${counts[0]} training images, ${counts[1]} test images`);
  console.log(`begins with ${path.basename(init)}; seeds ${seeds.join(', ')}; batch size 32\n`);
  console.log(
    '| resnet20 | test error, mean ± sd | 95 % interval of the mean | each seed | s a run |',
  );
  console.log('|---|---:|---:|---|---:|');
  for (const [i, { name, options }] of VARIANTS.entries()) {
    const runs = seeds.map((seed) =>
      train(data, path.join(folder, `run-${i}-${seed}`), [...options, '--seed', String(seed)]),
    );
    const errors = runs.map(({ result }) => 100 * result.final.error);
    const sample = describeSample(errors)!;
    const interval = meanInterval(sample);
    const seconds = runs.reduce((sum, run) => sum + run.seconds, 0) / runs.length;
    const cells = [
      name,
      `${sample.mean.toFixed(1)} ± ${(sample.deviation ?? 0).toFixed(1)} %`,
      interval ? `${interval.low.toFixed(1)} to ${interval.high.toFixed(1)} %` : '',
      errors.map((error) => error.toFixed(1)).join(', '),
      seconds.toFixed(0),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
