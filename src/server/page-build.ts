// Where the built page is. A package brings it; a clone makes it once, with the tools that `npm ci`
// installed.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../util/errors.ts';

/** Two up from this file, in `src` as in `dist`. */
const ROOT = path.join(import.meta.dirname, '..', '..');
export const BUILD = 'npm run build:web';

/** What the page is built from, as far as a change of it is likely to be meant for the page. */
const SOURCES = ['src', 'scripts/vite-plugins.ts', 'vite.config.ts', 'docs/results/table6/runs'];
/** Parts of `src` that are not in it. */
const ELSEWHERE = /^src[/\\](cli|cluster|server)[/\\]|\.node\.ts$|[/\\]node[/\\]/;

/**
 * The folder of the built page, built now where it is missing and can be.
 * @param onBuild told before it builds
 * @param root the package's folder
 * @throws UserError saying what to run
 */
export async function ensurePage(onBuild: () => void, root = ROOT): Promise<string> {
  const folder = path.join(root, 'dist', 'web');
  const isBuilt = () => existsSync(path.join(folder, 'index.html'));
  if (isBuilt()) return folder;
  if (!existsSync(path.join(root, 'node_modules', 'vite'))) {
    throw new UserError(
      `The page is not built, and Vite, which builds it, is not installed: in a clone of table6 run "npm ci && ${BUILD}".`,
    );
  }
  onBuild();
  const { code, output } = await run(BUILD, root);
  if (code === 0 && isBuilt()) return folder;
  const reason = output.trim().split('\n').at(-1) || `exit code ${code}`;
  throw new UserError(`The page could not be built (${reason}): see "${BUILD}".`);
}

/**
 * Whether a page that was built in a clone is older than its sources. By times alone, since this is asked at
 * every start; a package has no sources, and its page is what it was published with.
 * @param folder the built page
 */
export function isOutdated(folder: string, root = ROOT): boolean {
  if (!existsSync(path.join(root, 'src', 'web', 'index.html'))) return false;
  const built = timeOf(path.join(folder, 'index.html'));
  return SOURCES.some((name) => filesOf(root, name).some((file) => timeOf(file) > built));
}

function filesOf(root: string, name: string): string[] {
  const place = path.join(root, name);
  if (!statSync(place, { throwIfNoEntry: false })?.isDirectory()) return [place];
  return readdirSync(place, { recursive: true, encoding: 'utf8' })
    .filter((inside) => !ELSEWHERE.test(path.join(name, inside)))
    .map((inside) => path.join(place, inside));
}

/** When a file was written; a folder also changes when something in it is deleted. 0 where it is not there. */
function timeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function run(command: string, cwd: string): Promise<{ code: number | null; output: string }> {
  // npm is a script on Windows, which only a shell starts.
  const child = spawn(command, { cwd, shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
