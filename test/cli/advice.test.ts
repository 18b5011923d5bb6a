// How the command line words errors that have a code: with its own options, which no layer below names.

import { describe, expect, test } from 'vitest';
import { repairable, worded } from '../../src/cli/advice.ts';
import { describeError } from '../../src/cli/main.ts';
import { DeviceError, outOfMemory } from '../../src/engine/device-error.ts';
import { type CodedFacts, UserError } from '../../src/util/errors.ts';

const coded = (error: CodedFacts) => worded(new UserError('A sentence for everyone.', error));

test('an error without a code says the same to everyone', () => {
  expect(worded(new UserError('The file is empty.'))).toBe('The file is empty.');
});

describe('advice names the options that help', () => {
  test.each<[CodedFacts, string]>([
    [
      { code: 'half-needs-gpu', facts: { device: 'auto', reason: 'none was found' } },
      '--half needs a GPU, and auto finds none: leave --half away, or use --device webgpu.',
    ],
    [
      { code: 'no-gpu', facts: { problem: 'WebGPU finds no usable GPU', advice: 'Install one.' } },
      'WebGPU finds no usable GPU. Install one. Without a GPU there is --device cpu.',
    ],
    [
      { code: 'no-gpu-of-that-name', facts: { name: 'H100', found: ['A', 'B'] } },
      'No GPU has "H100" in its name; there are A, B: use --device webgpu:<part of a name>.',
    ],
    [
      {
        code: 'out-of-memory',
        facts: { problem: 'It is too large', remedy: 'a smaller batch', recompute: true },
      },
      'It is too large: use a smaller batch or --memory recompute.',
    ],
    [
      {
        code: 'out-of-memory',
        facts: { problem: 'It is too large', remedy: 'at most 3 threads', recompute: false },
      },
      'It is too large: use at most 3 threads.',
    ],
    [
      {
        code: 'schedule-is-fixed',
        facts: { recipe: 'fast', kind: 'one-cycle', settings: ['gamma', 'warmup'] },
      },
      '--gamma, --warm-up cannot be given with the recipe fast: its rate rises to its peak and falls to zero in straight lines, without drops or another warm-up; change the peak with --lr and the length with --epochs, or use another recipe.',
    ],
    [
      { code: 'nothing-for-muon', facts: { settings: ['muonRatio'] } },
      '--muon-ratio cannot be given where nothing is updated by Muon: add --optimizer muon, or leave it away.',
    ],
    [
      { code: 'tensor-cores-need-half', facts: {} },
      '--tensor-cores on needs half precision: add --half, or leave --tensor-cores away.',
    ],
    [
      { code: 'tensor-cores-missing', facts: { gpu: 'X', found: 'does not offer subgroups' } },
      '--tensor-cores on: the GPU "X" does not offer subgroups: use --tensor-cores auto.',
    ],
    [
      {
        code: 'config-was-edited',
        facts: { file: 'runs/a/config.json', edits: ['seed is 2 and was 1'] },
      },
      '"runs/a/config.json" was changed after the run began: seed is 2 and was 1. A run keeps its configuration: change it back; to train with the change, copy the file elsewhere and begin another run with train --config <copy>.',
    ],
    [
      { code: 'run-exists', facts: { dir: 'runs/a' } },
      '"runs/a" already holds a run: go on with it by table6 train --resume runs/a, or choose another folder with --save-dir.',
    ],
  ])('%j', (error, sentence) => {
    expect(coded(error)).toBe(sentence);
  });

  test('a clock that is missing is told with the option that needs it', () => {
    const error = new UserError('The GPU "Toy" has no timestamps, so that nothing is measured.', {
      code: 'no-timestamps',
      facts: { gpu: 'Toy' },
    });
    expect(worded(error)).toBe(
      'The GPU "Toy" has no timestamps, so that nothing is measured: leave --profile away.',
    );
  });

  test('a failed device is told in its own words, with the command that goes on', () => {
    const cause = new DeviceError(...outOfMemory('The GPU "X" ran out of memory'));
    const facts = { dir: 'my runs/a', saved: 'Nothing was saved yet.' };
    const error = new DeviceError('…', { cause, code: 'device-failed', facts });
    expect(worded(error)).toMatch(
      /^The GPU "X" ran out of memory: use a smaller batch or --memory recompute\. Nothing was saved yet\. To go on: (npx )?table6 train --resume "my runs\/a"$/,
    );
  });
});

describe('what an operating system refuses', () => {
  const refused = (code: string, more: object = {}) =>
    Object.assign(new Error(`${code}: as the system says it`), { code, syscall: 'write', ...more });

  test.each([
    [
      'EROFS',
      '"a/b" cannot be written, because its file system is read-only: choose another folder with --save-dir.',
    ],
    [
      'EACCES',
      'No permission to write "a/b": choose another folder with --save-dir, or change its permissions.',
    ],
    ['ENOSPC', 'The disk is full: "a/b" could not be written: free some space.'],
    [
      'EMFILE',
      'Too many files are open, so that "a/b" cannot be written: close other programs, or raise the limit (ulimit -n).',
    ],
    [
      'EIO',
      '"a/b" cannot be written, because its drive failed (input/output error): check the drive or the network share.',
    ],
  ])('%s is one sentence and exit code 1, never called a defect', async (code, sentence) => {
    const error = refused(code, { path: 'a/b' });
    expect(await describeError(error, ['train'])).toEqual({ text: sentence, exitCode: 1 });
  });

  test('what a report cannot write is put elsewhere by an option of report', async () => {
    const error = refused('EACCES', { path: 'out' });
    expect((await describeError(error, ['report'])).text).toBe(
      'No permission to write "out": choose another folder with --output, or change its permissions.',
    );
  });

  test('what cannot be read is not put elsewhere', async () => {
    const error = refused('EACCES', { path: 'run/config.json', syscall: 'open' });
    expect((await describeError(error, ['evaluate'])).text).toBe(
      'No permission to read "run/config.json": change its permissions.',
    );
  });

  test('an error of any other kind is a defect', async () => {
    for (const error of [new TypeError('x is not a function'), refused('ERR_INVALID_ARG_TYPE')]) {
      expect(repairable(error)).toBeUndefined();
      expect((await describeError(error, ['train'])).exitCode).toBe(70);
    }
  });
});
