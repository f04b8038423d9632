import { defineConfig } from 'vitest/config';

// Scenarios mostly wait, so many run at once: four of a file, three files side by side. The
// time of each is shared with eleven others.
export default defineConfig({
  test: {
    include: ['src/scenarios/*.test.ts'],
    globalSetup: 'src/harness/global.ts',
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 3 } },
    sequence: { concurrent: true },
    maxConcurrency: 4,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    reporters: ['verbose'],
  },
});
