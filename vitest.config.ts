import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Takes two minutes, most of them a software GPU's compiler: begun last, it has one core to itself. */
const LONGEST = /\/test\/browser\/webgpu\.test\.ts$/;

/** The longest file first, which a clean clone cannot know; the others as ever. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLongest = ({ moduleId }: TestSpecification) => LONGEST.test(moduleId);
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}

// Two cores are the smallest machine we promise to test on, and several tests start worker
// threads of their own: two test files at a time keep the suite honest and inside its time. A time-out
// only ends what hangs; on a busy machine the slowest tests take several times their usual ten seconds.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
