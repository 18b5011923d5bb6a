// `table6 ui` as a person has it: an address, a port, and an end. It runs from a copy of the package that
// has an empty page, so that a page built in the checkout is neither needed nor disturbed.

import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { isOutdated } from '../../src/server/page-build.ts';
import type { RunList } from '../../src/server/protocol.ts';
import { makeRun } from '../server/support/runs.ts';
import { ENVIRONMENT, REPOSITORY } from './run-table6.ts';
import { createWorkspace, parseJson } from './workspace.ts';

const workspace = createWorkspace();
const root = workspace.at('package');

beforeAll(() => {
  for (const name of ['bin', 'src', 'package.json']) {
    cpSync(path.join(REPOSITORY, name), path.join(root, name), { recursive: true });
  }
  symlinkSync(path.join(REPOSITORY, 'node_modules'), path.join(root, 'node_modules'));
  mkdirSync(path.join(root, 'dist', 'web'), { recursive: true });
  writeFileSync(path.join(root, 'dist', 'web', 'index.html'), '<head></head>the page');
});

/** Starts the command; resolves when it waits, or has ended. */
async function ui(...args: readonly string[]) {
  const child = spawn(process.execPath, [path.join(root, 'bin', 'table6.js'), 'ui', ...args], {
    cwd: workspace.folder,
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  let output = '';
  let json = '';
  child.stdout.on('data', (text: string) => {
    json += text;
  });
  const waits = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes('Ctrl-C')) resolve();
      });
    }
  });
  await Promise.race([waits, ended]);
  return {
    output,
    url: /http:\S+/.exec(output)?.[0] ?? '',
    child,
    ended,
    printed: () => parseJson(json),
  };
}

async function listen(port = 0): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1');
  await new Promise((resolve) => server.on('listening', resolve));
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test('prints its address, serves the page and the runs, and ends with Ctrl-C', async () => {
  await makeRun(workspace.at('runs'), 'resnet20-seed1');
  const { output, url, child, ended } = await ui();
  expect(output).toMatch(/^page {5}http:\/\/127\.0\.0\.1:\d+\/\nruns {5}runs\n +Ctrl-C ends it\n$/);
  expect(await (await fetch(url)).text()).toContain('the page');
  const { folder, runs } = (await (await fetch(`${url}api/runs`)).json()) as RunList;
  expect(folder).toBe('runs');
  expect(runs.map(({ id }) => id)).toEqual(['resnet20-seed1']);
  // A reader of events keeps a connection open; it must not keep the command from ending.
  const events = await fetch(`${url}api/events`);
  expect(events.status).toBe(200);
  child.kill('SIGINT');
  expect(await ended).toBe(130);
});

test('a folder that is not there yet is said, and no error', async () => {
  const { output, url, printed } = await ui('later', '--port', '0', '--json');
  expect(output).toContain('runs     later (not there yet)');
  await expect.poll(printed).toEqual({ url, runs: 'later' });
  await makeRun(workspace.at('later'), 'first');
  const { runs } = (await (await fetch(`${url}api/runs`)).json()) as RunList;
  expect(runs.map(({ id }) => id)).toEqual(['first']);
});

describe('the page of a clone', () => {
  const index = path.join(root, 'dist', 'web', 'index.html');
  const source = path.join(root, 'src', 'web', 'App.svelte');
  const later = (file: string, seconds: number) => {
    const time = statSync(index).mtimeMs / 1000 + seconds;
    utimesSync(file, time, time);
  };

  test('that is older than its sources is served, with a line that says what to do', async () => {
    later(source, 5);
    onTestFinished(() => later(source, -5));
    const { output } = await ui('--port', '0');
    expect(output).toContain(
      'note     the page is older than its sources: "npm run build:web" makes it anew\n',
    );
  });

  test('is not called old for a change of the command line, nor in a package, which has no sources', async () => {
    const command = path.join(root, 'src', 'cli', 'main.ts');
    later(command, 5);
    onTestFinished(() => later(command, -5));
    expect((await ui('--port', '0')).output).not.toContain('older');
    later(source, 5);
    onTestFinished(() => later(source, -5));
    expect(isOutdated(path.join(root, 'dist', 'web'), root)).toBe(true);
    expect(isOutdated(path.join(root, 'dist', 'web'), path.join(root, 'dist'))).toBe(false);
  });
});

describe('ports and addresses', () => {
  test('a second one takes the next port; a given port is taken or refused', async () => {
    const [first, second] = [await ui(), await ui()];
    expect(Number(new URL(second.url).port)).toBeGreaterThan(Number(new URL(first.url).port));
    const taken = await listen();
    const refused = await ui('--port', String(taken));
    expect(await refused.ended).toBe(1);
    expect(refused.output).toBe(`The port ${taken} is taken: choose another with --port.\n`);
  });

  test('what cannot be meant is one sentence', async () => {
    writeFileSync(workspace.at('file'), '');
    for (const [args, code, sentence] of [
      [['file'], 1, /^"file" is a file: give a folder\.\n$/],
      [['--port', '70000'], 2, /--port must be at least 0 and at most 65535, not 70000/],
      [['--host', 'no.such.host.invalid'], 1, /^This machine has no address "no\.such\.host/],
      [['--host', '203.0.113.7'], 1, /^This machine has no address "203\.0\.113\.7"/],
    ] as const) {
      const { output, ended } = await ui(...args);
      expect(await ended).toBe(code);
      expect(output).toMatch(sentence);
    }
  });

  test('opened to a network it says so', async () => {
    const { output } = await ui('--host', '0.0.0.0', '--port', '0');
    expect(output).toContain('everybody who can reach 0.0.0.0 can read these runs');
  });
});
