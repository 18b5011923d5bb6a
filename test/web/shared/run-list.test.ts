// Lists that the worker was asked for and news that it tells unasked cross on their way: whatever the
// order, the page shows each run as it is. (A page that lost one waited for its end for ever.)

import { beforeAll, describe, expect, it, vi } from 'vitest';
import { resolveConfig } from '../../../src/experiment/recipes.ts';
import type { RunFacts, RunState } from '../../../src/web/worker/protocol.ts';

type RunListClass = typeof import('../../../src/web/shared/run-list.svelte.ts').RunList;

const config = resolveConfig({ arch: 'resnet8', overrides: { data: 'synthetic' } });
const facts = (run: string, state: RunState): RunFacts => ({
  run,
  state,
  config,
  checkpoints: [],
  canGoOn: state === 'stopped',
});

let RunList: RunListClass;
beforeAll(async () => {
  // Svelte's compiler is not here; without a page, state is a plain value.
  vi.stubGlobal(
    '$state',
    Object.assign(<T>(value: T) => value, { raw: <T>(value: T) => value }),
  );
  ({ RunList } = await import('../../../src/web/shared/run-list.svelte.ts'));
});

/** A list whose answers arrive when the test lets them. */
function asked() {
  const answers: ((listed: readonly RunFacts[]) => void)[] = [];
  const list = new RunList(() => new Promise((resolve) => answers.push(resolve)));
  return { list, answer: (number: number, ...listed: RunFacts[]) => answers[number]!(listed) };
}

const tell = (run: string, state: RunState) => ({ kind: 'run', run, state }) as const;

describe('the runs of a tab', () => {
  it('keeps a run in memory that a list leaves out, and goes on hearing of it', async () => {
    const { list, answer } = asked();
    const first = list.refresh();
    answer(0, facts('runs/a', 'training'), facts('runs/b', 'training'));
    await first;
    const b = list.find('runs/b')!;
    const second = list.refresh();
    answer(1, facts('runs/a', 'training')); // b was being written
    await second;
    expect(list.find('runs/b')).toBe(b);
    list.hear(tell('runs/b', 'stopped'));
    expect(b.state).toBe('stopped');
  });

  it('lets go of a stopped run that is listed no more', async () => {
    const { list, answer } = asked();
    const first = list.refresh();
    answer(0, facts('runs/a', 'stopped'));
    await first;
    const second = list.refresh();
    answer(1);
    await second;
    expect(list.runs).toEqual([]);
  });

  it('does not let a list that was asked for before a change undo it', async () => {
    const { list, answer } = asked();
    const first = list.refresh();
    answer(0, facts('runs/a', 'training'));
    await first;
    const second = list.refresh();
    list.hear(tell('runs/a', 'paused'));
    answer(1, facts('runs/a', 'training'));
    await second;
    expect(list.find('runs/a')!.state).toBe('paused');
    const third = list.refresh();
    answer(2, facts('runs/a', 'stopped'));
    await third;
    expect(list.find('runs/a')!.state).toBe('stopped');
  });

  it('takes the newest list, whichever arrives last', async () => {
    const { list, answer } = asked();
    const older = list.refresh();
    const newer = list.refresh();
    answer(1, facts('runs/a', 'stopped'), facts('runs/b', 'stopped'));
    await newer;
    answer(0, facts('runs/a', 'training'));
    await older;
    expect(list.runs.map(({ run, state }) => `${run} ${state}`)).toEqual([
      'runs/a stopped',
      'runs/b stopped',
    ]);
  });

  it('does not take a removed run back from a list that was on its way', async () => {
    const { list, answer } = asked();
    const first = list.refresh();
    answer(0, facts('runs/a', 'stopped'));
    await first;
    const second = list.refresh();
    list.forget('runs/a');
    answer(1, facts('runs/a', 'stopped'));
    await second;
    expect(list.runs).toEqual([]);
  });

  it('asks again when a run has stopped: its folder has changed', async () => {
    const { list, answer } = asked();
    list.hear(tell('runs/a', 'stopped'));
    answer(0, facts('runs/a', 'stopped'));
    await vi.waitFor(() => expect(list.find('runs/a')?.facts.canGoOn).toBe(true));
  });
});
