// The runs of a table as arrays of tasks: one index is one run. Networks of very different depth want
// different times and memory, and a cluster gives all tasks of an array the same, so the deep ones get
// arrays of their own.

import type { Cell } from '../experiment/plan.ts';
import { parseArch } from '../nn/network.ts';

export interface TaskArray {
  /** `shallow`, `resnet1202`, with `-2` and so on where one would be too long. */
  readonly name: string;
  readonly cells: readonly Cell[];
}

/** What a run needs, as far as it was measured. */
export interface Need {
  readonly seconds: number;
  readonly memoryBytes: number;
}

/** The deepest that still goes with the others: up to here the time grows by a factor of three. */
const SHALLOW_DEPTH = 56;

/** @param longest most tasks of one array; Slurm's MaxArraySize */
export function makeArrays(cells: readonly Cell[], longest: number): TaskArray[] {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) {
    const { depth } = parseArch(cell.arch);
    const key = depth <= SHALLOW_DEPTH ? '' : cell.arch;
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  const sorted = [...groups].sort(([a], [b]) => depthOf(a) - depthOf(b));
  return sorted.flatMap(([key, members]) => {
    const archs = new Set(members.map(({ arch }) => arch));
    const name = key !== '' ? key : archs.size === 1 ? ([...archs][0] as string) : 'shallow';
    const count = Math.ceil(members.length / longest);
    return Array.from({ length: count }, (_, index) => ({
      name: count === 1 ? name : `${name}-${index + 1}`,
      cells: members.slice(index * longest, (index + 1) * longest),
    }));
  });
}

function depthOf(key: string): number {
  return key === '' ? 0 : parseArch(key).depth;
}

const HOUR = 3600;
/** Nodes differ, and their disks have slow days. */
const TIME_MARGIN = 1.5;
/** Loading data, starting, saving. */
const STARTING_SECONDS = 600;
/** Longer jobs wait longer; a run goes on after its requeue. */
const LONGEST_SECONDS = 24 * HOUR;

/** Seconds to ask a cluster for. */
export function timeToAsk({ seconds }: Need): number {
  const asked = TIME_MARGIN * seconds + STARTING_SECONDS;
  return Math.min(LONGEST_SECONDS, 600 * Math.ceil(asked / 600));
}

const MEBIBYTE = 2 ** 20;
/** Node.js itself, and what it reads and writes. */
const PROCESS_BYTES = 600 * MEBIBYTE;
const MEMORY_MARGIN = 1.2;

/** MiB to ask a cluster for. */
export function memoryToAsk({ memoryBytes }: Need): number {
  const asked = (MEMORY_MARGIN * memoryBytes + PROCESS_BYTES) / MEBIBYTE;
  return 256 * Math.ceil(asked / 256);
}
