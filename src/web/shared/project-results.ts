// What this project has measured itself: the files of docs/results/table6/runs, written by
// scripts/collect-results.ts and built into the page. There may be none yet.

import type { ReportRun } from '../../experiment/report/data.ts';

const files = import.meta.glob<ReportRun>('../../../docs/results/table6/runs/*.json', {
  eager: true,
  import: 'default',
});

export const PROJECT_RESULTS: readonly ReportRun[] = Object.values(files);
