// Lines of text that grow while a run goes on: 80,000 and more, of which a page shows a few at a time.

export class LineLog {
  readonly #lines: string[] = [];
  readonly #readers = new Set<() => void>();

  get length(): number {
    return this.#lines.length;
  }

  /** Lines from `from` on, before `to`. */
  slice(from: number, to: number): readonly string[] {
    return this.#lines.slice(from, to);
  }

  /** Everything, one line each, as a file has it. */
  text(): string {
    return this.#lines.map((line) => `${line}\n`).join('');
  }

  add(lines: readonly string[]): void {
    if (lines.length === 0) return;
    for (const line of lines) this.#lines.push(line);
    for (const tell of this.#readers) tell();
  }

  /**
   * Calls `tell` after every change.
   * @returns what ends that
   */
  subscribe(tell: () => void): () => void {
    this.#readers.add(tell);
    return () => this.#readers.delete(tell);
  }
}
