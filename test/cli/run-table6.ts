// Runs the command as a user does, in a process of its own: exit codes and streams are part of what
// is promised. Colours and terminals are off unless a test asks.

import { spawn } from 'node:child_process';
import path from 'node:path';

export const REPOSITORY = path.join(import.meta.dirname, '..', '..');
export const BIN = path.join(REPOSITORY, 'bin', 'table6.js');

/** As a user's shell gives it: `npm test` would have the hints begin with `npx`. */
export const ENVIRONMENT: NodeJS.ProcessEnv = { ...process.env, npm_command: undefined };

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `table6 ...args` to its end. */
export function table6(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; node?: string } = {},
): Promise<Outcome> {
  const child = spawn(options.node ?? process.execPath, [BIN, ...args], {
    cwd: options.cwd ?? REPOSITORY,
    env: { ...ENVIRONMENT, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
