import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWasmBackend } from '../../src/engine/wasm/backend.ts';
import { createNodeHost } from '../../src/engine/wasm/host.node.ts';
import { createInlineHost } from '../../src/engine/wasm/host-inline.ts';
import { encodePng } from '../../src/formats/png.node.ts';
import { createClassifier, loadWeights, type Model, type Prediction } from '../../src/index.ts';
import { writePyTorch } from '../../src/interop/pytorch/write.ts';
import { fromNamedTensors, writeSafetensors } from '../../src/interop/safetensors/safetensors.ts';
import { makeClassifier } from '../../src/library/classifier.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { randomStream } from '../../src/util/random.ts';
import { sharedFile } from '../support/shared.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'table6-library-'));
const at = (name: string) => path.join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const network = createNetwork('resnet8', { classes: 3 });
const weights = initializeWeights(network, 5);
const random = randomStream(3, 'library-test');
const pictures = Array.from({ length: 40 }, () => ({
  width: 32,
  height: 32,
  data: Uint8Array.from({ length: 3072 }, () => random.integer(256)),
}));

let model: Model;
beforeAll(async () => {
  const metadata = { classes: '["cat","dog","fox"]' };
  writeFileSync(at('model.safetensors'), writeSafetensors(fromNamedTensors(weights), metadata));
  writeFileSync(at('model.pth'), writePyTorch(weights));
  model = await loadWeights(at('model.safetensors'));
});

describe('a classifier', () => {
  test('gives the classes of a picture, likeliest first, with shares that make one', async () => {
    await using classifier = await createClassifier(model, { threads: 2 });
    expect(classifier).toMatchObject({ arch: 'resnet8', classes: ['cat', 'dog', 'fox'] });
    const predictions = await classifier.classify(pictures[0]!);
    expect(predictions.map(({ name }) => name).sort()).toEqual(['cat', 'dog', 'fox']);
    const shares = predictions.map(({ probability }) => probability);
    expect(shares.toSorted((a, b) => b - a)).toEqual(shares);
    expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(1, 12);
    for (const { name, index } of predictions) expect(classifier.classes[index]).toBe(name);
  });

  test('gives a list for a list, longer than a batch, each as alone', async () => {
    await using classifier = await createClassifier(model, { threads: 1 });
    const all = await classifier.classify(pictures, { top: 1 });
    expect(all).toHaveLength(40);
    for (const i of [0, 7, 39]) {
      expect([await classifier.classify(pictures[i]!, { top: 1 })]).toEqual([all[i]]);
    }
    expect(await classifier.classify([])).toEqual([]);
  });

  test('may be asked again before it has answered', async () => {
    await using classifier = await createClassifier(model, { threads: 2 });
    const together = await Promise.all(pictures.slice(0, 6).map((p) => classifier.classify(p)));
    expect(together).toEqual(await classifier.classify(pictures.slice(0, 6)));
  });

  test('goes on after a picture that cannot be read, which it names', async () => {
    await using classifier = await createClassifier(model, { threads: 1 });
    writeFileSync(at('text.png'), 'no picture');
    await expect(classifier.classify(at('text.png'))).rejects.toThrow(
      /text\.png cannot be read as an image \(/,
    );
    await expect(classifier.classify(at('none.png'))).rejects.toThrow(
      'none.png" does not exist: check the path.',
    );
    expect(await classifier.classify(pictures[0]!)).toHaveLength(3);
  });

  test('takes a path, a file address, a Blob and pixels for the same picture', async () => {
    await using classifier = await createClassifier(model, { threads: 1 });
    const { width, height, data } = pictures[1]!;
    const png = encodePng({ width, height, pixels: data });
    writeFileSync(at('picture.png'), png);
    const expected = await classifier.classify(pictures[1]!);
    const blob = new Blob([Uint8Array.from(png)]);
    for (const source of [at('picture.png'), pathToFileURL(at('picture.png')), blob]) {
      expect(await classifier.classify(source)).toEqual(expected);
    }
  });

  test('answers the same on threads and without any', async () => {
    const answers: Prediction[][][] = [];
    for (const host of [createNodeHost(), createInlineHost()]) {
      const backend = await createWasmBackend({ host, threads: host.cores === 1 ? 1 : 2 });
      await using classifier = await makeClassifier(
        model,
        backend,
        async (picture: Uint8Array) => picture,
      );
      answers.push(await classifier.classify(pictures.map(({ data }) => data)));
    }
    expect(answers[1]).toEqual(answers[0]);
  });

  test('names classes by number where the weights have no names', async () => {
    await using classifier = await createClassifier(await loadWeights(at('model.pth')), {
      threads: 1,
    });
    expect(classifier.classes).toEqual(['class 0', 'class 1', 'class 2']);
  });
});

describe('loading weights', () => {
  let server: Server;
  let address: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/model.pth') response.end(readFileSync(at('model.pth')));
      else if (request.url === '/page') response.end('<!doctype html><p>Not found');
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  test('from a path, addresses and bytes of every kind', async () => {
    const bytes = Uint8Array.from(readFileSync(at('model.pth')));
    const sources = [
      ...[at('model.pth'), pathToFileURL(at('model.pth')), `${address}/model.pth`],
      ...[new URL(`${address}/model.pth`), bytes, bytes.buffer, new Blob([bytes])],
    ];
    for (const source of sources) {
      const loaded = await loadWeights(source);
      expect(loaded.network).toEqual(network);
      expect(loaded.weights.get('linear.bias')).toEqual(weights.get('linear.bias'));
    }
  });

  test('says in one sentence what is wrong with an address', async () => {
    await expect(loadWeights(`${address}/none`)).rejects.toThrow('the answer was 404');
    await expect(loadWeights(`${address}/page`)).rejects.toThrow('is a web page, not weights');
    server.close();
    server.closeAllConnections();
    await expect(loadWeights(`${address}/model.pth`)).rejects.toThrow('cannot be fetched (');
  });
});

const published = sharedFile('data/pretrained/resnet20-12fca82f.th');

test.skipIf(published === undefined)(
  'published weights tell CIFAR-10’s classes apart',
  async () => {
    const records = readFileSync(
      sharedFile('data/cifar10-sample/cifar-10-batches-bin/test_batch.bin')!,
    );
    await using classifier = await createClassifier(await loadWeights(published!));
    const planes = (record: Buffer) =>
      Uint8Array.from({ length: 3072 }, (_, i) => record[1 + (i % 3) * 1024 + Math.floor(i / 3)]!);
    const some = Array.from({ length: 200 }, (_, i) => records.subarray(i * 3073, (i + 1) * 3073));
    const answers = await classifier.classify(
      some.map((record) => ({ width: 32, height: 32, data: planes(record) })),
      { top: 1 },
    );
    const right = answers.filter(([best], i) => best!.index === some[i]![0]);
    expect(right.length).toBeGreaterThan(175);
  },
);
