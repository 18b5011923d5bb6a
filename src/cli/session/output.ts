// Results beside lines of text: tables, links between files, pictures as PNG files.

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { encodePng, type RgbRaster } from '../../formats/png.node.ts';
import { alignColumns } from '../../util/columns.ts';
import { fileError } from '../../util/system-errors.ts';
import { createTerminal, type Terminal } from '../console/terminal.ts';

/** Where progress goes: beside the JSON, not into it. */
export function progressTerminal(json: boolean, label?: string): Terminal {
  return createTerminal(json ? process.stderr : process.stdout, { label });
}

/** The addresses of run folders in `runs`, from a page that lies in `folder`. */
export function linksFrom(folder: string, runs: string): (run: string) => string {
  const way = path.relative(folder, runs).split(path.sep);
  return (run) => `${[...way, run].filter(Boolean).map(encodeURIComponent).join('/')}/`;
}

/** @throws UserError when the file cannot be written */
export async function writePng(path: string, raster: RgbRaster): Promise<void> {
  try {
    await writeFile(path, encodePng(raster));
  } catch (error) {
    throw fileError(error, { path, doing: 'write' });
  }
}

/** Aligned columns; those of numbers to the right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  alignRight: (column: number) => boolean = (column) => column > 0,
): string {
  return alignColumns([header, ...rows], alignRight);
}
