// A table as cells of text, which the text, Markdown and HTML writers lay out.

export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** How many of the first columns are words. */
  readonly left: number;
}

/** A table with what stands above it. */
export interface TitledTable {
  readonly title: string;
  readonly table: Table | undefined;
}
