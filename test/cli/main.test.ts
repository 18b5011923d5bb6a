// The command line as a whole, in processes of its own: help, exit codes, one-sentence messages, and
// the hand-over from an older Node.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadCommand } from '../../src/cli/command.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { commandHelp } from '../../src/cli/help.ts';
import { describeError } from '../../src/cli/main.ts';
import { parseCommandLine } from '../../src/cli/options.ts';
import { UserError } from '../../src/util/errors.ts';
import { nearest } from '../../src/util/suggest.ts';
import { lacks } from '../support/skip.ts';
import { BIN, REPOSITORY, table6 } from './run-table6.ts';

/** Prints the path of every file that a process loads on standard error. */
const TELL_MODULES = `
  import { registerHooks } from 'node:module';
  registerHooks({
    load(url, context, next) {
      if (url.startsWith('file:')) console.error(new URL(url).pathname);
      return next(url, context);
    },
  });`;

describe('help', () => {
  test('without arguments lists every command and where to read on', async () => {
    const { code, stdout, stderr } = await table6([]);
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
    for (const { name, summary } of COMMANDS) expect(lines).toContainEqual([name, summary]);
    expect(stdout).toContain("'table6 <command> --help'");
    expect((await table6(['--help'])).stdout).toBe(stdout);
  });

  test('loads nothing but the command line itself, so that it is there at once', () => {
    const tell = `data:text/javascript,${encodeURIComponent(TELL_MODULES)}`;
    const help = spawnSync(process.execPath, ['--import', tell, BIN, '--help'], {
      encoding: 'utf8',
    });
    expect(help.stdout).toContain('Usage: table6');
    const modules = help.stderr
      .trim()
      .split('\n')
      .map((file) => path.relative(REPOSITORY, file));
    expect(modules).toContain('src/cli/help.ts');
    const others = modules.filter(
      (file) => !/^(bin|src\/(cli(\/console)?|util))\/[^/]+$/.test(file),
    );
    expect(others).toEqual([]);
  });

  test.each(COMMANDS.map(({ name }) => name))(
    '%s: usage, options, examples that parse, --json',
    async (name) => {
      const command = await loadCommand(COMMANDS.find((entry) => entry.name === name)!);
      const help = commandHelp(command);
      expect(command.name).toBe(name);
      expect(help).toContain(`Usage: table6 ${name}`);
      expect(help).toContain('Examples:');
      expect(command.options.json).toBeDefined();
      expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(104);
      expect(command.examples.length).toBeGreaterThan(0);
      for (const example of command.examples) {
        expect(`${example.command} `).toMatch(new RegExp(`^${name} `));
        const rest = example.command.split(' ').slice(name.split(' ').length);
        expect(() =>
          parseCommandLine(name, command.options, command.arguments, rest),
        ).not.toThrow();
      }
    },
  );

  test('help <command> is <command> --help', async () => {
    const [one, other] = await Promise.all([table6(['help', 'bench']), table6(['bench', '-h'])]);
    expect(one.stdout).toBe(other.stdout);
    expect(one.stdout).toMatch(/^table6 bench: /);
  });

  test('--version is package.json’s', async () => {
    expect((await table6(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('mistakes get one sentence and exit code 2', () => {
  test.each([
    [['trian'], /^table6 has no command "trian": did you mean "table6 train"\?\n$/],
    [['frobnicate'], /^table6 has no command "frobnicate": the commands are quickstart, train, /],
    [['--hepl'], /^table6 has no option "--hepl": did you mean "table6 --help"\?\n$/],
    [['summary', '--al'], /^table6 summary: there is no option --al; did you mean --all\? See: /],
    [
      ['summary', 'resnet21'],
      /^There is no resnet21: depths are 6n\+2 .*resnet20 and resnet26\.\n$/,
    ],
    [['train'], /^table6 train: which network\?/],
    [['summary', '--batch-size', '4'], /--batch-size describes a training step: add --train/],
    [['train', 'vgg16'], /^There is no network called "vgg16"/],
    [
      ['train', 'resnet20', '--warm-up', 'soon'],
      /^table6 train: --warm-up must be none, a number of epochs \(1\), .* not "soon"/,
    ],
    [['train', 'renset20'], /^There is no network called "renset20": .* Did you mean resnet20\?$/m],
    [['train', 'resnet20', '-a', 'resnet32'], /ARCH says resnet20, and --arch resnet32\./],
    [['train', 'resnet20', '--device', 'gpu'], /not "gpu"\. Did you mean webgpu\? See: /],
    [['train', 'resnet20', '--half', '0'], /^table6 train: --half is a switch and takes no value/],
    [['train', 'resnet20', '--lr', '0'], /--lr must be above 0 and at most 1000, not 0\./],
    [
      ['train', 'resnet20', '--recipe', 'fast', '--milestones', '10,15'],
      /^--milestones cannot be given with the recipe fast: .*--lr .*--epochs/,
    ],
    [['train', 'resnet20', '--epochs', '5', '--start-epoch', '5'], /^There is nothing to train/],
    [
      ['train', 'resnet20', '--device', 'cuda'],
      /^table6 train: --device must be auto, cpu, webgpu, webgpu:<part of the GPU's name> or reference, not "cuda"/,
    ],
    [
      ['train', 'resnet20', '--half', '--device', 'cpu'],
      /^--half needs a GPU, and the CPU engine computes in float32 only: leave --half away, or/,
    ],
    [['bench', '--half', '--device', 'reference'], /^--half needs a GPU, and the reference/],
    [['train', '--evaluate'], /^table6 train: --evaluate needs what to evaluate/],
    [['predict', 'weights.th'], /^table6 predict: IMAGE is missing/],
    [['evaluate'], /^table6 evaluate: RUN\|WEIGHTS is missing/],
    [['data', '--images', 'a.png'], /^table6 data: a contact sheet needs the name or path/],
  ])('%j', async (argv, message) => {
    const { code, stdout, stderr } = await table6(argv);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([code, stdout]).toEqual([2, '']);
  });
});

describe('what cannot be done gets one sentence and exit code 1', () => {
  // With no driver to be found, whatever this machine has. Dawn's own warnings come first.
  test
    .runIf(process.platform === 'linux')
    .each([
      [['train', 'resnet20', '--data', 'nowhere', '--device', 'webgpu']],
      [['bench', '--device', 'webgpu:H100', '--half']],
    ])('%j without a GPU', async (argv) => {
    const env = { VK_DRIVER_FILES: '/nowhere', VK_ICD_FILENAMES: '/nowhere' };
    const { code, stdout, stderr } = await table6(argv, { env });
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^WebGPU finds no .*Vulkan.*--device cpu/);
    expect([code, stdout]).toEqual([1, '']);
  });

  test.each([
    [['train', 'resnet20', '--data', 'nowhere'], /no data set or path 'nowhere'/],
    [['train', '--resume', 'nowhere'], /^There is no run in "nowhere"/],
    [['evaluate', 'nowhere.th'], /^nowhere\.th does not exist/],
    [['evaluate', 'src'], /^There is no run in "src"/],
    [['evaluate', '/dev/zero'], /^\/dev\/zero is no regular file/],
    [['evaluate', 'package.json'], /^package\.json is not a weights file/],
    [['predict', 'package.json', 'a.png'], /^package\.json is not a weights file/],
    [['data', 'package.json'], /package\.json is neither a folder nor/],
  ])('%j', async (argv, message) => {
    const { code, stdout, stderr } = await table6(argv);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([code, stdout]).toEqual([1, '']);
  });
});

test.skipIf(lacks(process.platform === 'linux', 'drivers are only taken away on Linux'))(
  'a GPU that is not there is an error, not the CPU in its place',
  async () => {
    const argv = ['bench', 'resnet8', '--device', 'webgpu'];
    const noDriver = '/nonexistent/driver.json';
    const { code, stdout, stderr } = await table6(argv, {
      env: { VK_ICD_FILENAMES: noDriver, VK_DRIVER_FILES: noDriver },
    });
    // Dawn writes about drivers before; the last line is ours.
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^WebGPU .*--device cpu\.$/);
    expect([code, stdout]).toEqual([1, '']);
  },
);

describe('errors', () => {
  test('a UserError is its message alone', async () => {
    expect(await describeError(new UserError('No.', { exitCode: 2 }), [])).toEqual({
      text: 'No.',
      exitCode: 2,
    });
  });

  test('anything else is a defect: stack, command, and how to report it', async () => {
    const { text, exitCode } = await describeError(new TypeError('x is not a function'), [
      'train',
      'resnet20',
    ]);
    expect(exitCode).toBe(70);
    expect(text).toMatch(/^TypeError: x is not a function\n {4}at /);
    expect(text).toContain('open an issue');
    expect(text).toContain('"table6 train resnet20"');
    expect(text).toContain('table6 doctor');
  });

  test('a reader that stops reading is no error', async () => {
    const child = spawn(process.execPath, [BIN, 'summary', 'resnet1202'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, stderr]).toEqual([0, '']);
  });
});

describe('did you mean', () => {
  test.each([
    ['trian', 'train'],
    ['eval', 'evaluate'],
    ['summry', 'summary'],
    ['xyz', undefined],
  ])('%s: %s', (typed, meant) => {
    expect(nearest(typed, ['train', 'evaluate', 'summary', 'data'])).toBe(meant);
  });
});

/** A Node older than 24 on this machine, outside the project's own. */
function olderNode(): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const node = path.join(folder, 'node');
    if (!existsSync(node)) continue;
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' });
    if (Number(/^v(\d+)/.exec(version)?.[1]) < 24) return node;
  }
  return undefined;
}

describe('an older Node', () => {
  const node = olderNode();

  test('hands over to the pinned one, with arguments, streams and exit code', async (context) => {
    if (node === undefined) return context.skip('there is no Node older than 24 on PATH');
    const version = await table6(['--version'], { node });
    expect([version.code, version.stderr]).toEqual([0, '']);
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const mistake = await table6(['summary', 'resnet21'], { node });
    expect(mistake.code).toBe(2);
    expect(mistake.stderr).toMatch(/There is no resnet21/);
  });
});
