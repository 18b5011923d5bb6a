// The configuration of a row: what its runs have in common, complete enough to train them again with
// any seed. The data set is called by its title, because a path of this machine helps nobody.

import type { ReportRow } from './data.ts';

/** Name of its file beside a Markdown report. */
export function configurationName({ name }: ReportRow): string {
  return `${configurationId(name)}.json`;
}

export function configurationId(name: string): string {
  return `configuration-${name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '')}`;
}

export function configurationText({ config, dataTitle }: ReportRow): string {
  return `${JSON.stringify({ ...config, data: dataTitle ?? 'unknown' }, null, 2)}\n`;
}
