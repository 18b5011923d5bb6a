// What this project has measured itself: the files of docs/results/table6/runs, written by
// scripts/collect-results.ts and built into the page. There may be none yet.

import type { ReportRun } from '../../experiment/report/data.ts';
import { parseTrainConfig } from '../../train/config.ts';

const files = import.meta.glob<ReportRun>('../../../docs/results/table6/runs/*.json', {
  eager: true,
  import: 'default',
});

/** A run from before a setting has the value that there was, so that it is told from later runs. */
export const PROJECT_RESULTS: readonly ReportRun[] = Object.values(files).map((run) => ({
  ...run,
  ...(run.config && { config: parseTrainConfig(run.config) }),
}));
