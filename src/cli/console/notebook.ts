// Other programs' lines on the console: the notebook's, and those of the trainer that it is built on.

import { notebookLines } from '../../runs/notebook-lines.ts';
import { trainerLines } from '../../runs/trainer-lines.ts';
import type { TrainReader } from '../../train/events.ts';
import type { Terminal } from './terminal.ts';

export function notebookReader(terminal: Terminal, printFreq: number): TrainReader {
  const linesOf = notebookLines(printFreq);
  return {
    handle(event) {
      for (const line of linesOf(event)) terminal.line(line);
    },
  };
}

export function trainerReader(terminal: Terminal, printFreq: number): TrainReader {
  return {
    handle(event) {
      for (const line of trainerLines(event, printFreq)) terminal.line(line);
    },
  };
}
