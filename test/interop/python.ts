// A Python with PyTorch, where the machine has one (on Debian: python3-torch). Tests against it skip
// with a message elsewhere; CI installs it.

import { spawnSync } from 'node:child_process';

/** `PYTHON` if set, else the first on the path, else the system's. */
const CANDIDATES = [process.env.PYTHON ?? 'python3', '/usr/bin/python3'];

let found: string | null | undefined;

/** The command of a Python that can import torch, or undefined (and a message). */
export function pythonWithTorch(): string | undefined {
  if (found === undefined) {
    found =
      CANDIDATES.find((python) => spawnSync(python, ['-c', 'import torch']).status === 0) ?? null;
    if (found === null) console.warn('skipped: no python3 with PyTorch on this machine');
  }
  return found ?? undefined;
}

/**
 * Runs a Python program.
 * @returns what it prints, parsed as JSON
 */
export function runPython(python: string, program: string, args: readonly string[] = []): unknown {
  const result = spawnSync(python, ['-c', program, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (result.status !== 0) throw new Error(`python failed: ${result.stderr}`);
  return JSON.parse(result.stdout);
}
