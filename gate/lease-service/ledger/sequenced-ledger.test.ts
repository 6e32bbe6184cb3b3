import { beforeEach, describe, expect, test } from 'vitest'
import type { AfterTarget } from '../../../core/after.ts'
import type { AgentReport } from '../../../core/lease-api.ts'
import type { GateName } from '../../../core/names.ts'
import type { ContainerStatus, Pod } from '../../../core/pod.ts'
import type { FindWorkload } from '../after/after-waits.ts'
import type { Workload, WorkloadObservation } from '../after/workload-readiness.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import { Ledger } from './ledger.ts'

const settings = { ...DEFAULT_SETTINGS, node: { maxStarting: 4 } }
const { startTimeoutMs, maxStartTimeoutMs } = settings
let workloads: Record<string, WorkloadObservation>
let ledger: Ledger
beforeEach(() => {
  workloads = {}
  ledger = new Ledger(settings, { findWorkload: (kind, _, name) => workloads[`${kind}/${name}`] ?? 'Absent' })
  ledger.upsertNode({ metadata: { name: 'n' }, status: { capacity: { cpu: '4' } } })
})

function ask(pod: Pod, gate: GateName, attempt = 1): string {
  ledger.upsertPod(pod)
  const ticket = ticketOf(pod, { gate, attempt })
  if ('refused' in ticket) throw new Error(ticket.refused)
  ledger.ask(ticket, 0)
  return ticket.key
}
const step = (nowMs = 0) => ledger.step(nowMs, 1)
const granted = (nowMs = 0) => step(nowMs).grants.map(g => `${g.gate}: ${g.containers.join()} ${g.slots}`)
const reasons = (nowMs = 0) => step(nowMs).waiting.map(w => w.reason)
const releases = (nowMs: number) => step(nowMs).releases.map(r => r.reason)
const report = (fields: Partial<AgentReport>, nowMs = 0, attempt = 1) =>
  ledger.report('u1', attempt, [{ container: 'db', state: 'ready', ...fields }], nowMs)
const gateEnd = (name: string, s: number, attempt?: number): ContainerStatus => ({
  name,
  ready: true,
  restartCount: 0,
  containerID: `${name}-${s}`,
  state: {
    terminated: {
      exitCode: 0,
      containerID: `${name}-${s}`,
      finishedAt: `2026-01-01T00:00:${s}Z`,
      ...(attempt !== undefined && { message: JSON.stringify({ attempt }) }),
    },
  },
})
const running = (name: string, s: number, fields: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name,
  ready: true,
  started: true,
  restartCount: 0,
  containerID: `${name}-${s}`,
  state: { running: { startedAt: `2026-01-01T00:00:${s}Z` } },
  ...fields,
})
const shown = (...initContainerStatuses: ContainerStatus[]): Pod => ({
  ...sequencedPod(),
  status: { initContainerStatuses },
})

describe('stages', () => {
  test('each takes the slots of its own containers', () => {
    ask(sequencedPod(), 'startgate-start-db')
    expect(granted()).toEqual(['startgate-start-db: db 1'])
    ask(sequencedPod(), 'startgate-start-cache')
    expect(granted()).toEqual(['startgate-start-cache: cache 1'])
    ask(sequencedPod(), 'startgate-start')
    expect(granted()).toEqual(['startgate-start: web,log 2'])
  })

  test('one that asks before its turn holds nothing', () => {
    ask(sequencedPod(), 'startgate-start-cache')
    expect(reasons()).toEqual(['start: the gate startgate-start-db comes first'])
    ask(sequencedPod(), 'startgate-start-db')
    expect(granted()).toEqual(['startgate-start-db: db 1'])
    expect(granted()).toEqual(['startgate-start-cache: cache 1'])
  })

  test('a new leader knows from the status which gates have passed', () => {
    ask(shown(gateEnd('startgate-pull', 10, 1), gateEnd('startgate-start-db', 11)), 'startgate-start-cache')
    expect(granted()).toEqual(['startgate-start-cache: cache 1'])
  })

  test('a gate that has passed already asks for nothing', () => {
    ask(shown(gateEnd('startgate-pull', 10, 1), gateEnd('startgate-start-db', 11)), 'startgate-start-db')
    expect(granted()).toEqual(['startgate-start-db: db 0'])
  })

  test("on a re-run the first gate takes all containers' slots, and stages pass under them", () => {
    ask(sequencedPod(), 'startgate-pull', 2)
    expect(granted()).toEqual(['startgate-pull: db,cache,web,log 4'])
    ask(sequencedPod(), 'startgate-start-cache', 2)
    expect(granted()).toEqual(['startgate-start-cache: cache 0'])
  })

  test('a stage whose part of these was taken back asks anew', () => {
    ask(sequencedPod(), 'startgate-pull', 2)
    step()
    ledger.withdraw('start.u1.2')
    expect(releases(4 * maxStartTimeoutMs)).toEqual(['TimedOut'])
    ask(sequencedPod(), 'startgate-start-db', 2)
    expect(granted(4 * maxStartTimeoutMs)).toContain('startgate-start-db: db 1')
  })
})

