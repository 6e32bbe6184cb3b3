import { expect, test } from 'vitest'
import type { ContainerState, Pod } from '../core/pod.ts'
import { type Finding, judge, judgeNamespace, OWN_LABELS, testPod } from './gated-pod.ts'

const spec = { name: 'p', namespace: 'n', image: 'startgate:1', imagePullPolicy: 'IfNotPresent' } as const
const ended = (message: string, exitCode = 0): ContainerState => ({ terminated: { exitCode, message } })
const granted = ended('{"verdict":"granted","gate":"startgate-start","waitedMs":12}')

interface Shape {
  gates?: string[]
  labels?: Record<string, string>
  phase?: 'Pending' | 'Running' | 'Failed'
  states?: Record<string, ContainerState>
  app?: ContainerState
}

function podOf({
  gates = ['startgate-start'],
  labels = { 'startgate.dev/gated': 'true' },
  phase = 'Pending',
  states = {},
  app,
}: Shape): Pod {
  const status = (name: string, state: ContainerState) => ({ name, ready: false, restartCount: 0, state })
  const base = testPod(spec)
  return {
    metadata: { ...base.metadata, labels },
    spec: { ...base.spec, initContainers: gates.map(name => ({ name })) },
    status: {
      phase,
      initContainerStatuses: Object.entries(states).map(([name, state]) => status(name, state)),
      containerStatuses: app ? [status('app', app)] : [],
    },
  }
}

const cases: Record<string, Shape & { want: Finding['kind']; says: string }> = {
  'no gates: failed': { gates: [], want: 'failed', says: 'created without startgate-start' },
  'other init containers are no gates': {
    gates: ['istio-init'],
    want: 'failed',
    says: 'created without startgate-start',
  },
  'no label: failed': { labels: {}, want: 'failed', says: 'not the label startgate.dev/gated' },
  'just created: waiting': { want: 'waiting', says: 'startgate-start has not ended yet' },
  'a gate that waits for its image: waiting': {
    states: { 'startgate-start': { waiting: { reason: 'PodInitializing' } } },
    want: 'waiting',
    says: '(PodInitializing)',
  },
  'granted, not running: waiting': { states: { 'startgate-start': granted }, want: 'waiting', says: 'not running yet' },
  'granted and running: passed': {
    states: { 'startgate-start': granted },
    app: { running: {} },
    want: 'passed',
    says: 'granted, running',
  },
  'of two gates one still waits': {
    gates: ['startgate-pull', 'startgate-start'],
    states: { 'startgate-pull': granted },
    want: 'waiting',
    says: 'startgate-start has not',
  },
  'running, but a gate failed open: failed': {
    states: {
      'startgate-start': ended(
        '{"verdict":"failed-open","gate":"startgate-start","waitedMs":1,"reason":"connection refused"}',
      ),
    },
    app: { running: {} },
    want: 'failed',
    says: 'connection refused',
  },
  'a gate without a verdict: failed': {
    states: { 'startgate-start': ended('') },
    app: { running: {} },
    want: 'failed',
    says: 'left no verdict',
  },
  'a gate that crashed: failed': {
    states: { 'startgate-start': ended('', 137) },
    want: 'failed',
    says: 'exit code 137',
  },
  'a pod that failed: failed': { phase: 'Failed', want: 'failed', says: 'the pod failed' },
}

test.each(Object.entries(cases))('%s', (_, { want, says, ...shape }) => {
  const finding = judge(podOf(shape))
  expect(finding.kind).toBe(want)
  expect(finding.sentence).toContain(says)
})

const namespaces: Record<string, { labels?: Record<string, string> | null; want: Finding['kind']; says: string }> = {
  'none: passed': { labels: null, want: 'passed', says: 'is not there' },
  'one that a former test left: passed': { labels: { ...OWN_LABELS, more: 'x' }, want: 'passed', says: 'made anew' },
  'without labels: failed': { want: 'failed', says: 'is there without app.kubernetes.io/name=startgate' },
  'of another component of startgate: failed': {
    labels: { ...OWN_LABELS, 'app.kubernetes.io/component': 'webhook' },
    want: 'failed',
    says: 'delete it yourself',
  },
}

test.each(Object.entries(namespaces))('the namespace of helm test: %s', (_, { labels, want, says }) => {
  const found = labels === null ? undefined : { metadata: { name: 'n', ...(labels && { labels }) } }
  const finding = judgeNamespace('n', found)
  expect(finding.kind).toBe(want)
  expect(finding.sentence).toContain(says)
})
