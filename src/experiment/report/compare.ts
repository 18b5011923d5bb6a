// Which rows of a report are set against each other, and what each comparison is about. Only rows of one
// depth on the same data are: plain against residual as independent groups, and settings of one network
// by pairs of the same seed, because those began with the same weights and saw the same batches.

import { parseArch } from '../../nn/network.ts';
import { compareIndependent, comparePaired } from '../../util/statistics.ts';
import type { Comparison, Fact, ReportRow } from './data.ts';
import { factsOf } from './facts.ts';
import { displayName } from './format.ts';
import { sameValue } from './naming.ts';

/** Of more, only those that differ in a single setting: the rest is for the grid to show. */
const MOST = 15;

/** @param rows in the order of the table: the first of two is subtracted from */
export function compareAll(rows: readonly ReportRow[]): Comparison[] {
  const found = rows.flatMap((a, index) =>
    rows.slice(index + 1).flatMap((b) => compareRows(a, b) ?? []),
  );
  const kept =
    found.length <= MOST
      ? found
      : found.filter(({ kind, differing }) => kind === 'plain-residual' || differing === 1);
  return kept.map(({ differing: _, ...comparison }) => comparison);
}

type Found = Comparison & { readonly differing: number };

function compareRows(a: ReportRow, b: ReportRow): Found | undefined {
  if (!a.final || !b.final || a.dataTitle !== b.dataTitle) return undefined;
  if (a.images?.test !== b.images?.test) return undefined;
  const [x, y] = [parseArch(a.arch), parseArch(b.arch)];
  if (x.depth !== y.depth) return undefined;
  const differing = differences(a, b);
  if (x.family !== y.family) {
    const others = differing.filter(([{ name }]) => name !== 'shortcut');
    return others.length > 0 ? undefined : plainAndResidual(x.family === 'plain' ? [a, b] : [b, a]);
  }
  return settings(a, b, differing);
}

function plainAndResidual([plain, residual]: readonly [ReportRow, ReportRow]): Found {
  return {
    kind: 'plain-residual',
    what: `${plain.name} − ${residual.name}`,
    first: plain.name,
    second: residual.name,
    test: compareIndependent(plain.final!, residual.final!),
    ...(plain.trainError &&
      residual.trainError && { train: compareIndependent(plain.trainError, residual.trainError) }),
    differing: 0,
  };
}

function settings(
  a: ReportRow,
  b: ReportRow,
  differing: readonly (readonly [Fact, Fact])[],
): Found | undefined {
  const pairs = a.runs.flatMap((run) => {
    const other = b.runs.find(({ seed }) => seed === run.seed);
    const both = run.state === 'finished' && other?.state === 'finished';
    return both && run.final !== undefined && other.final !== undefined
      ? [[run.final, other.final] as const]
      : [];
  });
  if (pairs.length === 0) return undefined;
  const common = a.differs.filter((fact) =>
    b.differs.some((other) => other.name === fact.name && sameValue(other, fact)),
  );
  const where = [displayName(a.arch), ...common.map(({ text }) => text)].filter(isSaid).join(', ');
  const [first, second] = [0, 1].map((side) =>
    differing.map((both) => both[side]!.text || `no ${both[side]!.label}`).join(', '),
  );
  return {
    kind: 'settings',
    what: first === '' ? `${a.name} − ${b.name}` : `${where}: ${first} − ${second}`,
    first: a.name,
    second: b.name,
    test: comparePaired(
      pairs.map(([one]) => one),
      pairs.map(([, other]) => other),
    ),
    pairs: pairs.length,
    differing: differing.length,
  };
}

/** What differs, but for what two recipes brought with them. */
function differences(a: ReportRow, b: ReportRow): (readonly [Fact, Fact])[] {
  const theirs = new Map(factsOf(b).map((fact) => [fact.name, fact]));
  return factsOf(a).flatMap((fact) => {
    const other = theirs.get(fact.name);
    if (!other || sameValue(fact, other) || (fact.isUsual && other.isUsual)) return [];
    return [[fact, other] as const];
  });
}

function isSaid(text: string): boolean {
  return text !== '';
}
