import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{core,webhook,gate,certs,charts,e2e}/**/*.test.ts'],
          exclude: ['e2e/**/*.e2e.ts'],
          // Nothing here waits for anything; simulations take seconds, and more while a cluster runs beside them.
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.ts'],
          // One cluster, and limits that concern all of it: one file at a time.
          fileParallelism: false,
          // A whole herd starting on two cores takes minutes; each wait inside has its own, named limit.
          testTimeout: 600_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
})
