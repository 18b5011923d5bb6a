// The page's side: the list of runs and the metrics of those that are looked at, over a real server,
// with Node's own EventSource (in a process that has it) standing for the browser's.

import { spawn } from 'node:child_process';
import { rm, truncate } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isServed, ServedClient } from '../../../src/web/served/client.ts';
import { serve } from '../../server/support/harness.ts';
import { epochRecords, lines, makeRun, stepRecord, wholeEpoch } from '../../server/support/runs.ts';

interface Told {
  readonly kind: string;
  readonly ids: readonly string[];
  readonly records: number;
  readonly requests: number;
  readonly isAnew?: boolean;
  readonly isOpen?: boolean;
  readonly last?: number;
}

/** Follows a run in a process of its own. */
function follow(url: string, id: string, epochs = false) {
  const child = spawn(
    process.execPath,
    [
      '--experimental-eventsource',
      '--no-warnings',
      path.join(import.meta.dirname, 'feed-child.ts'),
      url,
      id,
      ...(epochs ? ['epochs'] : []),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => {
    child.kill();
  });
  const told: Told[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    told.push(JSON.parse(line) as Told);
    for (const look of waiting) look();
  });
  const until = (isIt: (last: Told) => boolean) =>
    new Promise<Told>((found) => {
      const look = () => {
        const last = told.at(-1);
        if (last === undefined || !isIt(last)) return;
        waiting.delete(look);
        found(last);
      };
      waiting.add(look);
      look();
    });
  return { told, until };
}

describe('a followed run', () => {
  test('is loaded once, and then grows by what the stream brings', async () => {
    const { server, runs } = await serve();
    const run = await makeRun(runs, 'table/run', lines(wholeEpoch(0)));
    const { until } = follow(server.url, 'table/run');
    const { requests } = await until(({ records }) => records === 42);
    for (let i = 1; i <= 20; i++) {
      await run.append(lines([stepRecord(391 + i)]));
      const grown = await until(({ records }) => records === 42 + i);
      expect(grown.requests).toBe(requests);
    }
  });

  test('begins anew when a resume has cut it', async () => {
    const { server, runs } = await serve();
    const run = await makeRun(runs, 'run', lines(wholeEpoch(0)));
    const { until, told } = follow(server.url, 'run');
    await until(({ records }) => records === 42);
    await truncate(path.join(run.dir, 'metrics.jsonl'), lines(wholeEpoch(0).slice(0, 10)).length);
    await until(({ records }) => records === 10);
    expect(told.some(({ isAnew }) => isAnew)).toBe(true);
    await run.append(lines(epochRecords(5)));
    expect(await until(({ records }) => records === 12)).toMatchObject({ last: 5 });
  });

  test('by epochs alone has no steps', async () => {
    const { server, runs } = await serve();
    const run = await makeRun(runs, 'run', lines(wholeEpoch(0)));
    const { until } = follow(server.url, 'run', true);
    await until(({ records }) => records === 2);
    for (let epoch = 1; epoch < 4; epoch++) {
      await run.append(lines(wholeEpoch(epoch)));
      await until(({ records }) => records === 2 * (epoch + 1));
    }
  });
});

test('the list follows what appears and goes', async () => {
  const { server, runs } = await serve();
  const { until } = follow(server.url, 'none');
  await until(({ ids }) => ids.length === 0);
  const run = await makeRun(runs, 'new');
  await until(({ ids }) => ids.includes('new'));
  await rm(run.dir, { recursive: true });
  await until(({ ids }) => !ids.includes('new'));
});

test('the client gives files, data and the server’s own sentences', async () => {
  const { server, runs } = await serve();
  await makeRun(runs, 'a/b');
  const client = new ServedClient(`${server.url}index.html?x=1`);
  expect((await client.runs()).runs.map(({ id }) => id)).toEqual(['a/b']);
  const config = new TextDecoder().decode(await client.runFile('a/b', 'config.json'));
  expect(JSON.parse(config)).toMatchObject({ arch: 'resnet20' });
  expect(await client.cachedData('cifar10')).toEqual({ dataset: 'cifar10', files: [] });
  await expect(client.cachedFile('cifar10', 'test_batch.bin')).rejects.toThrow('not there');
  await expect(client.runFile('x', 'config.json')).rejects.toThrow('There is no run "x".');
});

test('a page is served if its document says so, without asking anybody', () => {
  const page = (meta: unknown) => ({ querySelector: () => meta, baseURI: 'http://localhost/' });
  expect(isServed(page({}))).toBe(true);
  expect(isServed(page(null))).toBe(false);
  expect(isServed(undefined)).toBe(false);
});
