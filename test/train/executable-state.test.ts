// What an executable holds beside its buffers, such as the loss scale of half precision, is part of the
// training state. The backend here holds a number that every step's learning rate depends on.

import { describe, expect, test } from 'vitest';
import type { Backend, Executable, ExecutableState } from '../../src/engine/backend.ts';
import { decodeState, encodeState } from '../../src/runs/checkpoint.ts';
import type { TrainingState } from '../../src/train/state.ts';
import { arithmeticBackend } from './support/backends.ts';
import { collect, identity, tinyConfig, tinyTrainer } from './support/tiny.ts';

/** @param begun is told what each executable begins with */
function statefulBackend(
  begun: (mode: string, from?: ExecutableState) => void = () => {},
): Backend {
  const inner = arithmeticBackend();
  return {
    ...inner,
    async compile(program, from) {
      begun(program.mode, from);
      const executable = await inner.compile(program);
      let { scale, goodSteps } = from?.lossScale ?? { scale: 64, goodSteps: 0 };
      const stateful: Pick<Executable, 'run' | 'readState'> = {
        async run(batch) {
          goodSteps++;
          if (goodSteps % 4 === 0) scale /= 2;
          const sgd = batch.sgd && {
            ...batch.sgd,
            learningRate: batch.sgd.learningRate * (1 + 1 / (scale + goodSteps)),
          };
          return executable.run({ ...batch, sgd });
        },
        readState: async () =>
          program.mode === 'train'
            ? { lossScale: { scale, goodSteps } }
            : { adapter: 'a GPU', tiles: { 'forward 16-16': 'rows 8' } },
      };
      return Object.assign(Object.create(executable), stateful) as Executable;
    },
  };
}

/** As it comes back from a file. */
const saved = (state: TrainingState) => decodeState(encodeState(state, 0), 'last').state;

describe('the state of an executable', () => {
  const config = tinyConfig({ checkpointSteps: 1 });

  test('is saved and given back, so that a resumed run has the bits of a whole one', async () => {
    const states: TrainingState[] = [];
    const whole = await tinyTrainer(statefulBackend(), { config });
    await collect(whole.run(), async ({ kind }) => {
      if (kind === 'checkpoint') states.push(saved(await whole.snapshot()));
    });
    const expected = await identity(await whole.snapshot());
    expect(states.map(({ executables }) => executables?.train?.lossScale?.goodSteps)).toEqual([
      1, 2, 3, 3, 4, 5, 6, 6,
    ]);
    for (const resume of states) {
      const resumed = await tinyTrainer(statefulBackend(), { config, resume });
      await collect(resumed.run());
      expect(await identity(await resumed.snapshot())).toEqual(expected);
      expect((await resumed.snapshot()).executables).toEqual((await whole.snapshot()).executables);
    }
    const { executables: _lost, ...older } = states[1]!;
    const without = await tinyTrainer(statefulBackend(), { config, resume: older });
    await collect(without.run());
    expect(await identity(await without.snapshot()), 'it matters').not.toEqual(expected);
  });

  test('of the evaluation is given to the evaluation', async () => {
    const whole = await tinyTrainer(statefulBackend(), { config: tinyConfig({ epochs: 1 }) });
    await collect(whole.run());
    const resume = saved(await whole.snapshot());
    const begun: (readonly [string, ExecutableState | undefined])[] = [];
    const resumed = await tinyTrainer(
      statefulBackend((mode, from) => begun.push([mode, from])),
      { config, resume },
    );
    await collect(resumed.run());
    expect(begun).toEqual([
      ['train', { lossScale: { scale: 64, goodSteps: 3 } }],
      ['infer', { adapter: 'a GPU', tiles: { 'forward 16-16': 'rows 8' } }],
    ]);
  });

  test('that says nothing leaves no trace', async () => {
    const trainer = await tinyTrainer(arithmeticBackend(), { config });
    await collect(trainer.run());
    const state = await trainer.snapshot();
    expect(state.executables).toBeUndefined();
    expect(new TextDecoder('latin1').decode(encodeState(state, 0))).not.toContain('executables');
  });

  test('that was edited is refused', async () => {
    const trainer = await tinyTrainer(statefulBackend(), { config });
    await collect(trainer.run());
    const state = await trainer.snapshot();
    const executables = { train: { lossScale: { scale: 0, goodSteps: 1 } } };
    const bytes = encodeState({ ...state, executables }, 0);
    expect(() => decodeState(bytes, '"last"')).toThrow(
      /^"last" is damaged: its "executables" is not valid \(train\.lossScale\.scale: /,
    );
  });
});
