// Event files on disk, for Node. A resumed run begins a file of its own, since TensorBoard reads all of
// a folder's in the order of their names.

import { type FileHandle, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../../util/make-folder.node.ts';
import { fileError, systemCode } from '../../util/system-errors.ts';
import { eventRecord, resumeRecord, type SummaryEvent, versionRecord } from './events.ts';

export interface TensorBoardWriter {
  /** The event file. */
  readonly path: string;
  /** Appends an event; when the promise is fulfilled it is in the file. */
  write(event: SummaryEvent): Promise<void>;
  close(): Promise<void>;
}

/**
 * Begins a new event file in a folder, which is made if needed.
 * @param options resumeStep for a resumed run: steps from this one on in earlier files are not shown
 * @throws UserError if the folder or file cannot be written
 */
export async function openTensorBoardWriter(
  folder: string,
  options: { resumeStep?: number } = {},
): Promise<TensorBoardWriter> {
  const { resumeStep } = options;
  try {
    await makeFolder(folder);
    const { path, file } = await createFile(folder, Math.floor(Date.now() / 1000));
    const now = Date.now() / 1000;
    await file.appendFile(versionRecord(now));
    if (resumeStep !== undefined) await file.appendFile(resumeRecord(now, resumeStep));
    let last: Promise<void> = Promise.resolve();
    return {
      path,
      // One after another, so that a record never lies inside another.
      write: (event) => {
        last = last.then(() => file.appendFile(eventRecord(event)));
        return last;
      },
      close: async () => {
        await last;
        await file.close();
      },
    };
  } catch (error) {
    throw fileError(error, { path: folder, doing: 'write' });
  }
}

/** TensorBoard's naming; a file that exists already (two runs in one second) is never appended to. */
async function createFile(
  folder: string,
  seconds: number,
): Promise<{ path: string; file: FileHandle }> {
  for (let number = 0; ; number++) {
    const name = `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${number}`;
    const path = join(folder, name);
    try {
      return { path, file: await open(path, 'ax') };
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  }
}
