// The package as a user gets it: built, packed, and installed from the tarball into an empty project.
// Built in a folder of its own, so that a build in the checkout is neither used nor disturbed.

import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from '../cli/run-table6.ts';

const run = promisify(execFile);

/** npm without this process's own npm settings, and quiet about itself. */
const NPM_FLAGS = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];

export interface Packed {
  readonly tarball: string;
  /** Of the tarball. */
  readonly bytes: number;
  readonly unpackedBytes: number;
  readonly files: readonly string[];
}

/** Runs a command of the repository's own tools. */
export function tool(name: string, args: readonly string[], cwd: string) {
  return run(path.join(REPOSITORY, 'node_modules', '.bin', name), args, { cwd });
}

/** Builds and packs. */
export async function packPackage(folder: string): Promise<Packed> {
  const root = path.join(folder, 'package');
  mkdirSync(root, { recursive: true });
  const project = path.join(REPOSITORY, 'tsconfig.build.json');
  await tool('tsc', ['-p', project, '--outDir', path.join(root, 'dist')], REPOSITORY);
  const page = path.join(root, 'dist', 'web');
  await tool(
    'vite',
    ['build', '--outDir', page, '--emptyOutDir', '--logLevel', 'error'],
    REPOSITORY,
  );
  for (const name of readdirSync(REPOSITORY)) {
    if (/^package\.json$|\.md$|^LICENSE$/.test(name)) {
      copyFileSync(path.join(REPOSITORY, name), path.join(root, name));
    }
  }
  for (const name of ['bin', 'docs', 'notebook']) {
    cpSync(path.join(REPOSITORY, name), path.join(root, name), { recursive: true });
  }
  const flags = ['--ignore-scripts', '--json', '--pack-destination', folder, ...NPM_FLAGS];
  const { stdout } = await run('npm', ['pack', ...flags], { cwd: root });
  const answer: unknown = JSON.parse(stdout);
  // npm 10 answers with a list, npm 12 with a table by name.
  const [facts] = Object.values(answer as object) as {
    filename: string;
    size: number;
    unpackedSize: number;
    files: { path: string }[];
  }[];
  return {
    tarball: path.join(folder, facts!.filename),
    bytes: facts!.size,
    unpackedBytes: facts!.unpackedSize,
    files: facts!.files.map((file) => file.path),
  };
}

/**
 * Installs a tarball into an empty project, without optional dependencies.
 * @returns why that was not possible, where the registry cannot be reached
 */
export async function installInto(project: string, tarball: string): Promise<string | undefined> {
  mkdirSync(project, { recursive: true });
  writeFileSync(
    path.join(project, 'package.json'),
    JSON.stringify({ name: 'empty', private: true, type: 'module' }),
  );
  const flags = ['--omit=optional', '--prefer-offline', '--fetch-retries=0', ...NPM_FLAGS];
  try {
    await run('npm', ['install', tarball, ...flags], { cwd: project });
    return undefined;
  } catch (error) {
    const { stderr } = error as { stderr: string };
    if (!/ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|ENOTCACHED/.test(stderr)) throw error;
    return `the npm registry cannot be reached (${stderr.trim().split('\n')[0]})`;
  }
}

/** Lets the project see some of the repository's packages, which a user would install. */
export function lend(project: string, ...names: readonly string[]): void {
  for (const name of names) {
    const target = path.join(project, 'node_modules', name);
    mkdirSync(path.dirname(target), { recursive: true });
    symlinkSync(path.join(REPOSITORY, 'node_modules', name), target);
  }
}

/**
 * Copies an example, all but its package.json, into a folder of the project.
 * @returns the folder
 */
export function copyExample(name: string, project: string): string {
  const from = path.join(REPOSITORY, 'examples', name);
  const to = path.join(project, name);
  mkdirSync(to, { recursive: true });
  for (const file of readdirSync(from, { withFileTypes: true })) {
    if (file.isFile() && file.name !== 'package.json') {
      copyFileSync(path.join(from, file.name), path.join(to, file.name));
    }
  }
  return to;
}
