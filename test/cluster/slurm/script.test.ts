// The batch scripts: what they ask for, and what bash makes of them when signals come. scontrol and the
// training are stand-ins that write down what they are asked; a real Slurm is scripts/slurm-test.ts.

import { spawn } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { quoted } from '../../../src/cluster/quoted.ts';
import type { SlurmOptions } from '../../../src/cluster/slurm/options.ts';
import { arrayScript, type Places, reportScript } from '../../../src/cluster/slurm/script.ts';
import { temporaryFolder } from '../../runs/support/hosts.ts';

const options: SlurmOptions = { grace: 120, maxRequeues: 3, noRequeue: false };
const places: Places = {
  ...{ folder: '/shared/my runs/t', plan: '/shared/my runs/t/p.json', logs: '/shared/100%/logs' },
  ...{ workingFolder: '/shared', program: '/shared/bin/table6.js', node: '/shared/node' },
  ...{ data: '/shared/data', binds: ['/shared'] },
};
const task = { arguments: ['--threads=2', '--device=cpu', '--offline'], threads: 2 };
const cells = [1, 2, 3].map((seed) => ({ arch: 'resnet8', recipe: 'quick' as const, seed }));
const array = { name: 'resnet8', cells, time: '4:00:00', mem: '2G' };

describe('a script', () => {
  test('asks Slurm for what was asked, and for nothing else', () => {
    const directives = (text: string) =>
      text.split('\n').filter((line) => line.startsWith('#SBATCH'));
    expect(directives(arrayScript(array, places, options, task))).toEqual([
      '#SBATCH --job-name=table6-resnet8',
      '#SBATCH --array=0-2',
      '#SBATCH --time=4:00:00',
      '#SBATCH --mem=2G',
      '#SBATCH --cpus-per-task=2',
      '#SBATCH --signal=B:USR2@120',
      '#SBATCH --requeue',
      '#SBATCH --open-mode=append',
      '#SBATCH --output=/shared/100%%/logs/%A_%a.txt',
      '#SBATCH --chdir=/shared',
    ]);
    const more = {
      ...options,
      arrayLimit: 2,
      partition: 'gpu',
      gres: 'gpu:1',
      qos: 'long',
      account: 'a b',
      constraint: 'h100',
    };
    expect(directives(arrayScript(array, places, more, task))).toEqual(
      expect.arrayContaining([
        '#SBATCH --array=0-2%2',
        '#SBATCH --partition=gpu',
        '#SBATCH --gres=gpu:1',
        '#SBATCH --qos=long',
        '#SBATCH --account="a b"',
        '#SBATCH --constraint=h100',
      ]),
    );
  });

  test('sources a setup, and runs in a container that sees the shared folders', () => {
    const more = { ...options, setup: '/shared/it.sh', container: '/shared/t.sif', gres: 'gpu:1' };
    const text = arrayScript(array, places, more, task);
    expect(text).toContain('\nsource /shared/it.sh\n');
    expect(text).toContain('\ntable6=(apptainer exec --nv --bind /shared /shared/t.sif table6)\n');
    expect(reportScript(places, more)).toContain('apptainer exec');
  });

  test('quotes whatever a path holds', () => {
    expect(quoted('/a/b-1.json')).toBe('/a/b-1.json');
    expect(quoted("it's $HOME `x`")).toBe(`'it'\\''s $HOME \`x\`'`);
  });
});

interface Behaviour {
  readonly options?: Partial<SlurmOptions>;
  /** What the training does: bash, with `$stop` for how it ends when asked to save. */
  readonly training: string;
  readonly signal?: NodeJS.Signals;
  /** What `scontrol show job` answers. */
  readonly job?: string;
  readonly restarts?: number;
}

