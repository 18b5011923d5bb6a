// `table6 evaluate` and `predict`: a trained run on its own data, and published weights.

import { readFile, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { sharedFile } from '../support/shared.ts';
import { createWorkspace, DATA, parseJson, TRAIN } from './workspace.ts';

const { at, run } = createWorkspace();
const EVALUATE = ['evaluate', 'trained', '--threads', '1'];

describe('evaluate and predict', () => {
  beforeAll(async () => {
    await run([...TRAIN, '--epochs', '1', '--save-dir', 'trained']);
  });

  test('evaluate a run: the error that training reported, on its own data', async () => {
    const { code, stdout } = await run([...EVALUATE, '--checkpoint', 'last', '--json']);
    expect(code).toBe(0);
    const result = parseJson(stdout);
    const summary = parseJson(await readFile(at('trained/summary.json'), 'utf8')) as {
      result?: { final?: { error?: number } };
    };
    expect(result).toMatchObject({ images: 200, arch: 'resnet8', split: 'test', data: DATA });
    expect(result.top1_error).toBeCloseTo(summary.result?.final?.error ?? -1, 10);
    expect(result.wrong).toBe(Math.round(200 * (result.top1_error as number)));
    const confusion = result.confusion as number[][];
    expect(confusion.flat().reduce((sum, count) => sum + count, 0)).toBe(200);
    expect(result.worst).toHaveLength(10);
    expect(stdout).toMatch(/^\{"images":200,"wrong":\d+,"top1_error":/);
  });

  test('as text: errors, classes, confusion, and the worst mistakes as pictures', async () => {
    const { stdout } = await run([...EVALUATE, '--images', 'worst.png']);
    for (const part of ['top-1 error', 'top-5 error', 'accuracy', 'Confusion:', 'Worst mistakes']) {
      expect(stdout).toContain(part);
    }
    expect((await readFile(at('worst.png'))).subarray(1, 4).toString()).toBe('PNG');
  });

  test('--mirrored gives the errors of the mean over both views beside the plain ones', async () => {
    const [plain, both, text, table] = await Promise.all([
      run([...EVALUATE, '--json']),
      run([...EVALUATE, '--json', '--mirrored']),
      run([...EVALUATE, '--mirrored']),
      run(['evaluate', 'trained', 'trained', '--threads', '1', '--mirrored']),
    ]);
    const { seconds: _, ...result } = parseJson(plain.stdout);
    const { mirrored, ...rest } = parseJson(both.stdout);
    expect(rest).toMatchObject(result);
    expect(result).not.toHaveProperty('mirrored');
    const { wrong, top1_error } = mirrored as { wrong: number; top1_error: number };
    expect(top1_error).toBe(wrong / 200);
    expect(text.stdout).toContain(`(${wrong} wrong), from the mean of the logits of each image`);
    expect(table.stdout).toMatch(/loss +mirrored too\n/);
  });

  test('train --evaluate is evaluate', async () => {
    const [one, other] = await Promise.all([
      run(['train', '--evaluate', '--resume', 'trained', '-j', '1', '--json']),
      run([...EVALUATE, '--json']),
    ]);
    const { seconds: _, ...result } = parseJson(one.stdout);
    expect(parseJson(other.stdout)).toMatchObject(result);
  });

  test('weights of another network or data of other classes are refused', async () => {
    const arch = await run(['evaluate', 'trained', '--arch', 'resnet20']);
    expect([arch.code, arch.stderr]).toEqual([
      1,
      expect.stringMatching(/resnet8, not of resnet20/),
    ]);
    const checkpoint = await run(['evaluate', 'trained', '--checkpoint', 'epoch-099']);
    expect(checkpoint.stderr).toMatch(/has no checkpoint "epoch-099" \(it has: best, last\)/);
  });

  test('predict prints five classes whose probabilities fall', async () => {
    await run(['data', DATA, '--images', 'sheet.png']);
    const { code, stdout } = await run([
      'predict',
      'trained',
      'sheet.png',
      'worst.png',
      '--threads',
      '1',
      '--json',
    ]);
    expect(code).toBe(0);
    const { predictions } = parseJson(stdout) as {
      predictions?: { image: string; classes: { name: string; probability: number }[] }[];
    };
    expect(predictions?.map(({ image }) => image)).toEqual(['sheet.png', 'worst.png']);
    for (const { classes } of predictions ?? []) {
      expect(classes).toHaveLength(5);
      const probabilities = classes.map(({ probability }) => probability);
      expect([...probabilities].sort((a, b) => b - a)).toEqual(probabilities);
    }
    const text = await run(['predict', 'trained', 'sheet.png', '--threads', '1']);
    expect(text.stdout).toMatch(/^sheet\.png\n( {2}\w+ +\d+\.\d %.*\n){5}$/);
  });

  test('predict names a picture that cannot be read', async () => {
    await writeFile(at('broken.png'), 'no picture');
    const { code, stderr } = await run(['predict', 'trained', 'broken.png']);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^broken\.png cannot be read as an image/),
    ]);
  });
});

describe('published weights', () => {
  test.for([
    ['resnet20-12fca82f.th', 85, '0.3779'],
    ['resnet56-4bfd9763.th', 74, undefined],
  ] as const)('%s: %i of 1,017 wrong, as PyTorch counts', async ([file, wrong, loss], { skip }) => {
    const weights = sharedFile(`data/pretrained/${file}`);
    const data = sharedFile('data/cifar10-sample');
    if (weights === undefined || data === undefined) return skip('needs ../shared/data');
    const { stdout } = await run(['evaluate', weights, '--data', data, '--json', '-j', '1']);
    expect(stdout).toContain(`"images":1017,"wrong":${wrong},`);
    if (loss !== undefined) expect((parseJson(stdout).loss as number).toFixed(4)).toBe(loss);
  });
});
