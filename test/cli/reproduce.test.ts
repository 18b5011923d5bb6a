// The whole experiment in small, with real processes: planned, priced, killed in the middle, continued,
// extended, with a job that is killed alone, and reported. Tiny networks on a few synthetic images; the
// numbers mean nothing, what happens to them does.

import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parseSeeds } from '../../src/cli/commands/reproduce-options.ts';
import { nodeHost } from '../../src/runs/runs.node.ts';
import { findChromium } from '../support/chromium.ts';
import { BIN, type Outcome, table6 } from './run-table6.ts';

const SETTINGS = [
  '--data=synthetic:train=96,test=32',
  '--recipe=quick',
  '--epochs=2',
  '--batch-size=16',
  '--threads=1',
];

let folder = '';
beforeAll(async () => {
  folder = path.join(await mkdtemp(path.join(tmpdir(), 'table6-reproduce-')), 'table');
});
afterAll(() => rm(path.dirname(folder), { recursive: true, force: true }));

function reproduce(...args: string[]): Promise<Outcome> {
  return table6(['reproduce', `--save-dir=${folder}`, '--threads=1', ...args]);
}

const lockSchema = z.object({ pid: z.number() });

/** The process that trains in a run folder now. */
async function trainer(run: string): Promise<number | undefined> {
  try {
    const text = await readFile(path.join(folder, run, 'lock.json'), 'utf8');
    return lockSchema.parse(JSON.parse(text)).pid;
  } catch {
    return undefined;
  }
}

async function waitFor<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (let attempt = 0; attempt < 6000; attempt++) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(20);
  }
  throw new Error(`waited in vain for ${what}`);
}

async function outcomes(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await readdir(folder)) {
    const text = await readFile(path.join(folder, name, 'summary.json'), 'utf8').catch(() => '');
    if (text !== '')
      found[name] = z.object({ outcome: z.string() }).parse(JSON.parse(text)).outcome;
  }
  return found;
}

