// Tests that a machine cannot run skip with a reason, which CI counts (scripts/count-tests.ts).

/** @returns true, after saying why, where what a test needs is not there: for `skipIf` */
export function lacks(isThere: boolean, reason: string): boolean {
  if (!isThere) console.warn(`skipped: ${reason}`);
  return !isThere;
}
