// Names of rows: the network, and whatever sets it apart from the other rows of the same report. Two
// rows never have one name, and a name never leaves out something in which the rows differ: who reads
// a legend must not take the effect of one setting for that of another.

import type { Fact, ReportRow } from './data.ts';
import { compareValues, type Described, factsOf } from './facts.ts';
import { displayName } from './format.ts';

/** A row whose name is still the network's alone. */
type Unnamed = Omit<ReportRow, 'name' | 'differs'>;

/** Gives rows their names, and says in each by which facts it differs from others. */
export function nameRows(rows: readonly Unnamed[]): ReportRow[] {
  const known = rows.map((row) => {
    const facts = factsOf(row);
    return { row, facts: new Map(facts.map((fact) => [fact.name, fact])) };
  });
  const named = known.map((each) => {
    const others = known.filter((other) => other !== each);
    const differs = [...each.facts.values()].filter((fact) => isTold(each, fact, others));
    const texts = differs.map(({ text }) => text).filter((text) => text !== '');
    const label = givenName(each.row);
    const parts = [displayName(each.row.arch), ...(label === undefined ? [] : [label]), ...texts];
    return { ...each.row, differs, name: parts.join(', ') };
  });
  return numbered(named);
}

interface Known {
  readonly row: Unnamed;
  readonly facts: ReadonlyMap<string, Fact>;
}

/**
 * Of rows of one network and recipe everything in which they differ; between recipes and networks what
 * their recipes did not bring with them, because that is said by the recipe's name. Trials always say so.
 */
function isTold({ row }: Known, fact: Fact, others: readonly Known[]): boolean {
  if (fact.name === 'limitBatches') return fact.value !== 0;
  const isGeneral = fact.name === 'recipe' || fact.name === 'data';
  const isOfData = isGeneral || fact.name === 'images';
  return others.some((other) => {
    const theirs = other.facts.get(fact.name);
    if (other.row.recipe === undefined || sameValue(theirs, fact)) return false;
    // Nothing is known of a row that has not begun.
    if (theirs === undefined && (isOfData || other.facts.size <= 1)) return false;
    const isAlike = other.row.arch === row.arch && other.row.recipe === row.recipe;
    return isGeneral || isAlike || !(fact.isUsual || fact.name === 'images');
  });
}

export function sameValue(a: Fact | undefined, b: Fact | undefined): boolean {
  return JSON.stringify(a?.value) === JSON.stringify(b?.value);
}

/** What someone has called all runs of a row. */
function givenName({ runs }: Unnamed): string | undefined {
  const [name, ...others] = new Set(runs.map(({ label }) => label));
  return others.length === 0 && name !== undefined && name !== '' ? `“${name}”` : undefined;
}

/** Rows that differ in nothing that has words are told apart by a number. */
function numbered(rows: readonly ReportRow[]): ReportRow[] {
  const seen = new Map<string, number>();
  return rows.map((row) => {
    const times = (seen.get(row.name) ?? 0) + 1;
    seen.set(row.name, times);
    return times === 1 ? row : { ...row, name: `${row.name} (${times})` };
  });
}

/** By what they differ in: a sweep is read from its smallest value to its largest. */
export function compareDiffering(a: ReportRow, b: ReportRow): number {
  const theirs = new Map(b.differs.map((fact) => [fact.name, fact]));
  for (const fact of a.differs) {
    const other = theirs.get(fact.name);
    const order = other ? compareValues(fact.value, other.value) : 0;
    if (order !== 0) return order;
  }
  return a.name.localeCompare(b.name);
}

/** `lr 0.05, weight decay 0.0001`: what the settings of a row are beside its recipe and length. */
export function settingsText(row: Described & Pick<ReportRow, 'differs'>): string {
  const told = new Set(row.differs.map(({ name }) => name));
  return factsOf(row)
    .filter(({ name, isUsual }) => !SAID.has(name) && (told.has(name) || !isUsual))
    .map(({ text }) => text)
    .filter((text) => text !== '')
    .join(', ');
}

/** What has a column of its own, or is said of the recipe anyway. */
const SAID = new Set(['recipe', 'epochs', 'data', 'images']);
