// Trained networks in a tab: evaluated, used on a picture, looked into, exported and taken in again.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageBytes } from '../../../src/data/dataset.ts';
import { makeSynthetic } from '../../../src/data/synthetic.ts';
import {
  fromNamedTensors,
  writeSafetensors,
} from '../../../src/interop/safetensors/safetensors.ts';
import { readWeights } from '../../../src/interop/weights.ts';
import { createClassifier, loadWeights } from '../../../src/library/library.node.ts';
import { initializeWeights } from '../../../src/nn/initialize.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import type { ModelFacts } from '../../../src/web/worker/protocol.ts';
import { findChromium } from '../../support/chromium.ts';
import { sharedFile, sharedPublished } from '../../support/shared.ts';
import { openBrowser, type Tab, type TabBrowser } from './tab.ts';

const chromium = findChromium();
const published = sharedPublished('resnet20-12fca82f');
const sample = sharedFile('data/cifar10-sample/cifar-10-batches-bin');
const DATA = 'synthetic:train=128,test=50';

describe.skipIf(!chromium)('models in a tab', () => {
  let browser: TabBrowser;
  let tab: Tab;
  beforeAll(async () => {
    browser = await openBrowser(chromium!);
    tab = await browser.open();
    await tab.run(`
      await client.ask('device', { device: 'cpu', threads: 2 });
      const { runs: [run] } = await client.ask('start', {
        runs: [{ arch: 'resnet8', recipe: 'quick', overrides: { epochs: 1, batchSize: 32 } }], data: '${DATA}',
      });
      await stopped(run);
    `);
  });
  afterAll(() => browser[Symbol.asyncDispose]());

  const RUN = 'runs/resnet8-seed1';
  const LOAD = `const { model } = await client.ask('loadModel', { source: { from: 'run', run: '${RUN}' } });`;

  it('a run’s weights are evaluated: every image is in one cell of the confusion', async () => {
    const report = await tab.run<{
      images: number;
      wrong: number;
      classes: string[];
      confusion: number[][];
      cells: number[][][];
      worst: object[];
    }>(`${LOAD} return await client.ask('evaluate', { model, data: '${DATA}', worst: 3 });`);
    expect(report.images).toBe(50);
    expect(report.worst).toHaveLength(3);
    expect(report.cells.map((row) => row.map((cell) => cell.length))).toEqual(report.confusion);
    expect(report.cells.flat(2).sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
    const right = report.confusion.reduce((sum, row, i) => sum + row[i]!, 0);
    expect(report.wrong).toBe(50 - right);
  });

  it('classifies an image, likeliest first, as the evaluation does', async () => {
    const { probabilities, cells } = await tab.run<{
      probabilities: { index: number; name: string; probability: number }[];
      cells: number[][][];
    }>(
      `${LOAD} const { cells } = await client.ask('evaluate', { model, data: '${DATA}' });
      const image = { data: '${DATA}', split: 'test', index: 7 };
      return { cells, probabilities: await client.ask('classify', { model, image }) };`,
    );
    expect(probabilities).toHaveLength(10);
    expect(probabilities.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6);
    const predicted = cells.flatMap((row) =>
      row.flatMap((cell, i) => (cell.includes(7) ? [i] : [])),
    );
    expect(predicted).toEqual([probabilities[0]!.index]);
  });

  it('shows what is inside, also while it trains', async () => {
    const seen = await tab.run<Record<string, unknown>>(`
      const { runs: [run] } = await client.ask('start', {
        runs: [{ arch: 'resnet14', recipe: 'quick', overrides: { epochs: 50, batchSize: 32 } }], data: '${DATA}',
      });
      const source = { from: 'training', run };
      const first = await client.ask('loadModel', { source });
      const responses = await client.ask('responses', { model: first.model });
      await until(() => steps(run).length > first.iteration + 1);
      const second = await client.ask('loadModel', { source });
      const image = { data: '${DATA}', split: 'test', index: 0 };
      const { model } = second;
      const blocks = await client.ask('blocks', { model });
      const maps = await client.ask('maps', { model, image, block: 'layer2.0' });
      const pixel = await client.ask('pixel', { model, image, convolution: 'layer2.0.conv2', row: 3, column: 4, channel: 5 });
      const filters = await client.ask('filters', { model });
      await client.ask('stop');
      return {
        names: [first.model === second.model, second.iteration > first.iteration],
        responses: responses.length,
        blocks: blocks.map(({ block }) => block),
        output: [maps.output.size, maps.output.channels, maps.output.values.length],
        same: Math.abs(pixel.output - maps.output.values[(3 * 16 + 4) * 32 + 5]) < 1e-5,
        filters: [filters.count, filters.values.length],
      };`);
    expect(seen).toEqual({
      names: [true, true],
      responses: 13,
      blocks: ['conv1', 'layer1.0', 'layer1.1', 'layer2.0', 'layer2.1', 'layer3.0', 'layer3.1'],
      output: [16, 32, 16 * 16 * 32],
      same: true,
      filters: [16, 16 * 27],
    });
  });

  it.each(['safetensors', 'pth'] as const)(
    '%s goes out and comes in again with the same weights',
    async (format) => {
      const { name, file } = await tab.run<{ name: string; file: string }>(
        `${LOAD} const { name, file } = await client.ask('exportModel', { model, format: '${format}' });
      const again = await client.ask('loadModel', { source: { from: 'file', file, name } });
      const image = { data: '${DATA}', split: 'test', index: 3 };
      const [a, b] = await Promise.all([model, again.model].map((each) => client.ask('filters', { model: each })));
      if (String(a.values) !== String(b.values)) throw new Error('other weights came back');
      return { name, file: await base64(file) };`,
      );
      expect(name).toBe(`resnet8.${format}`);
      expect(readWeights(Buffer.from(file, 'base64')).network.arch).toBe('resnet8');
    },
  );

  it('what a reader says of weights is used as Node.js uses it', async () => {
    // Two networks under names of another program, which say neither padding nor normalisation.
    const network = createNetwork('resnet8', { classes: 10 });
    const tensors = ['ema', 'student'].flatMap((place, seed) =>
      [...initializeWeights(network, seed + 1)].map(
        ([name, tensor]) => [`${place}.${name.replace('linear', 'fc')}`, tensor] as const,
      ),
    );
    const bytes = writeSafetensors(fromNamedTensors(new Map(tensors)));
    const file = await tab.serve({ name: 'two.safetensors', bytes });
    const refused = await tab.run(
      `const file = await blobOf(argument);
      return await refusal(client.ask('loadModel', { source: { from: 'file', file, name: 'two' } }));`,
      file,
    );
    expect(refused).toMatchObject({
      code: 'several-networks',
      facts: { places: ['ema', 'student'] },
    });
    const said = { key: 'student', shortcut: 'A-end', normalization: 'half' } as const;
    const { facts, probabilities } = await tab.run<{
      facts: ModelFacts;
      probabilities: { name: string; probability: number }[];
    }>(
      `const file = await blobOf(argument.file);
      const facts = await client.ask('loadModel', { source: { from: 'file', file, name: 'two', ...argument.said } });
      const image = { data: '${DATA}', split: 'test', index: 7 };
      return { facts, probabilities: await client.ask('classify', { model: facts.model, image }) };`,
      { file, said },
    );
    expect(facts).toMatchObject({ shortcut: 'A-end', normalization: 'half' });
    expect(facts.notices.filter(({ about }) => about !== undefined)).toEqual([]);
    await using classifier = await createClassifier(await loadWeights(bytes, said));
    const data = imageBytes(makeSynthetic(DATA).test, 7);
    const expected = await classifier.classify({ width: 32, height: 32, data }, { top: 10 });
    expect(probabilities.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
    for (const [i, { probability }] of probabilities.entries()) {
      expect(probability).toBeCloseTo(expected[i]!.probability, 5);
    }
    const own = await tab.run<ModelFacts>(
      `const file = await blobOf(argument.file);
      const source = { from: 'file', file, name: 'two', key: 'ema', normalization: 'dataset', data: '${DATA}' };
      return await client.ask('loadModel', { source });`,
      { file },
    );
    expect(own).toMatchObject({ shortcut: 'A', normalization: 'dataset' });
    expect(own.notices.map(({ about }) => about)).toContain('shortcut');
  });

  it('ONNX goes out, with its writer loaded only then', async () => {
    const size = await tab.run<number>(
      `${LOAD} return (await client.ask('exportModel', { model, format: 'onnx' })).file.size;`,
    );
    expect(size).toBeGreaterThan(300_000);
  });

  it.each([
    ['a malicious pickle', "\x80\x02cposix\nsystem\n(S'touch /tmp/was-here'\ntR.", 'posix.system'],
    ['a web page', '<!doctype html>', 'is a web page'],
    ['an empty file', '', 'is empty'],
  ])('%s is refused with a sentence', async (_, content, sentence) => {
    const refused = await tab.run<{ message: string }>(
      `return await refusal(client.ask('loadModel', { source: { from: 'file', file: new Blob([new Uint8Array(argument)]), name: 'w.th' } }));`,
      [...Buffer.from(content, 'latin1')],
    );
    expect(refused.message).toContain(sentence);
  });

  it.skipIf(!published || !sample)(
    'published weights get 85 of the dropped sample’s 1,017 wrong',
    async () => {
      const weights = await tab.serve(published!.file);
      const names = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`);
      const files: [string, string][] = [];
      for (const name of [...names, 'test_batch.bin', 'batches.meta.txt']) {
        const bytes = readFileSync(`${sample}/${name}`);
        files.push([`sample/${name}`, await tab.serve({ name, bytes })]);
      }
      const report = await tab.run(
        `const files = await Promise.all(argument.files.map(async ([path, address]) => ({ path, file: await blobOf(address) })));
      const { data, title } = await client.ask('loadData', { source: { from: 'files', files } });
      const file = await blobOf(argument.weights);
      const { model, arch, classes } = await client.ask('loadModel', { source: { from: 'file', file, name: 'resnet20.th' } });
      const { images, wrong } = await client.ask('evaluate', { model, data });
      return { arch, images, wrong, first: classes[0] };`,
        { weights, files },
      );
      expect(report).toEqual({ arch: 'resnet20', images: 1017, wrong: 85, first: 'airplane' });
    },
  );

  it('left no error in the console', () => {
    expect(tab.errors).toEqual([]);
  });
});
