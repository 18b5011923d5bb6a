// Keeps the layers of the architecture apart: an import may point to its own layer or to a lower
// one, never up; files may not import each other in a circle; and the layers that also run in a
// browser tab may touch neither `node:` modules nor the DOM. What lies below the command line also
// names none of its options in its sentences. Biome has no such rules, so this reads the files itself.
//
//   node scripts/check-imports.ts [folder]     exit code 1, one line a violation: file:line: why

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** What names an option of the command line, in a string. */
const FLAG =
  /(?<![\w-])--[a-z][a-z-]*|\btable6 (?:train|evaluate|predict|report|reproduce|doctor|bench|data)\b/;

/** Files below the command line that name its options for a reason. */
const MAY_NAME_OPTIONS: Readonly<Record<string, string>> = {
  'experiment/jobs.node.ts': 'starts processes of the command line',
  'experiment/recipes.ts': 'describes recipes for --help',
  'engine/wasm/flags.node.ts': "sets V8's flags",
  'engine/webgpu/vulkan.node.ts': 'names a command of Vulkan',
};

/** Folders of `src`, lowest first; folders of one row may not import each other unless said. */
export const LAYERS: readonly (readonly string[])[] = [
  ['util'],
  ['formats'],
  ['nn', 'data', 'engine', 'interop'],
  ['train', 'runs'],
  ['experiment', 'library'],
  ['cluster'],
  ['cli', 'web', 'server', 'index.ts', 'browser.ts'],
];

/** The sideways imports there are: every layer describes or uses networks; runs store what train makes. */
const SIDEWAYS: readonly (readonly [from: string, to: string])[] = [
  ['engine', 'nn'],
  ['engine', 'data'],
  ['interop', 'nn'],
  ['runs', 'train'],
  ['cli', 'server'],
  ['web', 'server'],
];

/** These run unchanged in a browser tab. */
const HOST_FREE = new Set([
  ...['util', 'formats', 'nn', 'data', 'engine', 'interop'],
  ...['train', 'runs', 'experiment', 'library'],
]);

/** Rooms of the engine that keep apart: operations know nothing of the rest, backends of one another. */
export const ENGINE_ROOMS = ['operations', 'reference', 'wasm', 'webgpu'] as const;

/** What they say is read in programs and pages too, which have no options. */
const COMMAND_FREE = new Set([...HOST_FREE, 'runs', 'experiment']);

/** A style sheet's variable, which looks like an option. */
const CSS_VARIABLE = /var\(--|style="--/;

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

  for (const { specifier, at, isType } of importsOf(code)) {
    if (specifier.startsWith('node:') && hostFree) {
      report(at, `${layer} runs in a browser too and may not import ${specifier}`);
    }
    if (!specifier.startsWith('.')) continue;
    const target = path.posix.join(path.posix.dirname(file), specifier);
    const reason = directionProblem(layer, layerOf(target)) ?? roomProblem(file, target);
    if (reason !== undefined) report(at, reason);
    if (hostFree && !isType && HOST_FILE.test(`/${target}`)) {
      report(at, `${layer} runs in a browser too and may not import the host file ${target}`);
    }
  }
  if (COMMAND_FREE.has(layer) && !(file in MAY_NAME_OPTIONS)) {
    for (const { index, text } of stringsIn(code)) {
      const flag = FLAG.exec(text);
      if (flag && !CSS_VARIABLE.test(text)) {
        report(
          index,
          `${layer} is no command line and may not name "${flag[0]}": give the error a code (util/errors.ts)`,
        );
      }
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

/** Checks every TypeScript and Svelte file below a folder, each by itself and all together. */
export function checkFolder(folder: string): Violation[] {
  const sources = new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((file) => file.split(path.sep).join('/'))
      .filter((file) => /\.(ts|svelte)$/.test(file))
      .sort()
      .map((file) => [file, readFileSync(path.join(folder, file), 'utf8')]),
  );
  return [
    ...[...sources].flatMap(([file, source]) => checkFile(file, source)),
    ...checkCircles(sources),
  ];
}

/**
 * Files that import each other in a circle, types included: neither can be read without the other.
 * @param sources the text of every file by its path below `src`
 */
export function checkCircles(sources: ReadonlyMap<string, string>): Violation[] {
  const edges = new Map(
    [...sources].map(([file, source]) => [
      file,
      importsOf(withoutComments(source))
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => path.posix.join(path.posix.dirname(file), specifier))
        .filter((target) => sources.has(target)),
    ]),
  );
  const violations: Violation[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (file: string): void => {
    if (done.has(file)) return;
    const start = trail.indexOf(file);
    if (start >= 0) {
      const reason = `files import each other: ${[...trail.slice(start), file].join(' -> ')}`;
      violations.push({ file, line: 1, reason });
      return;
    }
    trail.push(file);
    for (const target of edges.get(file) ?? []) visit(target);
    trail.pop();
    done.add(file);
  };
  for (const file of edges.keys()) visit(file);
  return violations;
}

/** Rooms named in the tables above that `src` does not have. */
export function missingRooms(folder: string): string[] {
  const rooms = readdirSync(folder);
  return [...new Set([...LAYERS.flat(), ...SIDEWAYS.flat(), ...HOST_FREE])].filter(
    (room) => !rooms.includes(room),
  );
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

/** Every import and re-export of a file without its comments. */
function importsOf(code: string): { specifier: string; at: number; isType: boolean }[] {
  return [...code.matchAll(IMPORT)].map((match) => {
    const specifier = (match[1] ?? match[2]) as string;
    return {
      specifier,
      at: match.index + match[0].indexOf(specifier),
      isType: /\b(import|export)\s+type\b/.test(match[0]),
    };
  });
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

/** Between rooms of the engine; what lies in none of them is above operations and may open any backend. */
function roomProblem(from: string, to: string): string | undefined {
  const rooms: readonly (string | undefined)[] = ENGINE_ROOMS;
  const [[layer, room], [toLayer, toRoom]] = [from.split('/'), to.split('/')];
  if (layer !== 'engine' || toLayer !== 'engine' || !rooms.includes(room)) return undefined;
  if (room === toRoom || toRoom === 'operations') return undefined;
  const target = rooms.includes(toRoom) ? `engine/${toRoom}` : 'the rest of engine';
  if (room === 'operations') return `engine/operations may not import ${target}, which is above it`;
  return rooms.includes(toRoom)
    ? `engine/${room} may not import its neighbour ${target}`
    : undefined;
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

function* stringsIn(code: string): Generator<{ index: number; text: string }> {
  for (const { index, 0: text } of code.matchAll(STRINGS)) yield { index, text };
}

const STRINGS = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g;

/** The text of strings becomes spaces; what stands between `${` and `}` is left out with it. */
function withoutStrings(code: string): string {
  return code.replace(STRINGS, (text) => text.replace(/[^\n]/g, ' '));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = process.argv[2] ?? path.join(import.meta.dirname, '..', 'src');
  const violations = checkFolder(folder);
  for (const { file, line, reason } of violations) {
    console.error(`${path.relative(process.cwd(), path.join(folder, file))}:${line}: ${reason}`);
  }
  const missing = missingRooms(folder);
  for (const room of missing) console.error(`scripts/check-imports.ts: src has no "${room}"`);
  if (violations.length + missing.length > 0) process.exitCode = 1;
  else console.log('Imports point down, none in a circle: no violations.');
}
