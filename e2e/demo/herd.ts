import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '../cluster/cluster.ts'
import type { Kubectl, Manifest } from '../harness/kubectl.ts'
import { registryPulls } from '../harness/registry-pulls.ts'
import { TestNamespace } from '../harness/test-namespace.ts'
import type { ObservedPod } from '../observer/cluster-events.ts'
import type { Interval } from '../observer/interval-peak.ts'
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
  /** What one is looking at, in a line. */
  about: string
  namespace: string
  counted: 'starting' | 'pulling'
  limit: number
  pods: number
  gated: boolean
  /** It is shown until all are ready, and no longer than this. */
  longestMs: number
  /** Namespace annotations of the gated run. */
  settings: Record<string, string>
  objects: Manifest[]
}

/** What was seen of a herd, up to the end of its show. */
export interface Measured {
  pods: number
  ready: number
  restarts: number
  shownMs: number
  /** Absent unless all are ready. */
  allReadyMs?: number
  /** Most containers starting at once, by the observer. */
  starting: number
  /** Most images being pulled at once, by the registry's log. */
  pulling: number
  /** By pod: from when to when it started, as its container wrote itself. Absent for containers that write nothing. */
  starts: Map<string, Interval>
}

export interface Stage {
  cluster: Cluster
  kubectl: Kubectl
  screen: Screen
  signal: AbortSignal
}

interface Run {
  observer: Observer
  namespace: TestNamespace
  beganMs: number
}

/** Applies the herd to a namespace of its own, shows it live for its time, and measures. Leaves the namespace. */
export async function runHerd(stage: Stage, herd: Herd): Promise<Measured> {
  const { cluster, kubectl, screen } = stage
  screen.begin(herd.title, herd.about)
  const namespace = await TestNamespace.create(kubectl, 'demo', {
    name: herd.namespace,
    ...(herd.gated ? { gated: true, settings: herd.settings } : {}),
  })
  const observer = await Observer.start(cluster.kubeconfig)
  try {
    const beganMs = Date.now()
    await namespace.apply(herd.objects)
    const run = { observer, namespace, beganMs }
    return await measure(stage, herd, run, await show(stage, herd, run))
  } finally {
    await observer.stop()
  }
}

async function measure({ cluster }: Stage, herd: Herd, run: Run, rows: Row[]): Promise<Measured> {
  const { observer, namespace, beganMs } = run
  const shownMs = Date.now() - beganMs
  const ready = rows.filter(row => row.phase === 'ready').length
  const lastReadyMs = readyTimes(foldHistory(observer.events(), namespace.name)).at(-1)
  const starting = observer.starting([namespace.name]).peak.count
  const stamps = await namespace.stamps(observer.pods(namespace.name))
  return {
    pods: herd.pods,
    ready,
    restarts: rows.reduce((sum, row) => sum + row.restarts, 0),
    shownMs,
    ...(ready === herd.pods && lastReadyMs !== undefined ? { allReadyMs: lastReadyMs - beganMs } : {}),
    starting,
    pulling: (await registryPulls(cluster, beganMs)).peak.count,
    starts: new Map(foldStamps(stamps, Number.MAX_SAFE_INTEGER).intervals.map(start => [start.name, start])),
  }
}

/** Shows the herd until all of it is ready or its time is over; returns the last that was shown. */
async function show(stage: Stage, herd: Herd, { observer, namespace, beganMs }: Run): Promise<Row[]> {
  const reasons = new GateReasons(stage.cluster.kubeconfig)
  const { title, about, counted, pods } = herd
  const header = { title, about, counted, pods, ...(herd.gated ? { limit: herd.limit } : {}) }
  let peak = 0
  try {
    for (;;) {
      stage.signal.throwIfAborted()
      const nowMs = Date.now()
      const seen = observer.pods(namespace.name)
      reasons.refresh(seen, nowMs)
      const rows = seen.map(pod => rowOf(pod, reasons.of(pod), nowMs))
      const now = rows.filter(r => r.phase === counted).length
      peak = counted === 'starting' ? observer.starting([namespace.name]).peak.count : Math.max(peak, now)
      const elapsedMs = nowMs - beganMs
      const isOver = (rows.length === pods && rows.every(r => r.phase === 'ready')) || elapsedMs > herd.longestMs
      stage.screen[isOver ? 'end' : 'show']({ ...header, peak, elapsedMs }, rows)
      if (isOver) return rows
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
    restarts: (pod.status?.containerStatuses ?? []).reduce((sum, status) => sum + status.restartCount, 0),
    waitsFor: phase === 'pending' && reason ? `${waitsFor}, ${reason}` : waitsFor,
  }
}
