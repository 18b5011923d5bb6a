// A folder of results that can be gone on with: each measurement is a unit with a name, done once and
// written down at once. What was begun and never ended, because the process died of it or was killed,
// is tried once more and then left out with a word, so that one bad kernel cannot stop the rest.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { messageOf, UserError } from '../../src/util/errors.ts';

const unitSchema = z.discriminatedUnion('state', [
  /** Begun so many times. */
  z.object({ state: z.literal('begun'), attempts: z.int() }),
  z.object({ state: z.literal('failed'), problem: z.string(), date: z.string() }),
  z.object({
    state: z.literal('done'),
    value: z.unknown(),
    date: z.string(),
    /** That it took. */
    seconds: z.number(),
  }),
]);
export type UnitRecord = z.infer<typeof unitSchema>;

const resultsSchema = z.object({
  format: z.literal(1),
  /** What all results of a folder were measured with; see `Results.open`. */
  facts: z.record(z.string(), z.string()),
  units: z.record(z.string(), unitSchema),
});
export type ResultsFile = z.infer<typeof resultsSchema>;

const MOST_ATTEMPTS = 2;

export interface Unit {
  /** Such as `speed/float32/resnet20`. */
  readonly name: string;
  /** @returns what is written down: plain data */
  measure(): Promise<unknown>;
}

export interface RunOptions {
  /** Units are not begun after this, by `performance.now()`. */
  readonly deadline: number;
  /** Does again what failed. */
  readonly again: boolean;
  readonly say: (line: string) => void;
}

export class Results {
  readonly file: string;
  private readonly contents: ResultsFile;

  /**
   * Opens a folder of results, or begins one.
   * @param facts what must not differ between results of one folder: adapter, driver
   * @throws UserError where the folder holds results of something else, or something unreadable
   */
  static open(folder: string, facts: Readonly<Record<string, string>>): Results {
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, 'results.json');
    if (!existsSync(file)) return new Results(file, { format: 1, facts: { ...facts }, units: {} });
    const contents = readResults(file);
    for (const [name, value] of Object.entries(facts)) {
      const known = contents.facts[name];
      if (known !== undefined && known !== value) {
        throw new UserError(
          `${file} holds results of ${name} "${known}", and this is "${value}": give another folder with --output.`,
        );
      }
    }
    return new Results(file, { ...contents, facts: { ...contents.facts, ...facts } });
  }

  private constructor(file: string, contents: ResultsFile) {
    this.file = file;
    this.contents = contents;
    this.save();
  }

  get snapshot(): ResultsFile {
    return this.contents;
  }

  /** Adds to what is known of where this was measured. */
  addFacts(facts: Readonly<Record<string, string>>): void {
    Object.assign(this.contents.facts, facts);
    this.save();
  }

  /** Writes a result down, replacing an earlier one of that name. */
  set(name: string, record: UnitRecord): void {
    this.contents.units[name] = record;
    this.save();
  }

  /**
   * Does the units that are not done, in turn.
   * @returns whether all were come to before the deadline
   */
  async run(units: readonly Unit[], { deadline, again, say }: RunOptions): Promise<boolean> {
    for (const { name, measure } of units) {
      const known = this.contents.units[name];
      if (known?.state === 'done' || (known?.state === 'failed' && !again)) continue;
      const attempts = known?.state === 'begun' ? known.attempts : 0;
      const date = new Date().toISOString();
      if (attempts >= MOST_ATTEMPTS && !again) {
        const problem = `the process ended during it, ${attempts} times`;
        this.set(name, { state: 'failed', problem, date });
        say(`${name}: left out, because ${problem}`);
        continue;
      }
      if (performance.now() > deadline) {
        say('The time is up; the same command goes on from here.');
        return false;
      }
      this.set(name, { state: 'begun', attempts: attempts + 1 });
      const start = performance.now();
      try {
        const value = await measure();
        const seconds = (performance.now() - start) / 1000;
        this.set(name, { state: 'done', value, date, seconds });
      } catch (error) {
        this.set(name, { state: 'failed', problem: messageOf(error), date });
        say(`${name}: ${messageOf(error)}`);
      }
    }
    return true;
  }

  private save(): void {
    const temporary = `${this.file}.${process.pid}.tmp`;
    writeFileSync(temporary, `${JSON.stringify(this.contents, null, 1)}\n`);
    renameSync(temporary, this.file);
  }
}

/** @throws UserError where there is no such file, or it is not one of results */
export function readResults(file: string): ResultsFile {
  if (!existsSync(file)) throw new UserError(`There are no results yet: ${file} is not there.`);
  try {
    return resultsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new UserError(
      `${file} is not a file of results: move it away, or give another folder with --output.`,
      { cause },
    );
  }
}

/** Values of the finished units whose name begins with `prefix`, by the rest of the name. */
export function valuesOf<Schema extends z.ZodType>(
  results: ResultsFile,
  prefix: string,
  schema: Schema,
): Map<string, z.infer<Schema>> {
  const values = new Map<string, z.infer<Schema>>();
  for (const [name, record] of Object.entries(results.units)) {
    if (record.state !== 'done' || !name.startsWith(prefix)) continue;
    values.set(name.slice(prefix.length), schema.parse(record.value));
  }
  return values;
}
