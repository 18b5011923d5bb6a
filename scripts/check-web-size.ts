// How much a reader loads before the page stands: its frame and the first chapter, each file compressed
// as servers do it (gzip), without data and without what other chapters and workers load later.
//
//   node scripts/check-web-size.ts [folder]     exit code 1 where that is more than the limit

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

/** Bytes, compressed. */
export const FIRST_LOAD_LIMIT = 250_000;

const ENTRIES = ['index.html', 'chapters/why/Chapter.svelte'];

/** What Vite writes about the parts of a build; `imports` are loaded with a part, not later. */
interface Part {
  readonly file: string;
  readonly imports?: readonly string[];
  readonly css?: readonly string[];
  readonly assets?: readonly string[];
}

export interface LoadedFile {
  /** Relative to the built site. */
  readonly file: string;
  /** Compressed. */
  readonly bytes: number;
}

/**
 * The files of the first load.
 * @throws Error where the folder has no built page
 */
export function firstLoad(folder: string): LoadedFile[] {
  const manifest: unknown = JSON.parse(
    readFileSync(path.join(folder, '.vite', 'manifest.json'), 'utf8'),
  );
  const parts = manifest as Readonly<Record<string, Part>>;
  const files = new Set(['index.html']);
  const visited = new Set<string>();
  const visit = (name: string) => {
    if (visited.has(name)) return;
    visited.add(name);
    const part = parts[name];
    if (!part) throw new Error(`The build has no part called ${name}.`);
    for (const file of [part.file, ...(part.css ?? []), ...(part.assets ?? [])]) files.add(file);
    part.imports?.forEach(visit);
  };
  ENTRIES.forEach(visit);
  return [...files].map((file) => ({
    file,
    bytes: gzipSync(readFileSync(path.join(folder, file))).length,
  }));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = process.argv[2] ?? path.join(import.meta.dirname, '..', 'dist', 'web');
  const files = firstLoad(folder).sort((a, b) => b.bytes - a.bytes);
  for (const { file, bytes } of files) console.log(`${String(bytes).padStart(8)}  ${file}`);
  const sum = files.reduce((total, { bytes }) => total + bytes, 0);
  const text = `First load of the page: ${(sum / 1000).toFixed(1)} KB compressed, at most ${FIRST_LOAD_LIMIT / 1000} KB.`;
  if (sum > FIRST_LOAD_LIMIT) {
    console.error(`${text} Load what is not needed at once later: import() it.`);
    process.exitCode = 1;
  } else console.log(text);
}
