import { expect, test } from 'vitest'
import { PULL_GATE, START_GATE } from '../../../core/names.ts'
import type { Pod } from '../../../core/pod.ts'
import { imageKeyOf } from './image-key.ts'
import { ticketOf } from './ticket-from-pod.ts'

const gate = (name: string) => ({ name, image: 'startgate:1', imagePullPolicy: 'IfNotPresent' as const })
const pod: Pod = {
  metadata: { uid: 'u1', name: 'web-0', namespace: 'shop', creationTimestamp: '2026-01-01T00:00:01Z' },
  spec: {
    nodeName: 'n1',
    priority: 7,
    initContainers: [
      gate(PULL_GATE),
      { name: 'startgate-image-0', image: 'nginx' },
      { name: 'startgate-image-1', image: 'quay.io/x/y:2' },
      { name: 'migrate', image: 'quay.io/x/y:2' },
      gate(START_GATE),
    ],
    containers: [
      { name: 'web', image: 'nginx' },
      { name: 'log', image: 'local/log:1', imagePullPolicy: 'Never' },
    ],
  },
}
const withSpec = (spec: Partial<Pod['spec']>): Pod => ({ ...pod, spec: { ...pod.spec, ...spec } })
const withMeta = (metadata: Pod['metadata']): Pod => ({ ...pod, metadata: { ...pod.metadata, ...metadata } })
const plain = withSpec({ initContainers: [gate(START_GATE)] })
const { nodeName: _, ...unscheduled } = pod.spec

const passed = (exitCode: number, message?: string): Pod => ({
  ...pod,
  status: {
    phase: 'Running',
    initContainerStatuses: [
      {
        name: START_GATE,
        ready: true,
        restartCount: 0,
        containerID: 'g1',
        state: { terminated: { exitCode, containerID: 'g1', ...(message !== undefined && { message }) } },
      },
    ],
  },
})
const firstRun = '{"verdict":"granted","attempt":1}'

const grants: Record<string, { pod?: Pod; gate: typeof PULL_GATE | typeof START_GATE; attempt: number; want: object }> =
  {
    'the pull gate asks for one slot, whatever the number of images': {
      gate: PULL_GATE,
      attempt: 1,
      want: {
        key: 'pull.u1.1',
        resource: 'pull',
        slots: 1,
        containers: ['startgate-image-0', 'startgate-image-1'],
        images: ['docker.io/library/nginx:latest', 'quay.io/x/y:2'].map(imageKeyOf),
        podUid: 'u1',
        podName: 'web-0',
        namespace: 'shop',
        nodeName: 'n1',
        priority: 7,
        createdAtMs: Date.parse('2026-01-01T00:00:01Z'),
      },
    },
    'the start gate asks for one slot a container': {
      gate: START_GATE,
      attempt: 1,
      want: { key: 'start.u1.1', resource: 'start', slots: 2, containers: ['web', 'log'], images: [] },
    },
    'on a second run the first gate asks for the start slots of all': {
      gate: PULL_GATE,
      attempt: 2,
      want: { key: 'start.u1.2', resource: 'start', gate: PULL_GATE, slots: 2, containers: ['web', 'log'] },
    },
    'on a second run the start gate finds the key that the first gate asked for': {
      gate: START_GATE,
      attempt: 2,
      want: { key: 'start.u1.2', resource: 'start', slots: 2 },
    },
    'a start gate that is the first gate keeps asking for start slots': {
      pod: plain,
      gate: START_GATE,
      attempt: 3,
      want: { key: 'start.u1.3', resource: 'start' },
    },
    'a gate that was killed asks again in the same run': {
      pod: passed(137, firstRun),
      gate: START_GATE,
      attempt: 1,
      want: { key: 'start.u1.1' },
    },
    'a gate whose earlier run has passed asks in its next one': {
      pod: passed(0, firstRun),
      gate: START_GATE,
      attempt: 2,
      want: { key: 'start.u1.2' },
    },
    'a gate that left no word of its run is taken at its own': {
      pod: passed(0),
      gate: START_GATE,
      attempt: 1,
      want: { key: 'start.u1.1' },
    },
  }

test.each(Object.entries(grants))('%s', (_name, tc) => {
  expect(ticketOf(tc.pod ?? pod, tc)).toMatchObject(tc.want)
})

const refusals: Record<string, { pod: Pod; gate?: typeof PULL_GATE; attempt?: number; want: RegExp }> = {
  'a pod whose spec has no such gate is refused': { pod: plain, gate: PULL_GATE, want: /has no gate startgate-pull/ },
  'a pod without gates is refused': { pod: withSpec({ initContainers: [] }), want: /has no gate/ },
  'a pod on no node is refused': { pod: { ...pod, spec: unscheduled }, want: /not on a node/ },
  'a pod that is being deleted is refused': {
    pod: withMeta({ deletionTimestamp: '2026-01-01T00:00:02Z' }),
    want: /being deleted/,
  },
  'a finished pod is refused': { pod: { ...pod, status: { phase: 'Failed' } }, want: /has finished/ },
  'a gate that has passed in this very run is refused: its token is replayed': {
    pod: passed(0, firstRun),
    want: /has passed startgate-start in run 1 already/,
  },
  'attempt 0 is refused': { pod, attempt: 0, want: /attempt 0/ },
  'half an attempt is refused': { pod, attempt: 1.5, want: /attempt 1.5/ },
}

test.each(Object.entries(refusals))('%s', (_name, tc) => {
  const ticket = ticketOf(tc.pod, { gate: tc.gate ?? START_GATE, attempt: tc.attempt ?? 1 })
  expect(ticket).toEqual({ refused: expect.stringMatching(tc.want) })
})
