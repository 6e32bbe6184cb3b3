import { defineConfig } from 'vitest/config'
import { SuiteOrder } from './e2e/suite-order.ts'

export default defineConfig({
  test: {
    sequence: { sequencer: SuiteOrder },
    // Vitest leaves one core free, which of two is half the machine.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['*.test.ts', '{core,webhook,gate,certs,plugin,charts,docs,e2e,release,bench}/**/*.test.ts'],
          exclude: ['e2e/**/*.e2e.ts'],
          // Little here waits for anything; simulations take seconds, and many times that on a busy machine. So do
          // keys, which hooks make.
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.ts'],
          // One cluster, and limits that concern all of it: one file at a time, unless e2e/test-all.ts knows better
          // (e2e/suites.ts).
          fileParallelism: false,
          // A whole herd starting on two cores takes minutes; each wait inside has its own, named limit.
          testTimeout: 600_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
})
