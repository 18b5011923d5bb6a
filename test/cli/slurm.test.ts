// The Slurm commands as a user types them, with stand-ins for sbatch, squeue, scancel and scontrol that
// keep lists in files. A real Slurm is scripts/slurm-test.ts.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'table6-slurm-cli-'));
const at = (name: string) => path.join(folder, name);
const before = { path: process.env.PATH, cwd: process.cwd() };
afterAll(() => {
  process.env.PATH = before.path;
  rmSync(folder, { recursive: true });
});

function command(name: string, text: string): void {
  writeFileSync(at(`bin/${name}`), `#!/bin/sh\n${text}\n`);
  chmodSync(at(`bin/${name}`), 0o755);
}

mkdirSync(at('bin'));
command('scontrol', 'echo "MaxArraySize = 1001"');
command('squeue', `cat ${at('queue.json')}`);
command('scancel', `echo "$@" >> ${at('cancelled')}`);
command(
  'sbatch',
  `grep -q 'partition=nowhere' "$(eval echo \\\${$#})" && { echo 'sbatch: error: Batch job submission failed: Invalid partition name specified' >&2; exit 1; }
  echo x >> ${at('submitted')}; echo $((100 + $(wc -l < ${at('submitted')})))`,
);
const queue = (...jobs: object[]) => writeFileSync(at('queue.json'), JSON.stringify({ jobs }));
queue();

/** In this process: what it prints, and its exit code. */
async function table6(...args: string[]): Promise<{ code: number; text: string }> {
  let text = '';
  const take = (part: string | Uint8Array) => {
    text += part;
    return true;
  };
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation(take as typeof stream.write),
  );
  process.env.PATH = `${at('bin')}:${before.path}`;
  try {
    return { code: await main(args), text };
  } finally {
    process.env.PATH = before.path;
    for (const spy of spies) spy.mockRestore();
  }
}

const DATA = [
  '--data',
  'synthetic:train=32,test=16',
  '--recipe',
  'quick',
  '-b',
  '16',
  '--epochs',
  '1',
];
const ASKED = ['--time', '10', '--mem', '1G', '--threads', '1'];
const table = at('runs/t');
const submit = (...more: string[]) =>
  table6(
    'slurm',
    'submit',
    '--archs',
    'resnet8,resnet110',
    '--seeds',
    '2',
    ...DATA,
    ...ASKED,
    ...more,
  );

