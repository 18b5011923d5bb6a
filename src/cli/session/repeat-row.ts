// The line under a report's table by which somebody else gets the same numbers.

import { configurationName, hasNamedData } from '../../experiment/report/configurations.ts';
import type { Report } from '../../experiment/report/data.ts';

/**
 * @param runs folder of the runs, where the configurations are not written beside the report
 * @returns the report with one note more, where it has a finished run
 */
export function withRepeat(report: Report, runs?: string): Report {
  const row = report.rows.find(({ states, config }) => config && states.finished > 0);
  const run = row?.runs.find(({ state }) => state === 'finished');
  if (!row || !run) return report;
  const from = runs === undefined ? configurationName(row) : `${runs}/${run.folder}`;
  const command = `table6 train --config ${from} --seed ${run.seed}${hasNamedData(run) ? '' : ' --data <its images>'}`;
  const note = `To repeat a row, here ${row.name}: ${command}. The same seed gives the same weights, bit for bit, on the same kind of device, for any number of threads.`;
  return { ...report, notes: [...report.notes, note] };
}