describe('what the agent says', () => {
  const db = [gateEnd('startgate-pull', 10, 1), gateEnd('startgate-start-db', 11), running('db', 12)]
  beforeEach(() => {
    ask(sequencedPod(), 'startgate-start-db')
    step()
    ledger.upsertPod(shown(...db))
    step()
  })

  test('no status frees the slot of a container that notifies, not even a ready one', () => {
    expect(releases(10_000)).toEqual([])
  })
  test('its word does', () => {
    report({}, 1_000)
    expect(releases(1_000)).toEqual(['Ready'])
  })
  test('an end does too', () => {
    const end = { exitCode: 1, containerID: 'db-12', startedAt: '2026-01-01T00:00:12Z' }
    ledger.upsertPod(shown(...db.slice(0, 2), { ...running('db', 12), state: { terminated: end } }))
    expect(releases(1_000)).toEqual(['Failed'])
  })
  test('its word of an earlier or later run does not', () => {
    report({}, 1_000, 2)
    expect(releases(1_000)).toEqual([])
    report({}, 1_000, 1)
    expect(releases(1_000)).toEqual([])
  })
  test('a message that was overtaken takes nothing back', () => {
    report({}, 1_000)
    report({ state: 'starting' }, 1_000)
    expect(releases(1_000)).toEqual(['Ready'])
  })
  test('failed frees the slot', () => {
    report({ state: 'failed' })
    expect(releases(1_000)).toEqual(['Failed'])
  })
  test('more time is given as asked for', () => {
    report({ state: 'starting', extendUntilMs: startTimeoutMs + 30_000 })
    expect(releases(startTimeoutMs + 20_000)).toEqual([])
    expect(step(startTimeoutMs + 30_000).timeouts).toMatchObject([{ container: 'db' }])
  })
  test('but not for ever', () => {
    report({ state: 'starting', extendUntilMs: 10 * maxStartTimeoutMs })
    expect(releases(maxStartTimeoutMs - 1)).toEqual([])
    expect(releases(maxStartTimeoutMs)).toEqual(['TimedOut'])
  })
  test('its word on a container with probes or without any does not count', () => {
    ask(shown(...db), 'startgate-start-cache')
    step()
    report({ container: 'cache' }, 1_000)
    expect(releases(1_000)).toEqual([])
  })
})

test('a container that completes gives its slot back when it ends with 0', () => {
  const pod = (...initContainerStatuses: ContainerStatus[]): Pod => ({
    ...sequencedPod({ readiness: { db: { type: 'completed' } } }),
    status: { initContainerStatuses },
  })
  ask(pod(), 'startgate-start-db')
  step()
  const gates = [gateEnd('startgate-pull', 10, 1), gateEnd('startgate-start-db', 11)]
  ledger.upsertPod(pod(...gates, running('db', 12)))
  expect(releases(30_000)).toEqual([])
  const done = { exitCode: 0, containerID: 'db-12', startedAt: '2026-01-01T00:00:12Z' }
  ledger.upsertPod(pod(...gates, { ...running('db', 12), state: { terminated: done } }))
  expect(releases(30_000)).toEqual(['Ready'])
})

