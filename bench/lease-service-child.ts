import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { BUNDLES } from '../build.ts'
import type { Figures, Order, ServiceOptions } from './lease-service-process.ts'

/** As in the chart's command; and the heap that Node takes in a container of the chart's limit, 2 GiB. */
const FLAGS = ['--max-semi-space-size=8', '--max-old-space-size=1024']
/** As in the image. */
const ENV = { MALLOC_ARENA_MAX: '1' }
const PROGRAM = 'lease-service-process'

/** A lease service in a process of its own, bundled as for the image, so without what Node needs to run TypeScript. */
export class LeaseServiceChild {
  readonly #process: ChildProcess

  private constructor(process: ChildProcess) {
    this.#process = process
  }

  /** Resolves when it serves. `flags`: of Node, beside the chart's. */
  static async start(options: ServiceOptions, flags: readonly string[] = []): Promise<LeaseServiceChild> {
    const outdir = mkdtempSync(join(tmpdir(), 'startgate-bench-'))
    try {
      await build({ ...BUNDLES, entryPoints: { [PROGRAM]: join(import.meta.dirname, `${PROGRAM}.ts`) }, outdir })
      const execArgv = [...FLAGS, ...flags]
      const env = { ...process.env, ...ENV }
      const child = fork(join(outdir, `${PROGRAM}.mjs`), [JSON.stringify(options)], { execArgv, env })
      await once(child, 'message')
      return new LeaseServiceChild(child)
    } finally {
      rmSync(outdir, { recursive: true })
    }
  }

  async order(order: Order = {}): Promise<Figures> {
    const answer = once(this.#process, 'message')
    this.#process.send(order)
    const [figures] = (await answer) as [Figures]
    return figures
  }

  async kill(): Promise<void> {
    const exit = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exit
  }

  /** It ends by itself, and so writes the profile that its flags ask for. */
  async end(): Promise<void> {
    const exit = once(this.#process, 'exit')
    this.#process.disconnect()
    await exit
  }
}
