// A folder that goes away afterwards, with the command run in it: whole sessions as a user has them,
// on synthetic data so small that each takes seconds.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { type Outcome, table6 } from './run-table6.ts';

export const DATA = 'synthetic:train=640,test=200';
export const TRAIN = [
  ...['train', 'resnet8', '--data', DATA, '--recipe', 'quick', '-b', '64', '-j', '1'],
];

export interface Workspace {
  readonly folder: string;
  /** The path of a file in the folder. */
  at(name: string): string;
  /** Runs `table6 ...args` in the folder, to its end. */
  run(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Outcome>;
}

/** One for a test file. */
export function createWorkspace(): Workspace {
  const folder = mkdtempSync(path.join(tmpdir(), 'table6-cli-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return {
    folder,
    at: (name) => path.join(folder, name),
    run: (args, env = {}) => table6(args, { cwd: folder, env }),
  };
}

/** What a command printed with --json. */
export function parseJson(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}
