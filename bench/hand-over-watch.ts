import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Session } from '../e2e/harness/session.ts'
import type { ObservedPod, ObservedStatus } from '../e2e/observer/cluster-events.ts'
import { Observer } from '../e2e/observer/observer.ts'
import { type Moments, type RuntimeEvent, runtimeEvent } from './hand-over-trace.ts'
import { watchLeases } from './lease-watch.ts'

interface Grant {
  podUid: string
  containers: string[]
  grantedAtMs: number
  storedMs: number
}

const LONGEST_S = 3_600

/** One container of a pod. */
export interface Place {
  pod: string
  container: string
}

/** All that is to be seen of hand-overs on one node: the API server's watches, and the events of its runtime. */
export class HandOverWatch {
  readonly observer: Observer
  readonly #grants: Grant[] = []
  readonly #runtime: RuntimeEvent[] = []
  readonly #stops: (() => unknown)[] = []

  private constructor(observer: Observer) {
    this.observer = observer
    this.#stops.push(() => observer.stop())
  }

  static async start(session: Session, node: string): Promise<HandOverWatch> {
    const watch = new HandOverWatch(await Observer.start(session.cluster.kubeconfig))
    await watch.#watchGrants(session)
    await watch.#watchRuntime(session, node)
    return watch
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) await stop()
  }

  async #watchGrants({ cluster }: Session): Promise<void> {
    const stop = await watchLeases(cluster.kubeconfig, ({ metadata }, storedMs) => {
      const text = metadata.annotations?.['startgate.dev/grant']
      if (text !== undefined) this.#grants.push({ ...(JSON.parse(text) as Omit<Grant, 'storedMs'>), storedMs })
    })
    this.#stops.push(stop)
  }

  /** Resolves when it has been asked; it tells long before a first pod has its sandbox. */
  async #watchRuntime({ cluster }: Session, node: string): Promise<void> {
    // What runs in the node does not end with the client that asked for it.
    const argv = ['exec', node, 'timeout', String(LONGEST_S), 'ctr', '-n', 'k8s.io', 'events']
    const child = spawn('docker', argv, { env: cluster.env, stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: child.stdout }).on('line', line => {
      const event = runtimeEvent(line)
      if (event) this.#runtime.push(event)
    })
    this.#stops.push(() => child.kill())
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  }

  /** The first event that shows a pod as asked for. */
  #first(namespace: string, name: string, holds: (pod: ObservedPod) => boolean) {
    return this.observer
      .events()
      .find(
        event =>
          event.kind === 'pod' &&
          event.pod.metadata.namespace === namespace &&
          event.pod.metadata.name === name &&
          holds(event.pod),
      )
  }

  pods(namespace: string): ObservedPod[] {
    return this.observer.pods(namespace)
  }

  /**
   * What was seen of one hand-over, but what containers wrote themselves. A container counts as told once the watch
   * shows it ready, of a native sidecar that its startup probe is through.
   */
  moments(namespace: string, earlier: Place, later: Place & { gate?: string }): Moments {
    const told = this.#first(namespace, earlier.pod, pod => {
      const status = statusIn(pod, earlier.container)
      return earlier.pod === later.pod ? status?.started === true : status?.ready === true
    })
    const pod = this.pods(namespace).find(({ metadata }) => metadata.name === later.pod)
    const uid = pod?.metadata.uid
    const grant = this.#grants.find(g => g.podUid === uid && g.containers.includes(later.container))
    const idOf = (name: string) => pod && statusIn(pod, name)?.containerID?.split('//')[1]
    const at = (name: string | undefined, what: RuntimeEvent['what']) => {
      const id = name === undefined ? undefined : idOf(name)
      return this.#runtime.find(event => event.containerId === id && event.what === what)?.atMs
    }
    return defined({
      told: told?.receivedAtMs,
      decided: grant?.grantedAtMs,
      stored: grant?.storedMs,
      ended: at(later.gate, 'exited'),
      created: at(later.container, 'created'),
      runs: at(later.container, 'started'),
    })
  }
}

function statusIn({ status }: ObservedPod, name: string): ObservedStatus | undefined {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  return all.find(each => each.name === name)
}

/** Without the fields that are undefined. */
export function defined(moments: Record<string, number | undefined>): Moments {
  return Object.fromEntries(Object.entries(moments).filter(([, atMs]) => atMs !== undefined))
}
