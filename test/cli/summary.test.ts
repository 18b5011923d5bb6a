// What `table6 summary` says about the memory of a training step.

import { expect, test } from 'vitest';
import { table6 } from './run-table6.ts';

test('ResNet-1202 at batch 128: a training step recomputes and stays below 4 GiB', async () => {
  const args = ['summary', 'resnet1202', '--train', '--batch-size', '128', '--threads', '2'];
  const [text, json] = await Promise.all([table6(args), table6([...args, '--json'])]);
  expect([text.code, text.stderr]).toEqual([0, '']);
  const tail = text.stdout.trimEnd().split('\n').slice(-8);
  expect(tail[0]).toBe('Memory of a training step: batch 128, 2 threads, winograd4');
  expect(tail.slice(1).map((line) => line.trim().replace(/ {2,}.*/, ''))).toEqual([
    'weights and running statistics',
    'gradients and momentum',
    'images, labels, logits',
    'activations, block by block',
    'scratch',
    'peak',
    'an evaluation, beside it',
  ]);
  const { step } = JSON.parse(json.stdout) as { step: Record<string, number> };
  expect(step).toMatchObject({ arch: 'resnet1202', batchSize: 128, threads: 2, recomputes: true });
  expect(step.peak).toBeLessThan(2 ** 32);
  expect(tail[6]).toContain(`${(step.peak! / 2 ** 30).toFixed(1)} GiB`);
  // The weights, folded once more, and those as transformed: 36 values for 9. Little beside them.
  const weightBytes = 4 * 19_421_274;
  expect(step.evaluation! / weightBytes).toBeGreaterThan(5.9);
  expect(step.evaluation! / weightBytes).toBeLessThan(6.2);
  expect(tail[7]).toContain(`${(step.evaluation! / 2 ** 20).toFixed(1)} MiB`);
});

test('the six networks, one line each', async () => {
  const { stdout } = await table6(['summary', '--all', '--train', '--memory', 'recompute']);
  const rows = stdout.trimEnd().split('\n').slice(-6);
  expect(rows.map((row) => row.split(' ')[0])).toEqual(
    [20, 32, 44, 56, 110, 1202].map((depth) => `resnet${depth}`),
  );
  for (const row of rows) expect(row).toMatch(/recomputes blocks$/);
});
