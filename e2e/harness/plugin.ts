import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, onTestFinished } from 'vitest'
import { buildPlugin } from '../../build-plugin.ts'
import { CommandError, run } from '../cluster/command.ts'
import type { Session } from './session.ts'

export interface Said {
  code: number
  stdout: string
  stderr: string
}

/** Lines of a verb that goes on until it is ended. */
export interface Live {
  lines: string[]
  stderr: string[]
}

/** `kubectl startgate`, run by the real kubectl, which finds the plugin of this checkout on its PATH. */
export class Plugin {
  readonly env: NodeJS.ProcessEnv

  private constructor(env: NodeJS.ProcessEnv) {
    this.env = env
  }

  /** To be called in `beforeAll`. */
  static async build({ cluster }: Pick<Session, 'cluster'>): Promise<Plugin> {
    const folder = await mkdtemp(join(tmpdir(), 'startgate-plugin-'))
    afterAll(() => rm(folder, { recursive: true, force: true }))
    await buildPlugin(folder)
    await symlink(join(folder, 'kubectl-startgate.mjs'), join(folder, 'kubectl-startgate'))
    return new Plugin({ ...cluster.env, PATH: [folder, cluster.env.PATH].join(delimiter) })
  }

  /** The same for somebody else. */
  as(kubeconfig: string): Plugin {
    return new Plugin({ ...this.env, KUBECONFIG: kubeconfig })
  }

  async run(args: string[], input?: string): Promise<Said> {
    const argv = ['kubectl', 'startgate', ...args]
    try {
      return { code: 0, ...(await run(argv, { env: this.env, ...(input !== undefined && { input }) })) }
    } catch (error) {
      if (!(error instanceof CommandError) || error.exitCode === undefined) throw error
      return { code: error.exitCode, ...error.result }
    }
  }

  /** A verb that goes on until it is ended. */
  start(args: string[]): ChildProcess {
    return spawn('kubectl', ['startgate', ...args], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** Ends with the test. */
  follow(args: string[]): Live {
    const child = this.start(args)
    onTestFinished(() => void child.kill())
    const live: Live = { lines: [], stderr: [] }
    if (child.stdout) createInterface({ input: child.stdout }).on('line', line => live.lines.push(line))
    if (child.stderr) createInterface({ input: child.stderr }).on('line', line => live.stderr.push(line))
    return live
  }
}
