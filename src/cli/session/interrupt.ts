// Ctrl-C and its relatives while training. The first asks the loop to finish its step and save; the
// second means now (but for a terminal's end, which several tell of). A signal can arrive twice for one key
// press (from the terminal and from the older Node that handed over to this one), so repetitions within a moment
// count once. USR2 is what a
// cluster's job gives before its time is up (USR1 is Node's own): whoever sends it waits, and sends KILL
// when it no longer does, so after it only Ctrl-C means now.

import type { StopRequest } from '../../train/options.ts';
import { brokenConsole } from '../console/broken-console.ts';

/** Exit codes as shells give them: 128 and the signal's number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGUSR2: 140 } as const;

/** Their repetition is no wish to end at once. */
const PATIENT = new Set(['SIGHUP', 'SIGUSR2']);

/** EX_IOERR's neighbour 141 is what a shell shows for SIGPIPE. */
const BROKEN_PIPE = 141;

const SAME_PRESS_MILLISECONDS = 300;

export interface Interruption extends Disposable {
  readonly stop: StopRequest;
  /** What to exit with, once a stop was asked for. */
  exitCode(): number | undefined;
}

/**
 * Watches for signals until it is disposed.
 * @param onFirst told once, so that the console can say that it heard
 * @param clock milliseconds
 */
export function watchSignals(
  onFirst: (signal: string) => void,
  clock: () => number = () => performance.now(),
): Interruption {
  const stop: StopRequest = { requested: false };
  let code: number | undefined;
  let firstAt = 0;
  let isPatient = false;
  const ask = (name: string, exitCode: number) => {
    const now = clock();
    if (code === undefined) {
      code = exitCode;
      firstAt = now;
      isPatient = name === 'SIGUSR2';
      stop.requested = true;
      onFirst(name);
    } else if (name === 'SIGINT' || !(isPatient || PATIENT.has(name))) {
      if (now - firstAt > SAME_PRESS_MILLISECONDS) process.exit(exitCode);
    }
  };
  const handlers = onSignals(ask);
  const restoreConsole = brokenConsole.react({
    gone() {
      if (code === undefined) ask('EPIPE', BROKEN_PIPE);
    },
    // A run is worth more than its console lines, which are in log.txt too.
    failed() {},
  });
  return {
    stop,
    exitCode: () => code,
    [Symbol.dispose]() {
      handlers[Symbol.dispose]();
      restoreConsole();
    },
  };
}

/** Ends the process at the first signal, while there is nothing to save; until it is disposed. */
export function endOnSignals(): Disposable {
  return onSignals((_, exitCode) => process.exit(exitCode));
}

function onSignals(react: (name: string, exitCode: number) => void): Disposable {
  const handlers = Object.entries(SIGNALS).map(([name, exitCode]) => {
    const handler = () => react(name, exitCode);
    process.on(name, handler);
    return [name, handler] as const;
  });
  return {
    [Symbol.dispose]() {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}