/** Runs task 2 of array 5 as Slurm would. */
async function perform({
  training,
  signal,
  job = 'JobState=RUNNING',
  restarts,
  ...rest
}: Behaviour) {
  const dir = await temporaryFolder();
  const write = async (name: string, text: string) => {
    await writeFile(`${dir}/${name}`, `#!/bin/bash\n${text}\n`);
    await chmod(`${dir}/${name}`, 0o755);
  };
  await write(
    'scontrol',
    `echo "$*" >> ${dir}/asked\n[ "$1" = show ] && echo "JobId=9 ${job}"\nexit 0`,
  );
  await write('node', `shift; echo "$*" > ${dir}/called; ${training}`);
  const here = { ...places, program: `${dir}/table6.js` };
  await writeFile(`${dir}/script`, arrayScript(array, here, { ...options, ...rest.options }, task));
  const child = spawn('bash', [`${dir}/script`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...{ PATH: `${dir}:${process.env.PATH}`, SLURM_ARRAY_JOB_ID: '5', SLURM_ARRAY_TASK_ID: '2' },
      ...{ SLURM_JOB_ID: '9', ...(restarts && { SLURM_RESTART_COUNT: String(restarts) }) },
    },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  if (signal) {
    while (!output.includes('training')) await sleep(10);
    child.kill(signal);
  }
  const code = await ended;
  const read = (name: string) => readFile(`${dir}/${name}`, 'utf8').catch(() => '');
  return {
    code,
    output,
    asked: (await read('asked')).trim().split('\n'),
    called: await read('called'),
  };
}

/** Trains until it is asked to save, takes a moment for that, and ends as table6 does. */
const PATIENT = 'trap "sleep 0.1; exit 140" USR2; echo training; while :; do sleep 0.02; done';
const REQUEUE = 'requeue 5_2';

describe('a task', () => {
  test('trains the run of its index', async () => {
    const { code, called, asked } = await perform({ training: 'exit 0' });
    expect(code).toBe(0);
    expect(called.trim()).toBe(
      'task /shared/my runs/t resnet8-quick-seed3 --plan /shared/my runs/t/p.json --threads=2 --device=cpu --offline',
    );
    expect(asked).toEqual(['']);
  });

  test.each([42, 70, 1, 137])('that ends with %i is not put back', async (code) => {
    expect(await perform({ training: `exit ${code}` })).toMatchObject({ code, asked: [''] });
  });

  test('before its time is over saves, waits for that, and puts itself back, and no other', async () => {
    const { asked, output } = await perform({ training: PATIENT, signal: 'SIGUSR2' });
    expect(asked).toEqual([REQUEUE]);
    expect(output).toContain('5_2 is saved and goes back into the queue.');
  });

  test('whose run is in other hands comes back later', async () => {
    expect((await perform({ training: 'exit 75' })).asked).toEqual([REQUEUE]);
  });

  test.each([
    ['is preempted with a moment of grace', 'JobState=RUNNING PreemptTime=None', true],
    ['is preempted', 'JobState=COMPLETING PreemptTime=2026-11-30T08:24:45', true],
    ['is cancelled', 'JobState=COMPLETING PreemptTime=None', false],
  ])('that %s: put back?', async (_, job, isBack) => {
    const { asked, code } = await perform({ training: PATIENT, signal: 'SIGTERM', job });
    expect(asked.includes(REQUEUE)).toBe(isBack);
    if (!isBack) expect(code).toBe(140);
  });

  test('is put back only so often, and never where the cluster does so itself', async () => {
    const often = await perform({ training: PATIENT, signal: 'SIGUSR2', restarts: 3 });
    expect(often).toMatchObject({ asked: [''], code: 140 });
    expect(often.output).toContain('was put back 3 times already');
    const never = await perform({
      training: PATIENT,
      signal: 'SIGUSR2',
      options: { noRequeue: true },
    });
    expect(never).toMatchObject({ asked: [''], code: 140 });
  });

  test('that finishes while it is asked to save is finished', async () => {
    const training = 'trap "exit 0" USR2; echo training; while :; do sleep 0.02; done';
    expect(await perform({ training, signal: 'SIGUSR2' })).toMatchObject({ code: 0, asked: [''] });
  });
});
