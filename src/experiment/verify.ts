// Whether a table's own files are as they were written: its plan, and that every folder holds the run that the
// plan has for it. The runs themselves are looked at by runs/verify.ts.

import type { FileSystem } from '../runs/file-system.ts';
import { isRun, readConfig } from '../runs/reader.ts';
import { examine, type Finding, verifyJson } from '../runs/verify.ts';
import { UserError } from '../util/errors.ts';
import { plural } from '../util/format.ts';
import { otherRun } from './cells.ts';
import { type Cell, cellFolder, PLAN, type Plan } from './plan.ts';
import { readPlan } from './plan-folder.ts';

/** @returns nothing for a folder without a plan */
export async function verifyTable(files: FileSystem, folder: string): Promise<Finding[]> {
  if (!(await files.list(folder)).includes(PLAN)) return [];
  const path = `${folder}/${PLAN}`;
  let plan: Plan | undefined;
  const finding = await examine(PLAN, path, async () => {
    plan = await readPlan(files, folder);
    return await verifyJson(files, path, true);
  });
  if (!plan) return [finding];
  const others: Finding[] = [];
  let begun = 0;
  for (const cell of plan.cells) {
    if (!(await isRun(files, `${folder}/${cellFolder(cell)}`))) continue;
    begun++;
    const other = await examineCell(files, folder, cell);
    if (other) others.push(other);
  }
  const count = `${begun} of its ${plural(plan.cells.length, 'run')} begun`;
  return [
    { ...finding, text: finding.text === '' ? count : `${finding.text}; ${count}` },
    ...others,
  ];
}

/** A configuration that cannot be read is told of with its run. */
async function examineCell(
  files: FileSystem,
  folder: string,
  cell: Cell,
): Promise<Finding | undefined> {
  const dir = `${folder}/${cellFolder(cell)}`;
  const config = await readConfig(files, dir).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
  const text = config && otherRun({ config, dir }, cell);
  return text === undefined ? undefined : { file: cellFolder(cell), state: 'damaged', text };
}
