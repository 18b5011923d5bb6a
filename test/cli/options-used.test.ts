// No option that is given is ever ignored silently: each is read by its command, or refused.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { COMMANDS, type CommandEntry } from '../../src/cli/commands.ts';
import { flagName, type Option, parseCommandLine } from '../../src/cli/options.ts';
import { encodePng } from '../../src/formats/png.node.ts';
import { writePyTorch } from '../../src/interop/pytorch/write.ts';
import { initializeWeights } from '../../src/nn/initialize.ts';
import { createNetwork } from '../../src/nn/network.ts';
import { UserError } from '../../src/util/errors.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'table6-options-'));
const at = (name: string) => path.join(folder, name);
const DATA = 'synthetic:train=20,test=10';

beforeAll(() => {
  const network = createNetwork('resnet8');
  writeFileSync(at('w.th'), writePyTorch(initializeWeights(network, 1)));
  const pixels = new Uint8Array(3072).fill(9);
  writeFileSync(at('p.png'), encodePng({ width: 32, height: 32, pixels }));
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation(() => true);
  }
});
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

type Loaded = Awaited<ReturnType<CommandEntry['load']>>;
const command = async (name: string): Promise<Loaded> =>
  await COMMANDS.find((entry) => entry.name === name)!.load();

/** Runs a command in this process; @returns which options it looked at */
async function reads(name: string, argv: readonly string[]): Promise<Set<string>> {
  const loaded = await command(name);
  const line = parseCommandLine(name, loaded.options, loaded.arguments, argv);
  const seen = new Set<string>();
  const look = (key: string | symbol) => {
    if (typeof key === 'string') seen.add(key);
  };
  const values = new Proxy(line.values, {
    get: (target, key) => {
      look(key);
      return Reflect.get(target, key) as unknown;
    },
  });
  const given = new Proxy(line.given, {
    get: (target, key) => {
      const member = Reflect.get(target, key) as unknown;
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        if (key === 'has') look(args[0] as string);
        return (member as (...all: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  await loaded.run({ ...line, values, given } as never);
  return seen;
}

describe('what is about weights and pictures reads every option of its table', () => {
  const small = ['--data', DATA, '--threads', '1'];
  test.each<[string, readonly (readonly string[])[]]>([
    ['info', [[at('w.th')]]],
    [
      'evaluate',
      [
        [at('w.th'), ...small, '--images', at('worst.png')],
        [at('w.th'), at('w.th'), ...small],
        [at('w.th'), ...small, '--log', 'notebook'],
      ],
    ],
    ['predict', [[at('w.th'), at('p.png'), '--threads', '1']]],
    ['convert', [[at('w.th'), at('w.onnx')]]],
  ])('%s', async (name, lines) => {
    const seen = new Set<string>();
    for (const line of lines) for (const key of await reads(name, line)) seen.add(key);
    const ignored = Object.keys((await command(name)).options).filter((key) => !seen.has(key));
    expect(ignored).toEqual([]);
  });
});

describe('what would change nothing is refused by name', () => {
  const refusal = async (name: string, argv: readonly string[]) => {
    const loaded = await command(name);
    const line = parseCommandLine(name, loaded.options, loaded.arguments, argv);
    return await loaded.run(line as never).then(
      () => 'accepted',
      (error: unknown) => (error instanceof UserError ? error.message : String(error)),
    );
  };

  test.each<[string, readonly string[], string]>([
    ['evaluate', [at('w.th'), at('w.th'), '--images', 'x.png'], '--images is about one'],
    ['evaluate', [at('w.th'), at('w.th'), '--worst', '3'], '--worst is about one'],
    ['evaluate', [at('w.th'), at('w.th'), '--confusion'], '--confusion is about one'],
    ['evaluate', [at('w.th'), '--seed', '3', '--data', DATA], '--seed chooses'],
    ['predict', [at('w.th'), at('p.png'), '--data', DATA], '--data is for the training images'],
    ['predict', [at('w.th'), at('p.png'), '--normalization', 'dataset'], 'name them with --data'],
    ['convert', [at('w.th'), at('n.pth'), '--data', DATA], '--data is for the training images'],
    ['convert', [at('w.th'), at('n.pth'), '--input', 'float'], '--input is for ONNX'],
    ['convert', [at('w.th'), at('n.onnx'), '--module-prefix'], '--module-prefix is for PyTorch'],
    ['train', ['resnet8', '--key', 'ema', '--data', DATA], '--key says which network'],
  ])('%s %j', async (name, argv, message) => {
    expect(await refusal(name, argv)).toContain(message);
  });

  test('train --evaluate: every option that is about training', async () => {
    const train = await command('train');
    const line = parseCommandLine('train', train.options, train.arguments, ['-e', '--resume', 'x']);
    const used = [
      ...['data', 'threads', 'batchSize', 'limitBatches', 'device', 'convolution', 'tune', 'log'],
      ...['tensorCores', 'seed', 'validation', 'arch', 'half', 'json', 'strict', 'offline', 'key'],
      ...['shortcut', 'normalization', 'evaluate', 'resume', 'weights', 'saveDir', 'config'],
    ];
    for (const [key, option] of Object.entries(train.options)) {
      if (used.includes(key)) continue;
      const given = new Set(['evaluate', 'resume', key]);
      const message = await train.run({ ...line, given } as never).then(
        () => 'accepted',
        (error: unknown) => (error as Error).message,
      );
      expect(message, key).toContain(
        `--${flagName(key, option as Option<unknown>)} has no use beside it`,
      );
    }
  });
});

test('every option of every command is named where the command works, not only in its table', async () => {
  const { readFileSync, readdirSync } = await import('node:fs');
  const root = path.join(import.meta.dirname, '..', '..', 'src');
  const sources = ['cli', 'cluster']
    .flatMap((room) =>
      readdirSync(path.join(root, room), { recursive: true, encoding: 'utf8' }).map((file) =>
        path.join(root, room, file),
      ),
    )
    .filter((file) => file.endsWith('.ts') && !/(common-options|setting-options)\.ts$/.test(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const unread: string[] = [];
  for (const entry of COMMANDS) {
    const { options } = await entry.load();
    for (const key of Object.keys(options)) {
      // `values.key`, `{ key }`, `pick(values, ['key'])`; settings are read by their table.
      const read = new RegExp(`[.]${key}\\b|[{,(]\\s*${key}\\s*[,}=)]|'${key}'`);
      if (!read.test(sources)) unread.push(`${entry.name} --${flagName(key)}`);
    }
  }
  const { GIVEN_SETTINGS } = await import('../../src/train/config.ts');
  const settings = new Set(GIVEN_SETTINGS.map((name) => flagName(name)));
  expect(unread.filter((option) => !settings.has(option.replace(/^.*--/, '')))).toEqual([]);
});
