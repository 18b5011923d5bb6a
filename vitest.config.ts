import { defineConfig } from 'vitest/config';

// Two cores are the smallest machine we promise to test on, and several tests start worker
// threads of their own: two test files at a time keep the suite honest and inside its time.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
