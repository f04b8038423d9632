import { defineConfig } from 'vitest/config';

// Scenarios mostly wait, so many run at once: six of a file, three files side by side.
export default defineConfig({
  test: {
    include: ['src/scenarios/*.test.ts'],
    globalSetup: 'src/harness/global.ts',
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 3 } },
    sequence: { concurrent: true },
    maxConcurrency: 6,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    reporters: ['verbose'],
  },
});
