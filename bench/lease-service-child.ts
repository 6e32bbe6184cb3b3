import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Figures, Order, ServiceOptions } from './lease-service-process.ts'

/** A lease service in a process of its own. */
export class LeaseServiceChild {
  readonly #process: ChildProcess

  private constructor(process: ChildProcess) {
    this.#process = process
  }

  /** Resolves when it serves. */
  static async start(options: ServiceOptions): Promise<LeaseServiceChild> {
    const child = fork(join(import.meta.dirname, 'lease-service-process.ts'), [JSON.stringify(options)])
    await once(child, 'message')
    return new LeaseServiceChild(child)
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
}
