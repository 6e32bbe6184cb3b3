import { check, say } from './e2e/run-vitest.ts'

interface Step {
  title: string
  command: string
  args: string[]
  /** What to do when it fails. */
  remedy: string
}

const unit = (...args: string[]): string[] => [
  'run',
  '--project',
  'unit',
  '--reporter=dot',
  '--silent=passed-only',
  ...args,
]

/** Cheap ones first. Nothing here writes anything, or needs a cluster. */
const STEPS: Step[] = [
  {
    title: 'generated pages',
    command: 'vitest',
    args: unit('docs/tests/values-page.test.ts'),
    remedy: 'run `node docs/tests/write-values-page.ts` and commit docs/reference/values.md',
  },
  { title: 'types', command: 'tsc', args: ['--noEmit'], remedy: 'mend the types named above' },
  {
    title: 'types of the page',
    command: 'tsc',
    args: ['--noEmit', '-p', 'plugin/page'],
    remedy: 'mend the types above',
  },
  {
    title: 'lint and format',
    command: 'biome',
    args: ['check', '--error-on-warnings'],
    remedy: 'run `npm run format`; what it leaves is to be mended by hand',
  },
  {
    title: 'docs',
    command: 'vitest',
    args: unit('docs', '--exclude', '**/values-page.test.ts'),
    remedy: 'mend the link, name or example that the test above tells of',
  },
  {
    title: 'unit tests',
    command: 'vitest',
    // One more than two cores have work for: some tests wait in real time.
    args: unit('--exclude', 'docs/**', '--maxWorkers', '3'),
    remedy: 'run the file named above alone with `npx vitest run --project unit FILE`',
  },
]

/** Worlds of the simulation; `npm run test:unit` runs 5,000. */
const SEEDS = '200'
/** Inputs of the fuzz tests; elsewhere they are ten times as many. */
const INPUTS = '10000'

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1).padStart(6)} s`

async function main(): Promise<number> {
  const env = { STARTGATE_RUNS: SEEDS, STARTGATE_FUZZ_RUNS: INPUTS, ...process.env }
  const passed: string[] = []
  for (const { title, command, args, remedy } of STEPS) {
    const { ms, failed } = await check(title, command, args, env)
    say(`${seconds(ms)}  ${title}`)
    if (failed > 0) {
      say(`\nverify: ${title} failed: ${remedy}`)
      return 1
    }
    passed.push(`${seconds(ms)}  ${title}`)
  }
  say(`\n${passed.join('\n')}\nverify: all passed`)
  return 0
}

process.exitCode = await main()
