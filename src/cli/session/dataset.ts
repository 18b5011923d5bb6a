// Loading a data set with something to look at: a bar where a line can be drawn over, a line for
// every tenth elsewhere, and the reader's notices.

import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Dataset } from '../../data/dataset.ts';
import { loadDataset } from '../../data/load.node.ts';
import type { LoadEvent, LoadOptions } from '../../data/load-options.ts';
import { formatBytes, formatCount } from '../../util/format.ts';
import { barLine, throttle } from '../console/bar.ts';
import type { Terminal } from '../console/terminal.ts';

/** @throws what `loadDataset` throws */
export async function openDataset(
  source: string,
  terminal: Terminal,
  options: Omit<LoadOptions, 'onProgress' | 'onNotice'> = {},
): Promise<Dataset> {
  const onProgress = terminal.interactive ? progressBar(terminal) : progressLines(terminal);
  try {
    return await loadDataset(source, {
      ...options,
      onProgress,
      onNotice: (line) => terminal.line(line),
    });
  } finally {
    terminal.clear();
  }
}

/** A run is to find its images again from any folder; names of data sets are no paths. */
export function withWholePath<T extends { readonly data?: string }>(settings: T): T {
  const { data } = settings;
  const isPath = data !== undefined && !/^(cifar10|cifar100|synthetic)(:|$)/i.test(data);
  return isPath && existsSync(data) ? { ...settings, data: path.resolve(data) } : settings;
}

const TITLES: Readonly<Record<LoadEvent['kind'], string>> = {
  download: 'downloading',
  unpack: 'unpacking',
  decode: 'decoding',
};

function titleOf(event: LoadEvent): string {
  return `${TITLES[event.kind]} ${event.file}`;
}

function amounts({ kind, done = 0, total }: LoadEvent): string {
  const show = kind === 'download' ? formatBytes : formatCount;
  return total === undefined ? show(done) : `${show(done)} of ${show(total)}`;
}

function progressBar(terminal: Terminal): (event: LoadEvent) => void {
  const mayDraw = throttle(10);
  return (event) => {
    if (event.done === undefined || event.total === undefined) {
      terminal.draw(
        event.done === undefined ? titleOf(event) : `${titleOf(event)} ${amounts(event)}`,
      );
    } else if (mayDraw(event.done === event.total)) {
      const fraction = event.total === 0 ? 1 : event.done / event.total;
      terminal.draw(barLine(titleOf(event), fraction, [amounts(event)], terminal.width()));
    }
  };
}

function progressLines(terminal: Terminal): (event: LoadEvent) => void {
  let task = '';
  let tenth = -1;
  return (event) => {
    const title = titleOf(event);
    if (title !== task) {
      task = title;
      tenth = -1;
      terminal.line(title);
    }
    if (event.done === undefined || !event.total) return;
    const now = Math.floor((10 * event.done) / event.total);
    if (now <= tenth) return;
    tenth = now;
    terminal.line(`${title}: ${amounts(event)} (${10 * now} %)`);
  };
}
