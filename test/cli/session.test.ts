// Whole sessions as a user has them: train, stop, go on, evaluate, predict, look at data. Small
// synthetic data, so that each takes seconds.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { sharedFile } from '../support/shared.ts';
import { BIN, ENVIRONMENT, table6 } from './run-table6.ts';

const DATA = 'synthetic:train=640,test=200';
const TRAIN = ['train', 'resnet8', '--data', DATA, '--recipe', 'quick', '-b', '64', '-j', '1'];
/** Short enough for a test, long enough to be stopped in the middle. */
const LONG = [...TRAIN, '--epochs', '4', '--print-freq', '1'];

/** Sessions share two cores with the rest of the suite. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'table6-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

const at = (name: string) => path.join(folder, name);
const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  table6(args, { cwd: folder, env });
const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

/** Starts a command and sends it signals when its output first matches. */
function interrupted(
  args: readonly string[],
  signals: readonly { after: RegExp; signal: NodeJS.Signals }[],
): Promise<{ code: number | null; stdout: string }> {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: folder,
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const waiting = [...signals];
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    while (waiting[0]?.after.test(stdout)) child.kill(waiting.shift()?.signal);
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout })));
}

describe('train', () => {
  test('prints the configuration, a line an epoch and the result, and fills the run folder', async () => {
    const { code, stdout, stderr } = await run([...TRAIN, '--epochs', '2', '--seed', '5']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^network +resnet8, shortcut A, 10 classes/);
    expect(stdout).toMatch(/schedule +2 epochs \(20 steps\), rate ×0\.1 after epoch 1, no warm-up/);
    expect(stdout).toMatch(/epoch 1\/2 .* test error \d+\.\d\d % \(best\)/);
    expect(stdout).toMatch(/epoch 2\/2 /);
    expect(stdout).toMatch(/final +\d+\.\d\d % {2}epoch 2/);
    expect(stdout).toContain('Next: table6 evaluate runs/resnet8-seed5');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: looking for them is the point
    expect(stdout).not.toMatch(/[\u001b\r]/);
    const files = await readdir(at('runs/resnet8-seed5'));
    for (const name of [
      'config.json',
      'metrics.jsonl',
      'summary.json',
      'environment.json',
      'log.txt',
    ]) {
      expect(files).toContain(name);
    }
  });

  test('started by npx, its hints begin with npx', async () => {
    const { stdout } = await run(
      [...TRAIN, '--epochs', '1', '--limit-batches', '1', '--save-dir', 'npx'],
      { npm_command: 'exec' },
    );
    expect(stdout).toContain('Next: npx table6 evaluate npx');
  });

  test('--json prints the result alone on standard output', async () => {
    const { stdout, stderr } = await run([
      ...TRAIN,
      '--epochs',
      '1',
      '--json',
      '--save-dir',
      'json',
    ]);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(json(stdout)).toMatchObject({
      run: 'json',
      arch: 'resnet8',
      outcome: 'complete',
      epochs: 1,
    });
    expect(stderr).toContain('epoch 1/1');
  });

  test("--log notebook prints the notebook's lines", async () => {
    const { stdout } = await run([
      ...TRAIN,
      ...['--epochs', '1', '--log', 'notebook', '--print-freq', '4', '--save-dir', 'notebook'],
    ]);
    const number = String.raw`\d+\.\d{3} \(\d+\.\d{3}\)`;
    const loss = String.raw`\d+\.\d{4} \(\d+\.\d{4}\)`;
    const lines = stdout.split('\n');
    expect(lines).toContain('current lr 1.00000e-01');
    for (const batch of [0, 4, 8]) {
      const pattern = `^Epoch: \\[0\\]\\[${batch}/10\\]\\tTime ${number}\\tData ${number}\\tLoss ${loss}\\tPrec@1 ${number}$`;
      expect(lines.filter((line) => new RegExp(pattern).test(line))).toHaveLength(1);
    }
    expect(lines.some((line) => /^Test: \[0\/4\]\tTime .*\tLoss .*\tPrec@1 /.test(line))).toBe(
      true,
    );
    expect(lines.some((line) => /^ \* Prec@1 \d+\.\d{3}$/.test(line))).toBe(true);
  });

  test('--dry-run does one batch and saves nothing', async () => {
    const { code, stdout } = await run([...TRAIN, '--dry-run', '--save-dir', 'dry']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /Dry run: one batch of 64, forward and backward, in .* Nothing was saved\./,
    );
    expect(existsSync(at('dry'))).toBe(false);
  });

  test('an existing run is not overwritten', async () => {
    await run([...TRAIN, '--epochs', '1', '--limit-batches', '1', '--save-dir', 'mine']);
    const before = await readFile(at('mine/metrics.jsonl'));
    const { code, stderr } = await run([...TRAIN, '--epochs', '1', '--save-dir', 'mine']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/"mine" already holds a run: .*--resume mine.*--save-dir/);
    expect(await readFile(at('mine/metrics.jsonl'))).toEqual(before);
  });

  test('a folder that cannot be made is one sentence', async () => {
    await writeFile(at('file'), '');
    const { code, stderr } = await run([...TRAIN, '--save-dir', 'file/run']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/--save-dir/);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('stopping and going on', () => {
  test('SIGINT finishes the step, saves, exits 130; the resumed run ends with the same bits', async () => {
    const whole = await run([...LONG, '--save-dir', 'whole', '--json']);
    const stopped = await interrupted(
      [...LONG, '--save-dir', 'stopped'],
      [{ after: /epoch 2 {2}batch 3\/10/, signal: 'SIGINT' }],
    );
    expect(stopped.code).toBe(130);
    expect(stopped.stdout).toContain('SIGINT: finishing the step and saving');
    expect(stopped.stdout).toContain('To go on: table6 train --resume stopped');
    const resumed = await run(['train', '--resume', 'stopped', '--json', '--threads', '2']);
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toMatch(/resumed +at epoch 2, batch/);
    expect(json(resumed.stdout).weightsSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(json(resumed.stdout).weightsSha256).toBe(json(whole.stdout).weightsSha256);
  });

  test('SIGTERM exits 143', async () => {
    const { code } = await interrupted(
      [...LONG, '--save-dir', 'terminated'],
      [{ after: /batch 2\/10/, signal: 'SIGTERM' }],
    );
    expect(code).toBe(143);
    expect(existsSync(at('terminated/checkpoints/last.safetensors'))).toBe(true);
  });

  test('a run that goes on keeps its configuration', async () => {
    const { code, stderr } = await run(['train', '--resume', 'stopped', '--lr', '0.2']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--lr cannot be given with --resume/);
    const other = await run(['train', 'resnet20', '--resume', 'stopped']);
    expect(other.stderr).toMatch(/the run to resume is a resnet8, not a resnet20/);
  });
});

const EVALUATE = ['evaluate', 'trained', '--threads', '1'];

describe('evaluate and predict', () => {
  beforeAll(async () => {
    await run([...TRAIN, '--epochs', '1', '--save-dir', 'trained']);
  });

  test('evaluate a run: the error that training reported, on its own data', async () => {
    const { code, stdout } = await run([...EVALUATE, '--checkpoint', 'last', '--json']);
    expect(code).toBe(0);
    const result = json(stdout);
    const summary = json(await readFile(at('trained/summary.json'), 'utf8')) as {
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

  test('train --evaluate is evaluate', async () => {
    const [one, other] = await Promise.all([
      run(['train', '--evaluate', '--resume', 'trained', '-j', '1', '--json']),
      run([...EVALUATE, '--json']),
    ]);
    const { seconds: _, ...result } = json(one.stdout);
    expect(json(other.stdout)).toMatchObject(result);
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
    const { predictions } = json(stdout) as {
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
    if (loss !== undefined) expect((json(stdout).loss as number).toFixed(4)).toBe(loss);
  });
});

describe('data, doctor, bench', () => {
  test('data tells counts, classes and checksums', async () => {
    const { stdout } = await run(['data', DATA, '--json']);
    const facts = json(stdout) as { train?: { count: number; sha256: string }; classes?: string[] };
    expect(facts.train?.count).toBe(640);
    expect(facts.train?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(facts.classes).toHaveLength(10);
  });

  test('data without a name tells what is in the cache', async () => {
    const { stdout } = await run(['data', '--json'], { TABLE6_DATA: at('cache') });
    expect(json(stdout)).toEqual({
      cache: at('cache'),
      datasets: [
        { name: 'cifar10', cached: false },
        { name: 'cifar100', cached: false },
      ],
    });
  });

  test('doctor measures the engine', async () => {
    const { code, stdout } = await run(['doctor', '--json']);
    expect(code).toBe(0);
    const { engine } = json(stdout) as { engine?: { ok: boolean; facts: { simdWidth: number } } };
    expect(engine?.ok).toBe(true);
    expect([128, 256]).toContain(engine?.facts.simdWidth);
    const text = await run(['doctor']);
    for (const part of ['Node', 'processor', 'memory', 'CPU engine', 'data cache', 'GPU']) {
      expect(text.stdout).toContain(part);
    }
  });

  test('bench gives a median within its range for both steps', async () => {
    const { stdout } = await run([
      'bench',
      'resnet8',
      '-b',
      '16',
      '--seconds',
      '0.2',
      '--threads',
      '1',
      '--json',
    ]);
    const { results } = json(stdout) as {
      results?: { mode: string; slowest: number; median: number; fastest: number }[];
    };
    expect(results?.map(({ mode }) => mode)).toEqual(['train', 'infer']);
    for (const { slowest, median, fastest } of results ?? []) {
      expect(slowest).toBeGreaterThan(0);
      expect(median).toBeGreaterThanOrEqual(slowest);
      expect(fastest).toBeGreaterThanOrEqual(median);
    }
  });
});

describe('quickstart', () => {
  test('without a network it says so, and labels every line that follows', async () => {
    const { code, stdout, stderr } = await run(
      [
        'quickstart',
        '--epochs',
        '1',
        '--limit-batches',
        '2',
        '--save-dir',
        'quick',
        '--threads',
        '1',
      ],
      { TABLE6_DATA: at('empty-cache'), TABLE6_MIRROR: 'http://127.0.0.1:9' },
    );
    expect([code, stderr]).toEqual([0, '']);
    const [first, ...rest] = stdout.trimEnd().split('\n');
    expect(first).toBe('CIFAR-10 is not in the cache; trying to download it.');
    expect(rest.filter((line) => !line.startsWith('[synthetic]'))).toEqual([]);
    expect(stdout).toMatch(/\[synthetic\] CIFAR-10 cannot be had: .*connection is refused/);
    expect(stdout).toMatch(/Table 6 \(He et al\. 2015\) +8\.75 % +CIFAR-10 +64,000/);
    expect(stdout).toMatch(/this run +\d+\.\d\d % +synthetic +2/);
    expect(stdout).toContain('The two numbers cannot be compared');
    expect(stdout).toMatch(/The run is in quick\. What next:/);
  });
});
