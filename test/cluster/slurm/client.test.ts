// What Slurm's commands refuse, in one sentence each.

import { expect, test } from 'vitest';
import { createSlurm, type Execute } from '../../../src/cluster/slurm/client.node.ts';

const answers =
  (stderr: string, code = 1, stdout = ''): Execute =>
  async () => ({ code, stdout, stderr });
const absent: Execute = (command) =>
  Promise.reject(Object.assign(new Error(`spawn ${command} ENOENT`), { code: 'ENOENT' }));

test('a machine without Slurm is told to go to a login node, or to look at the scripts', async () => {
  await expect(createSlurm(absent).queue()).rejects.toThrow(
    'There is no Slurm on this machine (no squeue on the PATH): run this where jobs are submitted, a login node, or look at the scripts with table6 slurm submit --dry-run.',
  );
});

test("what sbatch refuses is said with sbatch's reason", async () => {
  const stderr =
    'sbatch: error: invalid partition specified: gpuu\nsbatch: error: Batch job submission failed: Invalid partition name specified\n';
  await expect(createSlurm(answers(stderr)).submit('/runs/a.sbatch')).rejects.toThrow(
    'Slurm refused "/runs/a.sbatch": Invalid partition name specified.',
  );
});

test.each([
  'slurm_load_jobs error: Unable to contact slurm controller (connect failure)',
  'squeue: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host\nsqueue: fatal: Could not establish a configuration source',
])('a controller that does not answer is not taken for an empty queue: %s', async (stderr) => {
  const slurm = createSlurm(answers(stderr));
  await expect(slurm.queue()).rejects.toThrow(
    /^Slurm's controller did not answer \(.*\): check sinfo/,
  );
  await expect(slurm.longestArray()).rejects.toThrow(/^Slurm's controller did not answer/);
});

test('a squeue without --json is asked for plain text', async () => {
  const asked: (readonly string[])[] = [];
  const slurm = createSlurm(async (_, args) => {
    asked.push(args);
    if (args[0] === '--json') {
      return { code: 1, stdout: '', stderr: "squeue: unrecognized option '--json'" };
    }
    return { code: 0, stdout: '7|1|RUNNING|None|n1|1:40\n', stderr: '' };
  });
  expect(await slurm.queue()).toMatchObject([{ job: '7', index: 1, node: 'n1', secondsLeft: 100 }]);
  expect(asked[1]).toContain('--array');
});

test('the number of a job, also of one of several clusters', async () => {
  expect(await createSlurm(answers('', 0, '42\n')).submit('a')).toBe('42');
  expect(await createSlurm(answers('', 0, 'note from the site\n42;east\n')).submit('a')).toBe('42');
  await expect(createSlurm(answers('', 0, 'thanks\n')).submit('a')).rejects.toThrow('"thanks"');
});

test('cancelling what has ended is no error; what may not be cancelled is one', async () => {
  await createSlurm(
    answers('scancel: error: Kill job error on job id 7: Invalid job id specified'),
  ).cancel(['7']);
  const denied = answers('scancel: error: Kill job error on job id 7: Access/permission denied');
  await expect(createSlurm(denied).cancel(['7'])).rejects.toThrow(
    'scancel did not cancel 7: Kill job error on job id 7: Access/permission denied.',
  );
});

test('how long an array may be', async () => {
  const config = 'MaxArraySize            = 1001\nMaxDBDMsgs = 20024\n';
  expect(await createSlurm(answers('', 0, config)).longestArray()).toBe(1001);
  expect(await createSlurm(answers('', 0, '')).longestArray()).toBeUndefined();
});
