import { describe, expect, test } from 'vitest'
import type { ObservedContainer, ObservedPod, ObservedState, ObservedStatus } from './cluster-events.ts'
import { type PodPhase, podPhase } from './pod-phase.ts'

const PROBED = { name: 'app', image: 'web:1', readinessProbe: {} }
const GATES = [
  { name: 'startgate-pull' },
  { name: 'startgate-image-1', image: 'web:1' },
  { name: 'sidecar', restartPolicy: 'Always' },
  { name: 'mine' },
  { name: 'startgate-start' },
]
const running = { running: { startedAt: '2026-01-01T00:00:10Z' } }
const done = { terminated: { exitCode: 0 } }
const nowMs = Date.parse('2026-01-01T00:00:12Z')

interface Case {
  init?: ObservedState[]
  app?: ObservedState
  shown?: Partial<ObservedStatus>
  spec?: ObservedContainer
  node?: string
  atMs?: number
  want: PodPhase
}

const cases: Record<string, Case> = {
  'a pod on no node is blocked': { node: '', want: { phase: 'blocked', waitsFor: 'a node' } },
  'before its first gate runs it is pending': {
    init: [{ waiting: {} }],
    want: { phase: 'pending', waitsFor: 'a pull slot' },
  },
  'while its pull gate runs it waits for a pull slot': {
    init: [running],
    want: { phase: 'pending', waitsFor: 'a pull slot', gate: 'startgate-pull' },
  },
  'after the pull gate it is pulling': {
    init: [done, { waiting: { reason: 'PodInitializing' } }],
    want: { phase: 'pulling', waitsFor: 'image web:1' },
  },
  'once its image step runs the image is there': {
    init: [done, running],
    want: { phase: 'pending', waitsFor: 'the kubelet' },
  },
  'past its start gate it holds a slot, so it is starting before it runs': {
    init: [done, done, running, done, done],
    want: { phase: 'starting', waitsFor: 'the kubelet' },
  },
  'an image that does not exist has failed': {
    init: [done, { waiting: { reason: 'ImagePullBackOff' } }],
    want: { phase: 'failed', waitsFor: 'ImagePullBackOff' },
  },
  'its own init container blocks it': {
    init: [done, done, running],
    want: { phase: 'blocked', waitsFor: 'init container mine' },
  },
  'while its start gate runs it waits for a start slot': {
    init: [done, done, running, done, running],
    want: { phase: 'pending', waitsFor: 'a start slot', gate: 'startgate-start' },
  },
  'a running container that was never ready is starting': {
    app: running,
    want: { phase: 'starting', waitsFor: 'its probe' },
  },
  'a ready one is ready': { app: running, shown: { ready: true }, want: { phase: 'ready', waitsFor: '' } },
  'an ungated pod without a container is pulling': { want: { phase: 'pulling', waitsFor: 'sandbox or image web:1' } },
  'a simple one is starting at first': {
    spec: { name: 'app' },
    app: running,
    want: { phase: 'starting', waitsFor: 'its settle time' },
  },
  'a simple one is ready later': {
    spec: { name: 'app' },
    app: running,
    atMs: nowMs + 3000,
    want: { phase: 'ready', waitsFor: '' },
  },
  'one that completed is ready': { app: done, want: { phase: 'ready', waitsFor: '' } },
  'one that crashed has failed': {
    app: { terminated: { exitCode: 3, reason: 'Error' } },
    want: { phase: 'failed', waitsFor: 'Error (exit code 3)' },
  },
  'one in back-off has failed': {
    app: { waiting: { reason: 'CrashLoopBackOff' } },
    want: { phase: 'failed', waitsFor: 'CrashLoopBackOff' },
  },
}

function podOf({ init, app, shown, spec = PROBED, node = 'n1' }: Case): ObservedPod {
  const status = (name: string, state: ObservedState): ObservedStatus => ({
    name,
    ready: false,
    // The kubelet says so of every container that runs and has no startup probe, init containers too.
    started: state.running !== undefined,
    restartCount: 0,
    state,
  })
  return {
    metadata: { name: 'p', namespace: 'ns', uid: 'u', resourceVersion: '1' },
    spec: { ...(node ? { nodeName: node } : {}), containers: [spec], ...(init ? { initContainers: GATES } : {}) },
    status: {
      initContainerStatuses: (init ?? []).map((state, i) => status(GATES[i]?.name ?? '', state)),
      containerStatuses: app ? [{ ...status('app', app), ...shown }] : [],
    },
  }
}

describe('podPhase', () => {
  test.each(Object.entries(cases))('%s', (_, { want, atMs = nowMs, ...one }) => {
    expect(podPhase(podOf({ ...one, want }), atMs)).toEqual(want)
  })
})
