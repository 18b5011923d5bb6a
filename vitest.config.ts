import { defineConfig } from 'vitest/config';

// Two cores are the smallest machine we promise to test on, and several tests start worker
// threads of their own: two test files at a time keep the suite honest and inside its time. A time-out
// only ends what hangs; on a busy machine the slowest tests take several times their usual ten seconds.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
