// The table that a command about Slurm is about.

import { trimSlash } from '../../runs/run.ts';
import type { Argument } from '../options.ts';
import { planTable } from './reproduce-options.ts';

export const TABLE_ARGUMENT: Argument = {
  name: 'FOLDER',
  help: `the table's folder (default ${planTable.saveDir.initial})`,
  required: false,
};

export function tableFolder([folder]: readonly string[]): string {
  return trimSlash(folder ?? planTable.saveDir.initial);
}
