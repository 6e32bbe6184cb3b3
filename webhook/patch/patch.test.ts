import { describe, expect, test } from 'vitest'
import type { Pod } from '../../core/pod.ts'
import { type Injection, injectionFor } from '../inject/inject.ts'
import { reviewedPod } from '../inject/ownership.ts'
import { planPod } from '../inject/plan.ts'
import { podOf, SETTINGS } from '../testing/facts.ts'
import type { Operation } from './operation.ts'
import { applied, checked, operationsFor } from './patch.ts'

function injectionOf(pod: Pod): Injection {
  const plan = planPod(pod, { isEverywhere: () => false })
  const options = { resources: {}, agentResources: {}, startTimeoutMs: 1, sequenceGateResources: () => ({}) }
  return injectionFor(reviewedPod(pod), plan, { settings: SETTINGS, failOpenAfterMs: 60_000, ...options })
}

const pod = podOf({ initContainers: [{ name: 'prepare', image: 'prepare:1' }] })
const injection = injectionOf(pod)
const reviewed = reviewedPod(pod)
const good = operationsFor(reviewed, injection)

test('good operations pass, and leave the pod that came in as it is', () => {
  const before = JSON.stringify(pod)
  expect(checked(reviewed, injection, good)).toEqual({ kind: 'good' })
  expect(JSON.stringify(pod)).toBe(before)
})

test('a slash or tilde in an annotation is escaped', () => {
  const annotations = { 'a~/b': 'x' }
  const operations = operationsFor(reviewedPod(podOf({}, { annotations: {} })), { ...injection, annotations })
  expect(operations).toContainEqual({ op: 'add', path: '/metadata/annotations/a~0~1b', value: 'x' })
  expect(applied(podOf({}, { annotations: {} }), operations).metadata.annotations).toEqual(annotations)
})

describe('checked finds', () => {
  const faults: Record<string, { operations: Operation[]; want: string }> = {
    'a path that is not there': {
      operations: [{ op: 'replace', path: '/spec/nothing/0', value: 1 }],
      want: 'does not apply',
    },
    'an index past the end': {
      operations: [{ op: 'add', path: '/spec/initContainers/9', value: {} }],
      want: 'does not apply',
    },
    'an operation too few': { operations: good.slice(1), want: 'another pod' },
    'a change to the user’s container': {
      operations: [...good, { op: 'add', path: '/spec/containers/0/stdin', value: true }],
      want: 'another pod',
    },
  }
  test.each(Object.entries(faults))('%s', (_, { operations, want }) => {
    expect(checked(reviewed, injection, operations)).toEqual({ kind: 'bad', sentence: expect.stringContaining(want) })
  })

  const injections: Record<string, { change: Partial<Injection>; want: string }> = {
    'a lost init container of the user': {
      change: { initContainers: injection.initContainers.filter(c => c.name !== 'prepare') },
      want: 'container of the user',
    },
    'another QoS class': {
      change: {
        initContainers: injection.initContainers.map(c =>
          c.name === 'prepare' ? c : { ...c, resources: { limits: { cpu: '1' } } },
        ),
      },
      want: 'no longer be BestEffort',
    },
    'the same name twice': {
      change: { initContainers: [...injection.initContainers, ...injection.initContainers.slice(-1)] },
      want: 'named startgate-start',
    },
    'a mount without its volume': { change: { volumes: injection.volumes.slice(0, 1) }, want: 'startgate-token' },
  }
  test.each(Object.entries(injections))('%s', (_, { change, want }) => {
    const changed = { ...injection, ...change }
    // Whatever the operations are, they lead to the injection: written as whole lists.
    const operations: Operation[] = [
      { op: 'add', path: '/metadata/labels', value: changed.labels },
      { op: 'add', path: '/metadata/annotations', value: changed.annotations },
      { op: 'add', path: '/spec/initContainers', value: changed.initContainers },
      { op: 'add', path: '/spec/volumes', value: changed.volumes },
    ]
    expect(checked(reviewed, changed, operations)).toEqual({ kind: 'bad', sentence: expect.stringContaining(want) })
  })
})
