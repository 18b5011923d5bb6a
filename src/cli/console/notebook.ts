// The notebook's own lines on the console.

import { notebookLines } from '../../runs/notebook-lines.ts';
import type { TrainEvent, TrainReader } from '../../train/events.ts';
import type { Terminal } from './terminal.ts';

export function notebookReader(terminal: Terminal, printFreq: number): TrainReader {
  return {
    handle(event: TrainEvent) {
      for (const line of notebookLines(event, printFreq)) terminal.line(line);
    },
  };
}