describe('table6 reproduce, in order', () => {
  test('shows first what it would cost, and writes nothing', async () => {
    const { code, stdout } = await reproduce(
      '--archs=resnet8,resnet14',
      '--seeds=2',
      ...SETTINGS,
      '--dry-run',
    );
    expect(code).toBe(0);
    expect(stdout).toContain('4 runs: resnet8, resnet14; recipe quick; seeds 1, 2; 2 epochs');
    expect(stdout).toMatch(/work +\d\.\d × 10\^\d+ multiply-adds/);
    expect(stdout).toMatch(/disk +\d/);
    expect(stdout).toMatch(/time +about \d+:\d\d with 1 job of 1 thread: resnet8 trained/);
    await expect(stat(folder)).rejects.toThrow();
  });

  test('killed without a word, it takes its runs with it', async () => {
    const args = ['reproduce', '--archs=resnet8,resnet14', '--seeds=2', `--save-dir=${folder}`];
    const parent = spawn(process.execPath, [BIN, ...args, ...SETTINGS, '--jobs=2'], {
      stdio: 'ignore',
    });
    const child = await waitFor(() => trainer('resnet14-quick-seed1'), 'the second run');
    parent.kill('SIGKILL');
    await waitFor(
      async () => !nodeHost.self.isAlive(child) || undefined,
      'the end of the second run',
    );
    expect(
      Object.values(await outcomes()).filter((each) => each === 'complete').length,
    ).toBeLessThan(4);
    expect(await readdir(folder)).toContain('plan.json');
  });

  test('a report of what there is names the missing runs', async () => {
    const { code, stdout } = await table6(['report', folder]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/of 2 \(.*missing\)/);
  });

  test('goes on by itself, without being told the settings again; a job that is killed alone takes no other with it, and is shown', async () => {
    const running = reproduce('--jobs=2');
    const child = await waitFor(() => trainer('resnet14-quick-seed2'), 'the last run');
    process.kill(child, 'SIGKILL');
    const { code, stdout } = await running;
    expect(code).toBe(1);
    expect(stdout).toContain('failed resnet14 quick seed 2: its process was killed (SIGKILL');
    expect(stdout).toContain('1 run not finished; to go on: table6 reproduce --save-dir');
    expect(Object.values(await outcomes()).filter((each) => each === 'complete')).toHaveLength(3);
    const report = await table6(['report', folder]);
    expect(report.stdout).toContain('resnet14-quick-seed2 failed: its process was killed');
    expect(report.stdout).toMatch(/ResNet-14 .*1 of 2 \(1 failed\)/);
  });

  test('tries the failed run again, and then has nothing to do', async () => {
    const again = await reproduce();
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('to do    1 run; 3 finished');
    expect(again.stdout).toContain('finished resnet14 quick seed 2');
    const nothing = await reproduce();
    expect(nothing.code).toBe(0);
    expect(nothing.stdout).toContain('to do    0 runs; 4 finished');
    expect(nothing.stdout).not.toContain('beginning');
  });

  test('is extended by a seed of one network, and refuses other settings', async () => {
    const refused = await reproduce('--epochs=3');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/plan was made with epochs 2, not 3.*--save-dir/);
    const extended = await reproduce('--archs=resnet8', '--seeds=3');
    expect(extended.code).toBe(0);
    expect(extended.stdout).toContain('beginning resnet8 quick seed 3');
    expect(extended.stdout).toMatch(/ResNet-8 .*± .*3\n/);
  });

  test('is reported in every format', async () => {
    const output = path.join(folder, 'docs');
    const { code, stdout } = await table6(['report', folder, '--output', output]);
    expect(code).toBe(0);
    expect(stdout).toBe(`${output}/report.html\n`);
    expect(await readdir(output)).toEqual(
      expect.arrayContaining(['report.csv', 'report.json', 'report.md', 'report.txt', 'loss.svg']),
    );
    const csv = (await table6(['report', folder, '--format=csv'])).stdout;
    expect(csv).toMatch(/\nresnet8,quick,75290,,,,3,3,/);
    const html = await readFile(path.join(output, 'report.html'), 'utf8');
    expect(html).toContain('class="confusion"');
    expect(html).toContain('synthetic, not the original CIFAR-10');
  });

  test('a row is repeated, to the same bits with two threads, by the command under the table', async () => {
    const notes = await readFile(path.join(folder, 'docs', 'report.md'), 'utf8');
    const [command] = /table6 train --config configuration\S+ --seed 1\b/.exec(notes)!;
    const [, config] = /--config (\S+)/.exec(command)!;
    const dir = path.join(folder, '..', 'repeated');
    const args = command.split(' ').slice(1);
    const there = args.map((arg) => (arg === config ? path.join(folder, 'docs', config!) : arg));
    expect((await table6([...there, '--save-dir', dir, '--threads=2'])).code).toBe(0);
    const sumOf = async (run: string) =>
      z
        .object({ weightsSha256: z.string() })
        .parse(JSON.parse(await readFile(path.join(run, 'summary.json'), 'utf8'))).weightsSha256;
    expect(await sumOf(dir)).toBe(await sumOf(path.join(folder, 'resnet8-quick-seed1')));
    const onTerminal = (await table6(['report', folder])).stdout.replaceAll('\n', ' ');
    expect(onTerminal).toContain(`--config ${folder}/resnet8-quick-seed1 --seed 1`);
  });

  test('its layers are analyzed', async () => {
    const run = path.join(folder, 'resnet14-quick-seed1');
    const svg = path.join(folder, 'figure-7.svg');
    const { code, stdout } = await table6(['analyze', 'responses', run, '--svg', svg]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\n13 +layer3\.1\.conv2 +\d\.\d{4}\n/);
    expect(await readFile(svg.replace('.svg', '-sorted.svg'), 'utf8')).toContain('resnet14');
    const wrong = await table6(['analyze', 'response', run]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('it can analyze responses, not "response"');
  });

  test('every file of it has a checksum, and a damaged plan or cell is refused before anything is trained', async () => {
    const { code, stdout } = await table6(['verify', folder]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}plan\.json +whole: 5 of its 5 runs begun\n/m);
    expect(stdout.match(/^ {2}(cell|evaluation|summary)\.json +whole\n/gm)).toHaveLength(3 * 5);
    expect(stdout).not.toContain('unchecked');
    const run = path.join(folder, 'resnet8-quick-seed1');
    for (const file of [path.join(folder, 'plan.json'), path.join(run, 'cell.json')]) {
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replace('"batchSize": 16', '"batchSize": 17'));
      const args = file.endsWith('plan.json')
        ? ['reproduce', '--save-dir', folder]
        : ['train', '--config', file];
      const refused = await table6(args);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toBe(
        `"${file}" is damaged or was changed, since what it says does not match its checksum: put a copy of it back, or delete its line "checksum" if you changed it yourself.\n`,
      );
      const verified = await table6(['verify', folder]);
      expect(verified.code).toBe(1);
      expect(verified.stdout).toMatch(/(plan|cell)\.json +damaged: /);
      await writeFile(file, text);
    }
  });

  const browser = findChromium();
  test.skipIf(browser === undefined)(
    'the page opens without an error, and fits a telephone',
    async () => {
      const page = path.join(folder, 'report', 'report.html');
      const running = await chromium.launch({ executablePath: browser, args: ['--no-sandbox'] });
      try {
        const view = await running.newPage({ viewport: { width: 375, height: 800 } });
        const problems: string[] = [];
        view.on('console', (message) => problems.push(message.text()));
        view.on('pageerror', (error) => problems.push(error.message));
        view.on('request', (request) => {
          if (!/^(file|data):/.test(request.url())) problems.push(request.url());
        });
        await view.goto(pathToFileURL(page).href);
        expect(await view.title()).toBe('Runs on synthetic, not the original CIFAR-10');
        expect(await view.locator('figure svg[role=img]').count()).toBeGreaterThan(4);
        expect(await view.locator('tbody tr', { hasText: 'ResNet-1202' }).count()).toBe(0);
        const width = await view.evaluate('document.documentElement.scrollWidth');
        expect(width).toBeLessThanOrEqual(375);
        await view.locator('a[href="#configuration-resnet-8"]').click();
        expect(view.url()).toMatch(/#configuration-resnet-8$/);
        expect(problems).toEqual([]);
      } finally {
        await running.close();
      }
    },
  );
});

describe('--seeds', () => {
  test.each([
    ['1', [1]],
    ['3', [1, 2, 3]],
    ['1,3,9', [1, 3, 9]],
    ['6-8', [6, 7, 8]],
    ['42-42', [42]],
  ])('%s means %j', (text, seeds) => expect(parseSeeds(text)).toEqual(seeds));

  test.each(['0', '-1', 'a', '', '9-6', '1,1', '1-5000', '99999999999,1'])(
    '%s is refused',
    (text) => {
      expect(() => parseSeeds(text)).toThrow(/number of seeds/);
    },
  );
});
