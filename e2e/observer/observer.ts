import { type ApiAccess, openApi } from './api-access.ts'
import type { ClusterEvent, ObservedNode, ObservedPod } from './cluster-events.ts'
import { ObjectWatch, type WatchGap } from './object-watch.ts'
import { foldStarting, type StartingOptions, type StartingReport } from './starting-fold.ts'

export interface ObserverOptions {
  /** Lives on when an API server that was restarted has lost the history; see `gaps`. */
  bridgeGaps?: boolean
}

/**
 * The judge of all e2e claims: one watch on the pods of all namespaces, and one on nodes for the lost ones. It shares
 * no code with what it judges.
 */
export class Observer {
  readonly #api: ApiAccess
  readonly #events: ClusterEvent[] = []
  readonly #pods = new Map<string, ObservedPod>()
  readonly #watches: ObjectWatch<ObservedPod | ObservedNode>[]
  #waiters: (() => void)[] = []

  private constructor(api: ApiAccess, options: ObserverOptions) {
    this.#api = api
    this.#watches = [
      new ObjectWatch<ObservedPod | ObservedNode>(
        api,
        '/api/v1/nodes',
        ({ object, ...event }) => this.#take({ kind: 'node', node: object as ObservedNode, ...event }),
        options,
      ),
      new ObjectWatch<ObservedPod | ObservedNode>(
        api,
        '/api/v1/pods',
        ({ object, ...event }) => this.#take({ kind: 'pod', pod: object as ObservedPod, ...event }),
        options,
      ),
    ]
  }

  /** Begins to observe; resolves when the lists are in, so that nothing created afterwards is missed. */
  static async start(kubeconfigPath: string, options: ObserverOptions = {}): Promise<Observer> {
    const observer = new Observer(openApi(kubeconfigPath), options)
    for (const watch of observer.#watches) await watch.start()
    return observer
  }

  /** The events so far, in the order of arrival. Throws WatchGapError when some may be missing. */
  events(): ClusterEvent[] {
    for (const watch of this.#watches) watch.check()
    return [...this.#events]
  }

  /** Stretches of versions of which only the outcome was seen; empty unless gaps are bridged. */
  gaps(): WatchGap[] {
    return this.#watches.flatMap(w => w.gaps)
  }

  /** Pods as last seen, by name. */
  pods(namespace: string): ObservedPod[] {
    for (const watch of this.#watches) watch.check()
    return [...this.#pods.values()]
      .filter(p => p.metadata.namespace === namespace)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  }

  /** Who was starting when, among the pods of these namespaces; all of them when none is named. */
  starting(namespaces: string[] = [], options: StartingOptions = {}): StartingReport {
    const counts = (pod: ObservedPod) => namespaces.length === 0 || namespaces.includes(pod.metadata.namespace)
    return foldStarting(this.events(), { untilMs: Date.now(), counts, ...options })
  }

  /** Resolves at the next event, or after `limitMs`. */
  nextEvent(limitMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, limitMs)
      this.#waiters.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  async stop(): Promise<void> {
    await Promise.all(this.#watches.map(w => w.stop()))
    this.#api.close()
  }

  #take(event: ClusterEvent): void {
    this.#events.push(event)
    if (event.kind === 'pod') {
      if (event.type === 'DELETED') this.#pods.delete(event.pod.metadata.uid)
      else this.#pods.set(event.pod.metadata.uid, event.pod)
    }
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