describe('a table on a cluster, in order', () => {
  test('nothing is there yet: each command says what to do', async () => {
    for (const name of ['status', 'retry', 'cancel']) {
      const { code, text } = await table6('slurm', name, table);
      expect([code, text]).toEqual([
        1,
        `There is no table in "${table}" (no plan.json): give its folder.\n`,
      ]);
    }
  });

  test('what Slurm refuses leaves nothing behind but the plan', async () => {
    const { code, text } = await submit('--save-dir', table, '--partition', 'nowhere');
    expect(code).toBe(1);
    expect(text).toMatch(
      /Slurm refused ".*resnet8\.sbatch": Invalid partition name specified\.\n$/,
    );
    const { text: after } = await table6('slurm', 'status', table);
    expect(after).toBe(
      `Nothing of the table in "${table}" was submitted to Slurm: do so with table6 slurm submit.\n`,
    );
  });

  test('is submitted: two arrays and a report, and what it asked for is kept', async () => {
    const { code, text } = await submit('--save-dir', table, '--grace', '60');
    expect(code).toBe(0);
    expect(text).toMatch(/array {4}101 {2}resnet8: 2 runs, 0:10:00 and 1G each/);
    expect(text).toMatch(/array {4}102 {2}resnet110: 2 runs/);
    expect(text).toMatch(/report {3}103/);
  });

  test('what is in the queue is not submitted again', async () => {
    queue(
      {
        job_id: 101,
        array_job_id: 101,
        array_task_string: '0-1',
        job_state: 'PENDING',
        state_reason: 'Priority',
      },
      { job_id: 104, array_job_id: 102, array_task_id: 0, job_state: 'RUNNING', nodes: 'n1' },
      { job_id: 103, array_job_id: 0, job_state: 'PENDING', state_reason: 'Dependency' },
    );
    const { text } = await submit('--save-dir', table);
    expect(text).toContain('1 run to submit; 0 finished, 3 in the queue, of 4');
  });

  test('its status joins the queue and the folders', async () => {
    const { code, text } = await table6('slurm', 'status', table);
    expect(code).toBe(0);
    expect(text).toMatch(/resnet8-quick-seed1 +waiting \(Priority\)/);
    expect(text).toMatch(/resnet110-quick-seed1 +starting +n1/);
    expect(text).toContain('4 runs: 1 starting, 2 waiting, 1 missing');
    const { text: json } = await table6('slurm', 'status', table, '--json');
    expect(JSON.parse(json).counts).toEqual({ starting: 1, waiting: 2, missing: 1 });
  });

  test('a log is found by the run; one that is not written yet, and a run that is none, are said to be so', async () => {
    writeFileSync(`${table}/slurm/001/logs/102_0.txt`, 'one\ntwo\nthree\n');
    const run = `${table}/resnet110-quick-seed1`;
    expect((await table6('slurm', 'logs', run, '--lines', '2')).text).toBe(
      `==> ${table}/slurm/001/logs/102_0.txt <==\ntwo\nthree\n`,
    );
    const early = await table6('slurm', 'logs', `${table}/resnet8-quick-seed2`);
    expect(early.text).toBe(
      'The task 101_1 of "resnet8-quick-seed2" has written nothing yet (it is waiting).\n',
    );
    const wrong = await table6('slurm', 'logs', `${table}/resnet8-quick-seed9`);
    expect([wrong.code, wrong.text]).toEqual([
      2,
      expect.stringMatching(
        /has no run "resnet8-quick-seed9"\. Did you mean resnet8-quick-seed\d\?/,
      ),
    ]);
  });

  test('cancels one run, or all with the report', async () => {
    await table6('slurm', 'cancel', table, '--run', 'resnet8-quick-seed2');
    const { text } = await table6('slurm', 'cancel', table);
    expect(text).toMatch(
      /^3 runs cancelled: resnet8-quick-seed1, resnet110-quick-seed1, resnet8-quick-seed2\n/,
    );
    const [one, all] = readFileSync(at('cancelled'), 'utf8').trim().split('\n').slice(-2);
    expect([one, all]).toEqual(['101_1', '101_0 102_0 101_1 103']);
  });

  test('is tried again as it was submitted, but for what is given', async () => {
    queue();
    mkdirSync(`${table}/resnet8-quick-seed1`, { recursive: true });
    const note = { time: '', exitCode: 42, signal: null, message: 'It is wrong.' };
    writeFileSync(`${table}/resnet8-quick-seed1/failure.json`, JSON.stringify(note));
    expect((await table6('slurm', 'status', table)).text).toContain(
      'resnet8-quick-seed1 failed: It is wrong.',
    );
    const { text } = await table6('slurm', 'retry', table, '--failed', '--mem', '2G', '--dry-run');
    expect(text).toContain('1 run to submit');
    expect(text).toContain('--signal=B:USR2@180');
    expect(text).toMatch(/--mem=2G\n[\s\S]*resnet8-quick-seed1\n\)/);
    expect(text).toContain('--threads=1');
  });
});

test('without Slurm only the scripts can be had', async () => {
  rmSync(at('bin'), { recursive: true });
  mkdirSync(at('bin'));
  const path = before.path;
  before.path = '/nowhere';
  try {
    const { code, text } = await table6('slurm', 'status', table);
    expect([code, text]).toEqual([
      1,
      expect.stringMatching(/^There is no Slurm on this machine \(no squeue/),
    ]);
    const dry = await submit('--save-dir', at('runs/other'), '--dry-run');
    expect(dry.code).toBe(0);
    expect(dry.text).toContain('# There is no Slurm on this machine');
    expect(dry.text).toContain('#SBATCH --array=0-1');
  } finally {
    before.path = path;
  }
});

test.each([
  [['--time', 'soon'], '--time must be a time of Slurm'],
  [['--mem', '4 GB'], '--mem must be an amount of memory'],
  [['--time', '2'], 'The time limit of 0:02:00 for resnet8 is not longer than the 180 s'],
  [['--setup', '/nowhere/it.sh'], 'There is no file "/nowhere/it.sh".'],
  [['--data', '/nowhere'], "there is no data set or path '/nowhere'"],
])('submit %j is refused in one sentence', async (more, sentence) => {
  const { code, text } = await submit('--save-dir', at('runs/wrong'), '--dry-run', ...more);
  expect(code).toBeGreaterThan(0);
  expect(text).toContain(sentence);
});