describe('after', () => {
  const pod = (name: string, after: string, more: Record<string, string> = {}): Pod =>
    sequencedPod({
      metadata: {
        uid: name,
        name: `${name}-0`,
        annotations: { 'startgate.dev/after': after, ...more },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid: name, controller: true }],
      },
    })
  const ready: Workload = { metadata: {}, spec: { replicas: 1 }, status: { availableReplicas: 1 } }
  const unready: Workload = { metadata: {}, spec: { replicas: 1 }, status: {} }

  test('no slot is taken before all targets are ready', () => {
    workloads = { 'statefulset/db': unready }
    ask(pod('web', 'statefulset/db, job/init:completed'), 'startgate-start-db')
    expect(reasons()).toEqual([
      'start: comes after others, and statefulset/db has 0 of 1 replicas available; job/init:completed does not exist',
    ])
    workloads = {
      'statefulset/db': ready,
      'job/init': { metadata: {}, status: { conditions: [{ type: 'Complete', status: 'True' }] } },
    }
    expect(granted()).toEqual(['startgate-start-db: db 1'])
  })

  test('a pod whose status tells of an earlier start passes what is gone since, and waits for what is not ready', () => {
    const again = { ...pod('web', 'job/init:completed'), status: { containerStatuses: [running('web', 12)] } }
    ask(again, 'startgate-pull', 2)
    expect(granted()).toEqual(['startgate-pull: db,cache,web,log 4'])
    workloads = { 'job/late': unready }
    ask({ ...pod('late', 'job/late:completed'), status: again.status }, 'startgate-pull', 2)
    expect(reasons()).toEqual(['start: comes after others, and job/late:completed is not complete'])
  })

  test('at its maximum wait the pod goes on, and this is told once', () => {
    ask(pod('web', 'statefulset/db', { 'startgate.dev/after-max-wait': '1m' }), 'startgate-start-db')
    expect(step().wakeAtMs).toBe(60_000)
    expect(granted(59_999)).toEqual([])
    const { grants, overdue } = step(60_000)
    expect([grants.length, overdue]).toMatchObject([
      1,
      [{ maxWaitMs: 60_000, reason: 'statefulset/db does not exist' }],
    ])
    expect(step(60_001).overdue).toEqual([])
  })

  test('those who wait for each other are found, and only while they wait', () => {
    workloads = { 'statefulset/a': unready, 'statefulset/b': unready }
    const keys = [
      ask(pod('a', 'statefulset/b'), 'startgate-start-db'),
      ask(pod('b', 'statefulset/a'), 'startgate-start-db'),
    ]
    expect(step().cycles).toEqual([
      { namespace: 'shop', path: ['statefulset/a', 'statefulset/b', 'statefulset/a'], keys },
    ])
    workloads = { 'statefulset/a': ready, 'statefulset/b': unready }
    expect(step().cycles).toEqual([])
  })

  test('a cycle through a Service is found by the pods behind it', () => {
    const behind = { targetRef: { kind: 'Pod', name: 'b-0' }, conditions: { ready: false } }
    workloads = { 'service/b': { metadata: {}, endpoints: [behind] }, 'statefulset/a': unready }
    ask(pod('a', 'service/b'), 'startgate-start-db')
    ask(pod('b', 'statefulset/a'), 'startgate-start-db')
    expect(step().cycles.map(c => c.path)).toEqual([['service/b', 'statefulset/b', 'statefulset/a', 'service/b']])
  })

  describe('a DaemonSet on the node', () => {
    const cni: AfterTarget = { kind: 'node-daemonset', namespace: 'net', name: 'cni' }
    const onNode = (isReady: boolean): Workload => ({ metadata: {}, readyOnNodes: new Map([['n', isReady]]) })
    const ofAll = (): void => {
      const findWorkload: FindWorkload = (kind, namespace, name) =>
        workloads[`${kind}/${namespace}/${name}`] ?? 'Absent'
      ledger = new Ledger({ ...settings, after: [cni] }, { findWorkload })
    }
    const owned = (name: string, kind: string, namespace = 'shop'): Pod => {
      const base = pod(name, '')
      const ownerReferences = [{ apiVersion: 'apps/v1', kind, name, uid: name, controller: true }]
      return { ...base, metadata: { ...base.metadata, namespace, annotations: {}, ownerReferences } }
    }

    test('holds back until its pod there is ready', () => {
      workloads = { 'node-daemonset/cni': onNode(false) }
      ask(pod('web', 'node-daemonset/net/cni'), 'startgate-start-db')
      expect(reasons()).toEqual(['start: comes after others, and node-daemonset/net/cni is not ready on node n'])
      workloads = { 'node-daemonset/cni': onNode(true) }
      expect(granted()).toEqual(['startgate-start-db: db 1'])
    })

    test('of the chart holds back every pod but its own', () => {
      ofAll()
      workloads = { 'node-daemonset/net/cni': onNode(false) }
      ask(owned('web', 'StatefulSet'), 'startgate-start-db')
      ask(owned('cni', 'DaemonSet', 'net'), 'startgate-start-db')
      expect(granted()).toHaveLength(1)
      expect(reasons()).toEqual(['start: comes after others, and node-daemonset/net/cni is not ready on node n'])
    })

    test('of the chart and of the pod is said once', () => {
      ofAll()
      ask(pod('web', 'node-daemonset/net/cni'), 'startgate-start-db')
      expect(reasons()).toEqual(['start: comes after others, and node-daemonset/net/cni does not exist'])
    })

    test('that is not watched holds nobody back, which is told once', () => {
      workloads = { 'node-daemonset/cni': 'Unwatched', 'statefulset/db': unready }
      ask(pod('web', 'node-daemonset/net/cni, statefulset/db'), 'startgate-start-db')
      expect(granted()).toEqual([])
      workloads = { 'node-daemonset/cni': 'Unwatched', 'statefulset/db': ready }
      const { grants, overdue } = step(1)
      const reason = 'node-daemonset/net/cni is not watched, as 8 others are'
      expect([grants.length, overdue]).toMatchObject([1, [{ reason }]])
      expect(step(2).overdue).toEqual([])
    })

    test('and another of one namespace that wait for each other are found', () => {
      workloads = { 'node-daemonset/a': onNode(false), 'node-daemonset/b': onNode(false) }
      const waiting = (name: string, other: string): Pod => {
        const made = pod(name, `node-daemonset/shop/${other}`)
        return {
          ...made,
          metadata: { ...owned(name, 'DaemonSet').metadata, annotations: made.metadata.annotations ?? {} },
        }
      }
      ask(waiting('a', 'b'), 'startgate-start-db')
      ask(waiting('b', 'a'), 'startgate-start-db')
      expect(step().cycles.map(({ path }) => path)).toEqual([['daemonset/a', 'daemonset/b', 'daemonset/a']])
    })
  })

  test('it keeps its turn to pull for a new leader, as no pull comes after others', () => {
    const pulls = (name: string, createdAtS: number): Pod => {
      const made = pod(name, 'statefulset/db')
      const creationTimestamp = `2026-01-01T00:00:0${createdAtS}Z`
      const step = { name: 'startgate-image-1', image: `registry/${name}:1` }
      return {
        metadata: { ...made.metadata, creationTimestamp },
        spec: { ...made.spec, initContainers: [...(made.spec.initContainers ?? []), step] },
        status: { phase: 'Pending', initContainerStatuses: [{ ...running('startgate-pull', 10), ready: false }] },
      }
    }
    ledger.upsertPod(pulls('older', 1))
    ledger.expectReconnects(2_000)
    ask(pulls('younger', 2), 'startgate-pull')
    expect(granted(1_999)).toEqual([])
    expect(granted(2_000)).toHaveLength(1)
  })

  test('observe only measures', () => {
    ledger.setNamespace('shop', { mode: 'observe' })
    ask(pod('web', 'statefulset/db'), 'startgate-start-db')
    expect(granted()).toEqual(['startgate-start-db: db 1'])
  })
})
