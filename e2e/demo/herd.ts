import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '../cluster/cluster.ts'
import type { Kubectl, Manifest } from '../harness/kubectl.ts'
import { registryPulls } from '../harness/registry-pulls.ts'
import { TestNamespace } from '../harness/test-namespace.ts'
import type { ObservedPod } from '../observer/cluster-events.ts'
import { Observer } from '../observer/observer.ts'
import { foldHistory, readyTimes } from '../observer/pod-history.ts'
import { podPhase } from '../observer/pod-phase.ts'
import { foldStamps } from '../observer/stamp-fold.ts'
import { GateReasons } from './gate-reasons.ts'
import type { Screen } from './screen.ts'
import type { Row } from './table.ts'

/** A workload that the demo runs, with or without startgate. */
export interface Herd {
  title: string
  counted: 'starting' | 'pulling'
  limit: number
  pods: number
  gated: boolean
  /** Namespace annotations of the gated run. */
  settings: Record<string, string>
  objects: Manifest[]
}

export interface Measured {
  /** Most containers starting at once: by the observer, and by what the containers wrote themselves. */
  starting: number
  stamped: number
  /** Most images being pulled at once, by the registry's log. */
  pulling: number
  firstReadyMs: number
  allReadyMs: number
}

export interface Stage {
  cluster: Cluster
  kubectl: Kubectl
  screen: Screen
  signal: AbortSignal
}

/** A herd that is not ready by then will not be: the demo says so rather than hang. */
const LONGEST_MS = 180_000

/** Applies the herd to a namespace of its own, shows it live until all of it is ready, and measures. */
export async function runHerd(stage: Stage, herd: Herd): Promise<Measured> {
  const { cluster, kubectl, screen } = stage
  screen.begin(herd.title)
  const namespace = await TestNamespace.create(
    kubectl,
    'demo',
    herd.gated ? { gated: true, settings: herd.settings } : {},
  )
  const observer = await Observer.start(cluster.kubeconfig)
  try {
    const beganMs = Date.now()
    await namespace.apply(herd.objects)
    await untilReady(stage, herd, { observer, namespace, beganMs })
    const ready = readyTimes(foldHistory(observer.events(), namespace.name))
    const stamps = await namespace.stamps(observer.pods(namespace.name))
    return {
      starting: observer.starting([namespace.name]).peak.count,
      stamped: foldStamps(stamps, Number.MAX_SAFE_INTEGER).peak.count,
      pulling: (await registryPulls(cluster, beganMs)).peak.count,
      firstReadyMs: (ready[0] ?? Number.NaN) - beganMs,
      allReadyMs: (ready.at(-1) ?? Number.NaN) - beganMs,
    }
  } finally {
    await observer.stop()
    // Without waiting when interrupted: the cluster goes away as a whole.
    if (!stage.signal.aborted) await namespace.remove()
  }
}

interface Run {
  observer: Observer
  namespace: TestNamespace
  beganMs: number
}

async function untilReady(stage: Stage, herd: Herd, { observer, namespace, beganMs }: Run): Promise<void> {
  const header = { title: herd.title, counted: herd.counted, pods: herd.pods }
  const reasons = new GateReasons(stage.cluster.kubeconfig)
  let peak = 0
  try {
    for (;;) {
      stage.signal.throwIfAborted()
      const nowMs = Date.now()
      const pods = observer.pods(namespace.name)
      reasons.refresh(pods, nowMs)
      const rows = pods.map(pod => rowOf(pod, reasons.of(pod), nowMs))
      const counted = rows.filter(r => r.phase === herd.counted).length
      peak = herd.counted === 'starting' ? observer.starting([namespace.name]).peak.count : Math.max(peak, counted)
      const limit = herd.gated ? { limit: herd.limit } : {}
      stage.screen.show({ ...header, ...limit, peak, elapsedMs: nowMs - beganMs }, rows)
      if (rows.length === herd.pods && rows.every(r => r.phase === 'ready')) return
      if (nowMs - beganMs > LONGEST_MS) throw new Error(`${herd.title}: not all ready after ${LONGEST_MS / 1000} s`)
      await observer.nextEvent(500)
      // Events come in bursts; nobody reads faster than this.
      await sleep(150)
    }
  } finally {
    await reasons.close()
  }
}

function rowOf(pod: ObservedPod, reason: string | undefined, nowMs: number): Row {
  const { phase, waitsFor } = podPhase(pod, nowMs)
  return {
    pod: pod.metadata.name,
    node: pod.spec.nodeName ?? '',
    phase,
    waitsFor: phase === 'pending' && reason ? `${waitsFor}, ${reason}` : waitsFor,
  }
}
