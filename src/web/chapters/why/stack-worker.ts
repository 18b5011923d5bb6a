// Computes the stacks of the diagram beside the page's thread, which has to follow the slider meanwhile.

import { type StackSettings, type StackTrace, traceStack } from './stack.ts';

/** Of one stack without shortcuts and one with them, with the same weights and inputs. */
export interface StackPair {
  readonly settings: StackQuestion;
  readonly plain: StackTrace;
  readonly residual: StackTrace;
}

export type StackQuestion = Omit<StackSettings, 'shortcut'>;

addEventListener('message', ({ data: settings }: MessageEvent<StackQuestion>) => {
  const pair: StackPair = {
    settings,
    plain: traceStack({ ...settings, shortcut: false }),
    residual: traceStack({ ...settings, shortcut: true }),
  };
  postMessage(pair);
});
