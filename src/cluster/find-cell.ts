// Which run of a table a task is to train. The task names it as its folder is called; the table's plan
// says what it is, and a copy of the plan from the day of the submission says whether it is still that.
// On a shared disk files can be seen late on another machine, so what is missing is waited for.

import { type Cell, cellFolder, PLAN, type Plan } from '../experiment/plan.ts';
import { readPlan, readPlanFile } from '../experiment/plan-folder.ts';
import { type FileSystem, writeError } from '../runs/file-system.ts';
import { lockRun } from '../runs/lock.ts';
import type { RunHost } from '../runs/run.ts';
import { sealJson, writeSealedJson } from '../runs/sealed-json.ts';
import { UserError } from '../util/errors.ts';
import { patiently } from './patiently.ts';

/** How long network file systems may take to show another machine's new file (NFS: 60 s by default). */
export const LATE_FILE_SECONDS = 90;

export interface FindCellOptions {
  readonly host: RunHost;
  /** The table's. */
  readonly folder: string;
  /** The name of the run's folder, such as `resnet20-notebook-seed1`. */
  readonly run: string;
  /** The plan as it was submitted; it becomes the folder's plan where that has none. */
  readonly submitted?: string | undefined;
  /** Seconds to wait for files that are not there yet. */
  readonly patience?: number;
  readonly onWait?: (path: string) => void;
}

/** @throws UserError with exit code 2 where the plan is no longer what was submitted */
export async function findCell(options: FindCellOptions): Promise<{ plan: Plan; cell: Cell }> {
  const { host, folder, run } = options;
  const { plan, submitted } = await readBoth(options);
  if (submitted) refuseChanges(submitted, plan, folder);
  const cellOf = ({ cells }: Plan) => cells.find((each) => cellFolder(each) === run);
  const cell = cellOf(plan);
  if (cell) return { plan, cell };
  const wasThere = submitted && cellOf(submitted);
  if (wasThere && submitted.created > plan.created) {
    return { plan: await grow(host, folder, submitted), cell: wasThere };
  }
  throw new UserError(
    wasThere
      ? `The plan of "${folder}" was changed after this was submitted: ${run} is no longer in it. Submit again.`
      : `The plan of "${folder}" has no run "${run}"; it has ${someRuns(plan)}.`,
    { exitCode: 2 },
  );
}

async function readBoth({
  host: { files },
  folder,
  submitted: path,
  patience = LATE_FILE_SECONDS,
  onWait,
}: FindCellOptions): Promise<{ plan: Plan; submitted?: Plan }> {
  const plain = () => readPlan(files, folder);
  if (path === undefined) {
    const plan = await patiently(plain, patience, () => onWait?.(`${folder}/${PLAN}`));
    if (plan) return { plan };
    throw new UserError(
      `There is no plan in "${folder}" (no ${PLAN}): give the table's folder, and check that this machine sees it.`,
    );
  }
  const copy = () => readPlanFile(files, path);
  const submitted = await patiently(copy, patience, () => onWait?.(path));
  if (submitted === undefined) {
    throw new UserError(
      `There is no file "${path}": check that this machine sees the folder that it was written to.`,
    );
  }
  const plan = (await plain()) ?? (await begin(files, folder, submitted));
  return { plan, submitted };
}

/** The plan of a volume that is new; whoever comes first writes it, and nobody replaces one. */
async function begin(files: FileSystem, folder: string, plan: Plan): Promise<Plan> {
  const path = `${folder}/${PLAN}`;
  try {
    await files.makeFolder(folder);
    await files.createWhole(path, new TextEncoder().encode(await sealJson(plan)));
  } catch (error) {
    throw writeError(error, path);
  }
  return (await readPlan(files, folder)) ?? plan;
}

/** A later plan of the same settings adds its runs to the folder's. */
async function grow({ files, self }: RunHost, folder: string, later: Plan): Promise<Plan> {
  const lock = await patiently(
    () => lockRun(files, folder, self).catch(unlessHeld),
    LATE_FILE_SECONDS,
    () => {},
  );
  try {
    const before = (await readPlan(files, folder)) ?? later;
    refuseChanges(later, before, folder);
    const known = new Set(before.cells.map(cellFolder));
    const added = later.cells.filter((cell) => !known.has(cellFolder(cell)));
    const cells = [...before.cells, ...added].sort((a, b) => a.seed - b.seed);
    const plan = { ...before, cells };
    if (added.length > 0) {
      await writeSealedJson(files, `${folder}/${PLAN}`, plan);
    }
    return plan;
  } finally {
    await lock?.release();
  }
}

/** Many tasks begin at once, and one after the other may add. */
function unlessHeld(error: unknown): undefined {
  if (error instanceof UserError && error.coded === undefined) return undefined;
  throw error;
}

/** A plan may grow after a submission; what its runs are trained with may not change. */
function refuseChanges(submitted: Plan, now: Plan, folder: string): void {
  const settings = new Set([...Object.keys(submitted.settings), ...Object.keys(now.settings)]);
  const changes = [...settings].flatMap((name) => {
    const [before, after] = [submitted, now].map((plan) =>
      JSON.stringify((plan.settings as Readonly<Record<string, unknown>>)[name]),
    );
    return before === after
      ? []
      : [`${name} was ${before ?? 'not set'} and is ${after ?? 'not set'}`];
  });
  if (changes.length === 0) return;
  throw new UserError(
    `The plan of "${folder}" was changed after this was submitted: ${changes.join('; ')}. Its runs would not belong to one table: submit again, into another folder.`,
    { exitCode: 2 },
  );
}

const SHOWN_RUNS = 3;

function someRuns({ cells }: Plan): string {
  const names = cells.map(cellFolder);
  const more = names.length - SHOWN_RUNS;
  return `${names.slice(0, SHOWN_RUNS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
