import { CommandError, type CommandResult, run } from '../cluster/command.ts'

/** A Kubernetes object as a test writes it. */
export interface Manifest {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
  [field: string]: unknown
}

/** The real kubectl on one cluster. Arguments are an argv array, never a command line. */
export class Kubectl {
  readonly #env: NodeJS.ProcessEnv

  /** `env` has the cluster's kubectl on its PATH and its KUBECONFIG. */
  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env
  }

  /** Throws CommandError, with what kubectl said, when it fails. */
  run(args: string[], input?: string): Promise<CommandResult> {
    return run(['kubectl', ...args], { env: this.#env, ...(input === undefined ? {} : { input }) })
  }

  async text(args: string[]): Promise<string> {
    return (await this.run(args)).stdout
  }

  async json<T>(args: string[]): Promise<T> {
    return JSON.parse(await this.text([...args, '-o', 'json'])) as T
  }

  /** Creates or changes the objects as one call; returns what the server warned of. */
  async apply(objects: Manifest[], flags: string[] = []): Promise<string> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
    return (await this.run(['apply', ...flags, '-f', '-'], list)).stderr
  }

  /** What the API server says against these objects; undefined when it takes them. Nothing is stored. */
  async refusal(objects: Manifest[]): Promise<string | undefined> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
    return this.run(['apply', '--dry-run=server', '-f', '-'], list).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof CommandError) return error.result.stderr
        throw error
      },
    )
  }
}
