// Keeps the layers of the architecture apart: an import may point to its own layer or to a lower
// one, never up, and the layers that also run in a browser tab may touch neither `node:` modules
// nor the DOM. Biome has no such rule, so this reads the imports itself.
//
//   node scripts/check-imports.ts [folder]     exit code 1, one line a violation: file:line: why

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Folders of `src`, lowest first; folders of one row may not import each other unless said. */
export const LAYERS: readonly (readonly string[])[] = [
  ['util'],
  ['nn', 'data', 'engine', 'interop'],
  ['train', 'runs'],
  ['experiment', 'library'],
  ['cli', 'web', 'server', 'cluster', 'index.ts', 'browser.ts'],
];

/** The sideways imports there are: every layer describes or uses networks; runs store what train makes. */
const SIDEWAYS: readonly (readonly [from: string, to: string])[] = [
  ['engine', 'nn'],
  ['engine', 'data'],
  ['interop', 'nn'],
  ['runs', 'train'],
  ['cli', 'server'],
  ['cli', 'cluster'],
  ['web', 'server'],
];

/** These run unchanged in a browser tab. */
const HOST_FREE = new Set(['util', 'nn', 'data', 'engine', 'train', 'interop', 'library']);

/** Host-specific code lives in files that say so; host-free files may not import those either. */
const HOST_FILE = /(\.|-)(node|browser)\.ts$|\/(node|browser)\//;

const GLOBALS: readonly (readonly [what: string, names: readonly string[]])[] = [
  [
    'the DOM',
    ['window', 'document', 'navigator', 'localStorage', 'HTMLElement', 'HTMLCanvasElement'],
  ],
  ['the DOM', ['HTMLImageElement', 'ImageBitmap', 'OffscreenCanvas', 'requestAnimationFrame']],
  ["Node's globals", ['process', 'Buffer', '__dirname', '__filename', 'require']],
];

const IMPORT =
  /(?:^|[;\s])(?:import|export)\s+(?:type\s+)?(?:[\w*{}\s,$]+\s+from\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

export interface Violation {
  /** Relative to the folder that was checked. */
  readonly file: string;
  readonly line: number;
  readonly reason: string;
}

/**
 * Checks one file.
 * @param file its path below `src`, with forward slashes, such as `nn/network.ts`
 */
export function checkFile(file: string, source: string): Violation[] {
  const violations: Violation[] = [];
  const code = withoutComments(source);
  const lineAt = (index: number) => code.slice(0, index).split('\n').length;
  const report = (index: number, reason: string) =>
    violations.push({ file, line: lineAt(index), reason });
  const layer = layerOf(file);
  if (rankOf(layer) < 0) report(0, `"${layer}" is in no layer: add it to scripts/check-imports.ts`);
  const hostFree = HOST_FREE.has(layer) && !HOST_FILE.test(`/${file}`);

  for (const match of code.matchAll(IMPORT)) {
    const specifier = (match[1] ?? match[2]) as string;
    const at = match.index + match[0].indexOf(specifier);
    const isType = /\b(import|export)\s+type\b/.test(match[0]);
    if (specifier.startsWith('node:') && hostFree) {
      report(at, `${layer} runs in a browser too and may not import ${specifier}`);
    }
    if (!specifier.startsWith('.')) continue;
    const target = path.posix.join(path.posix.dirname(file), specifier);
    const reason = directionProblem(layer, layerOf(target));
    if (reason !== undefined) report(at, reason);
    if (hostFree && !isType && HOST_FILE.test(`/${target}`)) {
      report(at, `${layer} runs in a browser too and may not import the host file ${target}`);
    }
  }
  if (hostFree) {
    const bare = withoutStrings(code);
    for (const [what, names] of GLOBALS) {
      for (const name of names) {
        const at = globalUse(bare, name);
        if (at >= 0) report(at, `${layer} may not touch ${what}: ${name}`);
      }
    }
  }
  return violations;
}

/** Checks every TypeScript and Svelte file below a folder. */
export function checkFolder(folder: string): Violation[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => /\.(ts|svelte)$/.test(file))
    .sort()
    .flatMap((file) => checkFile(file, readFileSync(path.join(folder, file), 'utf8')));
}

/** Where a global of this name is used; -1 where the file has its own, or only a property, of it. */
function globalUse(code: string, name: string): number {
  const own = new RegExp(
    `\\b(const|let|var|function|class|import)\\s+${name}\\b|\\b${name}\\??\\s*:|[{,]\\s*${name}\\s*[,}]`,
  );
  if (own.test(code)) return -1;
  return code.search(
    new RegExp(`(?<![.\\w$#])${name}\\s*[.([]|\\bnew\\s+${name}\\b|:\\s*${name}\\b`),
  );
}

function directionProblem(from: string, to: string): string | undefined {
  if (from === to) return undefined;
  const [fromRank, toRank] = [rankOf(from), rankOf(to)];
  if (toRank > fromRank) return `${from} may not import ${to}, which is above it`;
  const allowed = SIDEWAYS.some(([a, b]) => a === from && b === to);
  if (toRank === fromRank && from !== 'index.ts' && !allowed) {
    return `${from} may not import its neighbour ${to}`;
  }
  return undefined;
}

function layerOf(file: string): string {
  return file.split('/')[0] ?? file;
}

function rankOf(layer: string): number {
  return LAYERS.findIndex((row) => row.includes(layer));
}

/** Comments become spaces, so that positions stay. A `//` inside a string is not one. */
function withoutComments(source: string): string {
  return source.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (text, literal?: string) => literal ?? text.replace(/[^\n]/g, ' '),
  );
}

/** The text of strings becomes spaces; what stands between `${` and `}` is left out with it. */
function withoutStrings(code: string): string {
  return code.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, (text) =>
    text.replace(/[^\n]/g, ' '),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = process.argv[2] ?? path.join(import.meta.dirname, '..', 'src');
  const violations = checkFolder(folder);
  for (const { file, line, reason } of violations) {
    console.error(`${path.relative(process.cwd(), path.join(folder, file))}:${line}: ${reason}`);
  }
  if (violations.length > 0) process.exitCode = 1;
  else console.log('Imports point down: no violations.');
}
