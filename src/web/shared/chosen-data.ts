// Which data set a reader trains on: what it is where nobody has chosen, and the name of the chosen one,
// kept for the next visit.

import type { DataSource } from '../worker/protocol.ts';

const KEY = 'table6-data';

/** Learned in a minute on any machine. */
export const FIRST_DATA: DataSource = { from: 'synthetic', train: 2000, test: 500 };

/** Whether images are made again whenever they are named. */
export function isSynthetic(data: string | undefined): data is string {
  return data === 'synthetic' || data?.startsWith('synthetic:') === true;
}

export function rememberData(data: string): void {
  try {
    localStorage.setItem(KEY, data);
  } catch {
    // A browser that stores nothing for this page forgets the choice with the tab.
  }
}

export function rememberedData(): string | undefined {
  try {
    return localStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}
