// Training that begins with given weights: with another last layer, with frozen stages, and again
// after a kill that came before the first checkpoint.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openInitial } from '../../src/cli/session/initial.ts';
import { encodePng } from '../../src/formats/png.node.ts';
import { writePyTorch } from '../../src/interop/pytorch/write.ts';
import { initializeWeights, withNewClassifier } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { openModel } from '../../src/runs/model.node.ts';
import { randomStream } from '../../src/util/random.ts';
import { table6 } from './run-table6.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'table6-fine-tune-'));
const at = (name: string) => path.join(folder, name);
const run = (...args: string[]) => table6(args, { cwd: folder, env: { XDG_CACHE_HOME: folder } });
const given = initializeWeights(createNetwork('resnet8', { shortcut: 'B' }), 9);

beforeAll(() => {
  writeFileSync(at('given.th'), writePyTorch(given));
  const random = randomStream(1, 'fine-tune-test');
  for (const [split, count] of Object.entries({ train: 6, test: 2 })) {
    for (const name of ['cat', 'dog', 'fox']) {
      mkdirSync(at(`images/${split}/${name}`), { recursive: true });
      for (let i = 0; i < count; i++) {
        const pixels = Uint8Array.from({ length: 3072 }, () => random.integer(256));
        const png = encodePng({ width: 32, height: 32, pixels });
        writeFileSync(at(`images/${split}/${name}/${i}.png`), png);
      }
    }
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const TRAIN = [
  ...['train', '--data', 'images', '--recipe', 'quick', '--epochs', '1', '-b', '6', '-j', '1'],
  ...['--lr', '0.01', '--seed', '3'],
];

describe('--init', () => {
  test('makes a new last layer for the classes of the data; network, shortcut and normalisation come with the weights', async () => {
    const { code, stdout, stderr } = await run(
      ...[...TRAIN, '--init', 'given.th', '--save-dir', 'tuned', '--freeze', 'layer2'],
      ...['--tensorboard'],
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^The weights do not say their normalisation: imagenet .* is assumed[^\n]*\n$/,
    );
    expect(stdout).toMatch(/^network +resnet8, shortcut B, 3 classes/m);
    expect(stdout).toMatch(/^begins with +the weights of given.th, with a new last layer$/m);
    expect(stdout).toMatch(/^frozen +conv1 to layer2$/m);
    expect(stdout).toContain('tensorboard --logdir tuned/tensorboard');
    const { weights, classes, config, normalization } = await openModel(at('tuned'), {
      checkpoint: 'last',
    });
    expect(classes).toEqual(['cat', 'dog', 'fox']);
    expect(normalization.kind).toBe('imagenet');
    expect(config).toMatchObject({
      // Found again from any folder.
      data: at('images'),
      freeze: 'layer2',
      initial: { source: 'given.th', layers: 'all-but-last', keepsNormalization: true },
    });
    expect(weights.get('linear.weight')!.shape).toEqual([3, 64]);
    for (const [name, { data }] of weights) {
      const isSame = given.get(name)!.data.every((value, i) => value === data[i]);
      expect(isSame, name).toBe(/^(conv1|bn1|layer1|layer2)\b/.test(name));
    }
  });

  test('begins again with the same weights after a kill before the first checkpoint', async () => {
    const done = await run(...TRAIN, '--init', 'given.th', '--save-dir', 'whole', '--json');
    const { weightsSha256 } = JSON.parse(done.stdout);
    await run(...TRAIN, '--init', 'given.th', '--save-dir', 'killed');
    for (const name of ['last', 'best']) rmSync(at(`killed/checkpoints/${name}.safetensors`));
    const again = await run('train', '--resume', 'killed', '--json');
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout).weightsSha256).toBe(weightsSha256);

    for (const name of ['last', 'best']) rmSync(at(`killed/checkpoints/${name}.safetensors`));
    const bytes = readFileSync(at('given.th'));
    writeFileSync(at('given.th'), writePyTorch(initializeWeights(createNetwork('resnet8'), 1)));
    const { code, stderr } = await run('train', '--resume', 'killed');
    expect(code).toBe(1);
    expect(stderr).toContain('given.th is no longer what the run began with');
    writeFileSync(at('given.th'), bytes);
  });
});

test('other classes are told when a run is resumed, by name and before images are decoded', async () => {
  for (const name of ['ant', 'bee', 'fox']) {
    for (const split of ['train', 'test']) {
      mkdirSync(at(`insects/${split}/${name}`), { recursive: true });
      writeFileSync(at(`insects/${split}/${name}/1.png`), 'no image at all');
    }
  }
  const { code, stdout, stderr } = await run('train', '--resume', 'tuned', '--data', 'insects');
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toBe(
    `The data in "${at('insects')}" are not those of the run: it is for 3 classes (cat, dog, fox), and they have 3 classes (ant, bee, fox); use the data it was made for.\n`,
  );
});

test('a table finds its images from any folder', async () => {
  const plan = ['reproduce', '--archs', 'resnet8', '--seeds', '1', '--data', 'images'];
  const args = ['--recipe', 'quick', '--epochs', '1', '--batch-size', '6', '--save-dir', 'table'];
  const { code } = await run(...plan, ...args, '--threads', '1');
  expect(code).toBe(0);
  expect(JSON.parse(readFileSync(at('table/plan.json'), 'utf8')).settings.data).toBe(at('images'));
  const again = await table6(['reproduce', '--seeds', '2', '--save-dir', at('table')]);
  expect(again.code).toBe(0);
  expect(again.stdout).toContain('finished resnet8 quick seed 2');
});

describe('what does not fit is refused with one sentence', () => {
  test.each<[string, string[], number, string]>([
    ['other classes with --weights', ['--weights', 'given.th'], 1, 'begin with --init instead'],
    ['both', ['--weights', 'given.th', '--init', 'given.th'], 2, 'give one'],
    ['--freeze alone', ['resnet8', '--freeze', 'layer1'], 2, 'give --init or --weights'],
    ['another network', ['resnet20', '--init', 'given.th'], 1, 'not of resnet20'],
    ['another shortcut', ['--init', 'given.th', '--shortcut', 'A'], 1, 'leave --shortcut away'],
    ['a stage that is none', ['--init', 'given.th', '--freeze', 'layer4'], 2, 'one of none, conv1'],
  ])('%s', async (_, args, exitCode, message) => {
    const { code, stderr } = await run(...TRAIN, ...args);
    expect(code).toBe(exitCode);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

test('a new last layer is the random network’s of the same seed; all else is the given one’s', () => {
  const network = createNetwork('resnet8', { shortcut: 'B', classes: 5 });
  const weights = withNewClassifier(given, network, 4);
  const random = initializeWeights(network, 4);
  for (const [name, tensor] of weights) {
    expect(tensor, name).toEqual((name.startsWith('linear.') ? random : given).get(name));
  }
  expect([...weights.keys()]).toEqual([...given.keys()]);
});

test('a normalisation that was asked for replaces the weights’ own', async () => {
  const initial = await openInitial({ init: at('given.th'), normalization: 'dataset' }, undefined);
  expect(initial?.config.keepsNormalization).toBe(false);
});
