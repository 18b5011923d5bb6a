// plan.json in its folder. Several processes may work on one table and extend it, so reading, growing
// and writing happen under a lock; the runs have locks of their own.

import { type FileSystem, writeError } from '../runs/file-system.ts';
import { lockRun } from '../runs/lock.ts';
import type { RunHost } from '../runs/run.ts';
import { readJson, writeSealedJson } from '../runs/sealed-json.ts';
import { makePlan, PLAN, type Plan, type PlanRequest, parsePlan } from './plan.ts';

/** The folder's plan; undefined where there is none. */
export function readPlan(files: FileSystem, folder: string): Promise<Plan | undefined> {
  return readPlanFile(files, `${folder}/${PLAN}`);
}

/** @throws UserError if the file is damaged, or no plan */
export async function readPlanFile(files: FileSystem, path: string): Promise<Plan | undefined> {
  const json = await readJson(files, path, true);
  return json === undefined ? undefined : parsePlan(json, `"${path}"`);
}

/**
 * Makes the folder's plan, or extends the one that is there.
 * @throws UserError if it contradicts the frozen settings, or the folder cannot be written
 */
export async function writePlan(
  host: RunHost,
  folder: string,
  request: PlanRequest,
): Promise<Plan> {
  const { files } = host;
  await files.makeFolder(folder).catch((error: unknown) => {
    throw writeError(error, folder);
  });
  const lock = await lockRun(files, folder, host.self);
  try {
    const existing = await readPlan(files, folder);
    const plan = makePlan(request, existing, host.self.now());
    if (JSON.stringify(plan) !== JSON.stringify(existing)) {
      await writeSealedJson(files, `${folder}/${PLAN}`, plan);
    }
    return plan;
  } finally {
    await lock.release();
  }
}
