// `npm run bench` on a network that takes milliseconds: the table has its rows, and mistakes get one
// sentence. How fast anything is is not asked here.

import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { findTestAdapter } from '../engine/webgpu/adapter.ts';

/** It may have chosen a driver in this process's environment. */
const adapter = await findTestAdapter();
const COMPARE = path.join(import.meta.dirname, '..', '..', 'bench', 'compare.ts');

function compare(...args: string[]) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(process.execPath, [COMPARE, ...args], (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

test('a row for each variant: rate, range, peak memory, seconds to the first step', async () => {
  const { code, stdout } = await compare(
    ...['--networks', 'resnet8', '--batch', '4', '--rounds', '2', '--seconds', '0.02'],
    ...['--threads', '1', '--width', '128', '--conv', 'winograd4,direct', '--peers', 'none'],
  );
  expect(code).toBe(0);
  const [first, ...lines] = stdout.trimEnd().split('\n');
  expect(first).toMatch(/^\d{4}-\d\d-\d\d, .*, Node \d+\.\d+\.\d+; batch 4, .* 2 interleaved/);
  const rows = lines.filter((line) => line.startsWith('| resnet8'));
  expect(rows.map((row) => row.split(' | ').slice(1, 4).join(' '))).toEqual([
    'train 1 table6, 128 bits, winograd4',
    'train 1 table6, 128 bits, direct',
    'infer 1 table6, 128 bits, winograd4',
    'infer 1 table6, 128 bits, direct',
  ]);
  for (const row of rows) {
    expect(row).toMatch(
      /\| [\d.,]+ \| [\d.,]+-[\d.,]+ \| {2}\| [\d.,]+ \| \d+ MiB \| [\d.]+ s \|$/,
    );
  }
});

/** An interpreter that speaks what bench/peers/pytorch.py speaks; `turn` is what it does in a turn. */
async function fakePython(turn: string): Promise<string> {
  const python = path.join(await mkdtemp(path.join(tmpdir(), 'table6-bench-')), 'python');
  const program = `#!${process.execPath}
    if (process.argv[2] === '-c') console.log('9.8.7 False');
    else {
      const layout = process.argv.at(-1);
      console.log('{}');
      process.stdin.on('data', () => { ${turn} });
    }`;
  await writeFile(python, program, { mode: 0o755 });
  return python;
}

/** Of inference on one thread beside PyTorch: the cells of each row. */
async function besidePyTorch(python: string) {
  const { code, stdout, stderr } = await compare(
    ...['--device', 'cpu', '--networks', 'resnet8', '--batch', '4', '--rounds', '3'],
    ...['--seconds', '0.01', '--threads', '1', '--modes', 'infer', '--peers', 'pytorch'],
    ...['--python', python],
  );
  const rows = stdout.split('\n').filter((line) => line.startsWith('| resnet8'));
  return { code, stderr, rows: rows.map((row) => row.split(' | ')) };
}

const TURN = `console.log(JSON.stringify({ images_per_second: rate, images_per_cpu_second: rate,
  peak_bytes: 2 ** 20 }));`;

test('beside PyTorch: the ratio to the faster of its formats, round by round', async () => {
  const faster = `const rate = layout === 'channels_last' ? 1 : 0.5;`;
  const { code, rows } = await besidePyTorch(await fakePython(faster + TURN));
  expect(code).toBe(0);
  expect(rows).toHaveLength(2);
  const [own, peer] = rows;
  expect(peer!.slice(3, 7)).toEqual([
    'PyTorch 9.8.7, channels_last',
    '1.00',
    '1.00-1.00',
    '1.00 ×',
  ]);
  const number = (cell: string | undefined) => Number(cell?.replace(/[ ×,]/g, ''));
  expect(number(own![6]) / number(own![4])).toBeCloseTo(1, 2);
});

test('one that is killed in its turn is left out, and the others go on', async () => {
  const killed = `const rate = 1; if (layout === 'channels_last') process.kill(process.pid, 'SIGKILL');`;
  const { code, stderr, rows } = await besidePyTorch(await fakePython(`${killed} else ${TURN}`));
  expect(code).toBe(1);
  expect(stderr).toBe(
    'bench: left out: PyTorch 9.8.7, channels_last ended: SIGKILL, which is how a system ends what has no memory left\n',
  );
  expect(rows.map((cells) => cells[3])).toEqual([
    expect.stringContaining('table6'),
    'PyTorch 9.8.7, contiguous',
  ]);
});

test('a peer that was named and is not there is told, and fails the run; others are told', async () => {
  const tiny = ['--networks', 'resnet8', '--batch', '2', '--rounds', '1', '--seconds', '0.01'];
  const settings = ['--device', 'cpu', '--threads', '1', ...tiny, '--python', '/no/python'];
  const named = await compare(...settings, '--peers', 'pytorch');
  expect(named.code).toBe(1);
  expect(named.stdout).toMatch(/^\| resnet8 \| infer \| 1 \| table6/m);
  expect(named.stderr).toBe(
    'bench: left out: /no/python has no PyTorch (--python names another interpreter)\n',
  );
  const open = await compare(...settings, '--modes', 'infer');
  expect(open.code).toBe(0);
  expect(open.stderr).toContain('bench: left out: /no/python has no PyTorch');
});

test.skipIf(!adapter)('a row of a GPU for each precision, without threads', async () => {
  const { stdout } = await compare(
    ...['--networks', 'resnet8', '--batch', '2', '--rounds', '1', '--seconds', '0.01'],
    ...['--device', 'webgpu', '--modes', 'infer', '--peers', 'none', '--precision', 'float32'],
  );
  expect(stdout.split('\n')[0]).toContain(`, ${adapter!.name}, Node`);
  expect(stdout).toMatch(/^\| resnet8 \| infer \| GPU \| table6, WebGPU, float32 \| [\d.,]+ \|/m);
});

test.each([
  [['--modes', 'trian'], '--modes takes train, infer, not "trian"'],
  [['--rounds', 'many'], '--rounds takes positive numbers, not "many"'],
  [['--rounds', '1.5'], '--rounds takes whole numbers, not "1.5"'],
  [['--threads', '1,1.5'], '--threads takes whole numbers, not "1.5"'],
  [['--batch', '2.5'], '--batch takes whole numbers, not "2.5"'],
  [['--memory', 'auto,keep'], '--memory takes auto, keep, recompute, not "auto,keep"'],
  [['--networks', 'resnet9'], 'resnet9'],
  [['--networks', ','], '--networks is empty'],
  [['--speed', '9'], "Unknown option '--speed'"],
  [['--device', 'gpu'], '--device takes cpu, webgpu, not "gpu"'],
  [['--device', 'webgpu', '--precision', 'double'], '--precision takes float32, half,'],
  [['--device', 'webgpu', '--adapter', 'no such GPU'], 'WebGPU finds no GPU. '],
])('%j gets one sentence', async (args, message) => {
  const { code, stdout, stderr } = await compare(...args);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/(^|\n)bench: .*\n$/);
  expect(stderr).toContain(message);
});
