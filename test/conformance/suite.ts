// The conformance suite: every case on a backend and on the float64 oracle, compared step by step.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/engine/backend.ts';
import { tooLarge } from '../support/deviations.ts';
import { CONFORMANCE_CASES, type ConformanceCase, titleOf } from './cases.ts';
import {
  COUNTS,
  type ConformanceTolerances,
  evaluationDeviations,
  type Outcome,
  oracleOutcome,
  outcomeOf,
  stepDeviations,
} from './outcome.ts';

/**
 * Registers the suite.
 * @param name how the backend is called in the report
 * @param createBackend called once
 */
export function describeConformance(
  name: string,
  createBackend: () => Promise<Backend>,
  tolerances: ConformanceTolerances,
  cases: readonly ConformanceCase[] = CONFORMANCE_CASES,
): void {
  describe(`${name} agrees with the oracle`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await createBackend();
    });
    afterAll(() => backend.dispose());

    describe.each(cases.map((test) => ({ test, title: titleOf(test) })))('$title', ({ test }) => {
      let expected: Outcome;
      let actual: Outcome;
      beforeAll(async () => {
        expected = await oracleOutcome(test);
        actual = await outcomeOf(backend, test, expected);
      });

      it.each(COUNTS.map((count, i) => ({ count, i })))('a step on $count images', ({ i }) => {
        expect(tooLarge(stepDeviations(actual, expected, i, tolerances))).toEqual([]);
      });
      it('an evaluation', () => {
        expect(tooLarge(evaluationDeviations(actual, expected, tolerances))).toEqual([]);
      });
    });
  });
}
