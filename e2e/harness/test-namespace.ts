import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ObservedPod } from '../observer/cluster-events.ts'
import type { Stamps } from '../observer/stamp-fold.ts'
import { artifactFiles, type FailedTest } from './artifact-files.ts'
import type { Kubectl, Manifest } from './kubectl.ts'
import { limits } from './time-limits.ts'
import { waitFor } from './wait-for.ts'

export interface NamespaceOptions {
  /** Carries the opt-in label. */
  gated?: boolean
  /** Without the `startgate.dev/` before them. */
  settings?: Record<string, string>
  labels?: Record<string, string>
  /** Instead of a name that no other has. */
  name?: string
}

const ARTIFACTS = join(import.meta.dirname, '..', '..', 'artifacts')
let made = 0

/** A namespace of one test's own. */
export class TestNamespace {
  readonly name: string
  readonly kubectl: Kubectl

  private constructor(name: string, kubectl: Kubectl) {
    this.name = name
    this.kubectl = kubectl
  }

  /** Makes one with a name of its own; `word` says what it is for. */
  static async create(kubectl: Kubectl, word: string, options: NamespaceOptions = {}): Promise<TestNamespace> {
    made += 1
    // Suites that run side by side are processes of one machine.
    const name = options.name ?? `t-${word}-${Date.now().toString(36)}-${process.pid.toString(36)}-${made}`
    const annotations = Object.fromEntries(
      Object.entries(options.settings ?? {}).map(([key, value]) => [`startgate.dev/${key}`, value]),
    )
    const labels = { ...(options.gated ? { 'startgate.dev/injection': 'enabled' } : {}), ...options.labels }
    await kubectl.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, annotations } }])
    // A pod made before its service account exists is refused.
    const account = () => kubectl.text(['get', 'serviceaccount', 'default', '-n', name, '-o', 'name'])
    await waitFor(`service account of ${name}`, account, limits.settingSeen)
    return new TestNamespace(name, kubectl)
  }

  apply(objects: Manifest[]): Promise<string> {
    return this.kubectl.apply(this.#own(objects))
  }

  /** The same for objects that have no room for a copy of themselves in an annotation. */
  applyServerSide(objects: Manifest[]): Promise<string> {
    return this.kubectl.apply(this.#own(objects), ['--server-side'])
  }

  /** What the API server and its webhooks make of an object; nothing is stored. */
  async dryRun(object: Manifest): Promise<unknown> {
    const create = ['create', '-n', this.name, '--dry-run=server', '-o', 'json', '-f', '-']
    return JSON.parse((await this.kubectl.run(create, JSON.stringify(object))).stdout)
  }

  refusal(objects: Manifest[]): Promise<string | undefined> {
    return this.kubectl.refusal(this.#own(objects))
  }

  /** Sets (or with null removes) annotations of the namespace, named without `startgate.dev/`. */
  async set(settings: Record<string, string | null>): Promise<void> {
    const words = Object.entries(settings).map(([key, value]) =>
      value === null ? `startgate.dev/${key}-` : `startgate.dev/${key}=${value}`,
    )
    await this.kubectl.run(['annotate', 'namespace', this.name, '--overwrite', ...words])
  }

  get<T>(args: string[]): Promise<T> {
    return this.kubectl.json<T>(['get', '-n', this.name, ...args])
  }

  /** The Events about one object, or about any; newest last. */
  async events(object?: string): Promise<{ reason: string; message: string; type: string; count?: number }[]> {
    const selector = object ? [`--field-selector=involvedObject.name=${object}`] : []
    const list = await this.get<{ items: { reason: string; message: string; type: string; count?: number }[] }>([
      'events',
      ...selector,
    ])
    return list.items
  }

  /** To be waited for: the first Event about an object whose reason or message these words match. */
  eventOf(object: string, words: RegExp) {
    return async () => (await this.events(object)).find(e => words.test(`${e.reason} ${e.message}`))
  }

  /** What one container has logged in its latest run. */
  log(pod: string, container: string): Promise<string> {
    return this.kubectl.text(['logs', pod, '-n', this.name, '-c', container])
  }

  /**
   * What this container of each pod of a workload has logged, by the pod's name: all of it, or the last lines. One
   * kubectl for all: sixty take ten seconds. A pod whose container has not started is left out.
   */
  async logs(container: string, tail = -1): Promise<Map<string, string>> {
    const which = ['-n', this.name, '-l', 'app', '-c', container, `--tail=${tail}`]
    const text = await this.kubectl.text(['logs', ...which, '--prefix', '--ignore-errors'])
    const lines = new Map<string, string[]>()
    for (const [, pod = '', line = ''] of text.matchAll(/^\[pod\/([^/]+)\/[^\]]+\] ?(.*)$/gm))
      lines.set(pod, [...(lines.get(pod) ?? []), line])
    return new Map([...lines].map(([pod, own]) => [pod, own.join('\n')]))
  }

  /** What the `app` containers of these pods wrote about their own start. */
  async stamps(pods: ObservedPod[]): Promise<Stamps[]> {
    const logs = await this.logs('app')
    return pods.map(({ metadata: { name } }) => ({ name, log: logs.get(name) ?? '' }))
  }

  /**
   * Deletes it and waits until its pods are gone, so that the next test has the nodes to itself. The pods are deleted
   * besides: the namespace's controller waits 5 s before it begins (namespaceDeletionGracePeriod); no new ones are made
   * in a namespace that ends.
   */
  async remove(): Promise<void> {
    await this.kubectl.run(['delete', 'namespace', this.name, '--wait=false', '--ignore-not-found'])
    await this.kubectl.run(['delete', 'pods', '--all', '-n', this.name, '--wait=false'])
    const gone = async () => (await this.kubectl.text(['get', 'pods', '-n', this.name, '-o', 'name'])) === ''
    await waitFor(`pods of namespace ${this.name} are gone`, gone, limits.namespaceGone)
  }

  /** Saves what a person needs to understand a failure under artifacts/<suite>/<test>/<namespace>/. */
  async save(test: FailedTest, systemNamespace = 'startgate-system'): Promise<void> {
    for (const { path, args } of artifactFiles(test, this.name, systemNamespace)) {
      const file = join(ARTIFACTS, path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, await this.kubectl.text(args).catch((error: unknown) => `could not be had: ${error}`))
    }
  }

  #own(objects: Manifest[]): Manifest[] {
    return objects.map(object => ({ ...object, metadata: { namespace: this.name, ...object.metadata } }))
  }
}
