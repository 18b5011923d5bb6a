// `table6 train` as a user has it: begun, refused, stopped, gone on with.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { BIN, ENVIRONMENT } from './run-table6.ts';
import { createWorkspace, parseJson, TRAIN } from './workspace.ts';

/** Short enough for a test, long enough to be stopped in the middle. */
const LONG = [...TRAIN, '--epochs', '4', '--print-freq', '1'];

const { folder, at, run } = createWorkspace();

/** Starts a command and sends it a signal when its output first matches. */
function interrupt(
  args: readonly string[],
  when: RegExp,
  signal: NodeJS.Signals,
): Promise<{ code: number | null; stdout: string }> {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: folder,
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  let isSent = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (!isSent && when.test(stdout)) isSent = child.kill(signal);
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout })));
}

describe('train', () => {
  test('warns of a summary that cannot be written, and is as good as without that', async () => {
    const summary = at('warned/summary.json');
    const child = spawn(process.execPath, [BIN, ...LONG, '--json', '--save-dir', 'warned'], {
      cwd: folder,
      env: ENVIRONMENT,
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (!/epoch 1\/4 /.test(stderr) && /epoch 1\/4 /.test(stderr + text)) {
        rmSync(summary);
        mkdirSync(summary);
      }
      stderr += text;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /Warning: "warned\/summary\.json" is a folder.* All weights are saved and whole; .* To have that done: table6 train --resume warned\n/,
    );
    const told = parseJson(stdout);
    expect(told.outcome).toBe('complete');
    rmdirSync(summary);
    expect((await run(['verify', 'warned'])).stdout).toMatch(/summary\.json +missing: it is made/);
    const again = await run(['train', '--resume', 'warned', '--json']);
    expect(again.code).toBe(0);
    expect(parseJson(again.stdout).weightsSha256).toBe(told.weightsSha256);
    expect((await run(['verify', 'warned'])).stdout).toMatch(/summary\.json +whole\n/);
  });

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
    expect(parseJson(stdout)).toMatchObject({
      run: 'json',
      arch: 'resnet8',
      outcome: 'complete',
      epochs: 1,
    });
    expect(stderr).toContain('epoch 1/1');
  });

  test("--log notebook prints the notebook's lines", async () => {
    const { stdout, stderr } = await run([
      ...TRAIN,
      ...['--epochs', '1', '--log', 'notebook', '--print-freq', '4', '--save-dir', 'notebook'],
    ]);
    // Nothing else is on standard output: the log is the notebook's.
    const number = String.raw`\d+\.\d{3} \(\d+\.\d{3}\)`;
    const loss = String.raw`\d+\.\d{4} \(\d+\.\d{4}\)`;
    const step = (batch: number) =>
      `Epoch: \\[0\\]\\[${batch}/10\\]\\tLoss ${loss}\\tPrec@1 ${number}`;
    const lines = [
      'Training resnet8 model',
      String.raw`current lr 1\.00000e-01`,
      ...[0, 4, 8].map(step),
      String.raw`Test\t  Prec@1: \d+\.\d{3} \(Err: \d+\.\d{3} \)`,
      '',
      String.raw`The lowest error from resnet8 model after 1 epochs is \d+\.\d{3}`,
    ];
    expect(stdout).toMatch(new RegExp(`^${lines.join('\n')}\n$`));
    expect(stderr).toContain('Next: ');
    const evaluated = await run([
      'train',
      '--evaluate',
      '--save-dir',
      'notebook',
      '--log',
      'notebook',
    ]);
    expect(evaluated.stdout).toMatch(
      /^evalution mode\nTest\t {2}Prec@1: \d+\.\d{3} \(Err: \d+\.\d{3} \)\n\n$/,
    );
  });

  test('--dry-run does one batch and saves nothing', async () => {
    const { code, stdout } = await run([...TRAIN, '--dry-run', '--save-dir', 'dry']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /Dry run: one batch of 64, forward and backward, in .* Nothing was saved\.\nThe whole run would take about \d+:\d\d here\./,
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
    const stopped = await interrupt(
      [...LONG, '--save-dir', 'stopped'],
      /epoch 2 {2}batch 3\/10/,
      'SIGINT',
    );
    expect(stopped.code).toBe(130);
    expect(stopped.stdout).toContain('SIGINT: finishing the step and saving');
    expect(stopped.stdout).toContain('To go on: table6 train --resume stopped');
    const resumed = await run(['train', '--resume', 'stopped', '--json', '--threads', '2']);
    expect(resumed.code).toBe(0);
    // A signal takes its time on a busy machine, so how far the run got is not said here.
    expect(resumed.stderr).toMatch(/resumed +at epoch [234]/);
    expect(parseJson(resumed.stdout).weightsSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(parseJson(resumed.stdout).weightsSha256).toBe(parseJson(whole.stdout).weightsSha256);
  });

  test('SIGTERM exits 143', async () => {
    const args = [...LONG, '--save-dir', 'terminated'];
    const { code } = await interrupt(args, /batch 2\/10/, 'SIGTERM');
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

  test('a config.json that was edited is refused, naming what differs; what may change may', async () => {
    const path = at('stopped/config.json');
    const text = await readFile(path, 'utf8');
    const { learningRate, ...config } = parseJson(text);
    expect(learningRate).toBe(0.1);
    await writeFile(path, JSON.stringify({ ...config, learningRate: 0.2, saveEvery: 3 }));
    const { code, stderr } = await run(['train', '--resume', 'stopped']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/config\.json" was changed .*: learningRate is 0\.2 and was 0\.1\./);
    await writeFile(path, JSON.stringify({ ...config, learningRate, saveEvery: 3, threads: 2 }));
    expect((await run(['train', '--resume', 'stopped'])).code).toBe(0);
    await writeFile(path, text);
  });
});

describe('--config', () => {
  test("trains what a run's config.json says: the same bits", async () => {
    const first = await run([...TRAIN, '--epochs', '1', '--json', '--save-dir', 'first']);
    const again = await run([
      'train',
      '--config',
      'first/config.json',
      '--json',
      '--save-dir',
      're',
    ]);
    expect(again.code).toBe(0);
    expect(parseJson(again.stdout).weightsSha256).toBe(parseJson(first.stdout).weightsSha256);
    expect(await readFile(at('re/config.json'), 'utf8')).toBe(
      await readFile(at('first/config.json'), 'utf8'),
    );
  });

  test('takes a run folder, and options beside it replace what the file says', async () => {
    const args = ['--limit-batches', '2', '--seed', '9', '--gamma', '0.5', '--save-dir', 'changed'];
    expect((await run(['train', 'resnet8', '--config', 'first', ...args])).code).toBe(0);
    const before = parseJson(await readFile(at('first/config.json'), 'utf8'));
    const { schedule, ...after } = parseJson(await readFile(at('changed/config.json'), 'utf8'));
    expect(schedule).toMatchObject({ length: 1, gamma: 0.5 });
    expect(after).toMatchObject({ limitBatches: 2, seed: 9, batchSize: before.batchSize });
  });

  test("refuses a run's own file that is not as the run wrote it, and takes a changed copy", async () => {
    const path = at('first/config.json');
    const text = await readFile(path, 'utf8');
    const edited = text.replace('"momentum": 0.9', '"momentum": 0.8');
    await writeFile(path, edited);
    for (const given of ['first', 'first/config.json']) {
      const { code, stderr } = await run(['train', '--config', given]);
      expect(code).toBe(2);
      expect(stderr).toContain('momentum is 0.8 and was 0.9. A run keeps its configuration');
    }
    await writeFile(path, text);
    await writeFile(at('copy.json'), edited);
    const args = ['train', '--config', 'copy.json', '--save-dir', 'of-a-copy'];
    expect((await run(args)).code).toBe(0);
    expect(parseJson(await readFile(at('of-a-copy/config.json'), 'utf8')).momentum).toBe(0.8);
  });

  test.each([
    [['resnet20'], '"first" is of resnet8, not of resnet20'],
    [
      ['--recipe', 'fast'],
      'has what the recipe quick came to, so --recipe fast would change nothing',
    ],
    [['--resume', 'first'], '--config cannot be given with --resume'],
    [['--evaluate', '--save-dir', 'first'], '--evaluate trains nothing, so --config has no use'],
    [['--freeze', 'layer1'], 'give --init or --weights'],
  ])('beside %j makes no sense', async (args, message) => {
    const { code, stderr } = await run(['train', '--config', 'first', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test.each([
    ['missing.json', undefined, 'There is no file "missing.json"'],
    ['text.json', 'resnet20', '"text.json" is damaged: it is not JSON'],
    ['part.json', '{"arch":"resnet20"}', '"part.json" is not a valid configuration: shortcut:'],
  ])('%s is refused with one sentence', async (name, text, message) => {
    if (text !== undefined) await writeFile(at(name), text);
    const { code, stderr } = await run(['train', '--config', name]);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
