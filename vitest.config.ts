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

/**
 * `npm run test:fast`: one of everything in under 20 seconds, for between two edits. Left out is what
 * starts processes or browsers, trains for long, or compares every shape.
 */
const FAST = [
  'test/{util,formats,nn,scripts}/!(kill-test).test.ts',
  'test/data/{batches,facts,normalization,validation}.test.ts',
  'test/engine/{plan,devices,self-test}.test.ts',
  'test/engine/wasm/{assembler,head-and-update}.test.ts',
  'test/engine/webgpu/vulkan.test.ts',
  'test/train/{evaluate,meters,result,schedule,softmax,stopwatch}.test.ts',
  'test/runs/{checkpoint,file-system,lock}.test.ts',
  'test/interop/safetensors/safetensors.test.ts',
  'test/experiment/{cost,recipes,table6}.test.ts',
  'test/library/pixels.test.ts',
  'test/cli/options.test.ts',
  'test/golden/bits.test.ts',
];

/**
 * `npm run test:slow`: minutes in a browser each. What they show of pausing, reloading, broken storage and
 * lost workers, the training chapter's test shows from the page (chapters/train.test.ts), and what they show of
 * WebGPU in a browser, test/browser/webgpu.test.ts; these look one layer lower, or at a thousand images on a
 * software GPU (eight minutes). Run them after a change there.
 * And the scripts of faults and attacks, whose kinds have fast tests where they belong.
 */
const SLOW = [
  'test/web/worker/{training,webgpu}.test.ts',
  'test/web/chapters/test-webgpu.test.ts',
  'test/reliability/*.test.ts',
];
const FILES: Readonly<Record<string, readonly string[]>> = { fast: FAST, slow: SLOW };

// Two cores are the smallest machine we promise to test on, and several tests start worker
// threads of their own: two test files at a time keep the suite honest and inside its time. A time-out
// only ends what hangs; on a busy machine the slowest tests take several times their usual ten seconds.
export default defineConfig(({ mode }) => ({
  test: {
    include: [...(FILES[mode] ?? ['test/**/*.test.ts'])],
    exclude: mode === 'test' ? ['**/node_modules/**', ...SLOW] : ['**/node_modules/**'],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
}));
