import { expect, test } from 'vitest'
import { projectWorkload } from './project-workload.ts'

const LONG = 'x'.repeat(4_096)
const identity = { namespace: 'shop', name: 'db', uid: 'u', resourceVersion: '7' }

test('of a workload what is read stays, and nothing else', () => {
  const spec = { replicas: 2, suspend: false, selector: { matchLabels: { app: 'db' } } }
  const numbers = { observedGeneration: 3, replicas: 2, readyReplicas: 2, availableReplicas: 1 }
  const onNodes = { desiredNumberScheduled: 4, numberAvailable: 3, numberMisscheduled: 1 }
  const condition = { type: 'Available', status: 'True' }
  const whole = {
    kind: 'Deployment',
    metadata: {
      ...{ ...identity, generation: 3, deletionTimestamp: 't', labels: { app: LONG }, annotations: { notes: LONG } },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Other', name: LONG, uid: 'o' }],
    },
    spec: { ...spec, template: { spec: { containers: [{ name: LONG }] } } },
    status: { ...numbers, ...onNodes, conditions: [{ ...condition, message: LONG }], containerStatuses: [LONG] },
  }
  expect(projectWorkload(whole)).toEqual({
    metadata: { ...identity, generation: 3, deletionTimestamp: 't' },
    spec,
    status: { ...numbers, ...onNodes, conditions: [condition] },
  })
})

test('of a slice its Service, and of each endpoint whose it is and whether it is ready', () => {
  const owner = { apiVersion: 'v1', kind: 'Service', name: 'db', uid: 's' }
  const label = { 'kubernetes.io/service-name': 'db' }
  const target = { kind: 'Pod', name: 'db-0' }
  const slice = {
    metadata: { ...identity, labels: { ...label, app: LONG }, ownerReferences: [owner] },
    endpoints: [
      { addresses: [LONG], conditions: { ready: false, serving: true }, targetRef: { ...target, uid: LONG } },
      {},
    ],
  }
  expect(projectWorkload(slice)).toEqual({
    metadata: { ...identity, labels: label, ownerReferences: [owner] },
    endpoints: [{ conditions: { ready: false }, targetRef: target }, {}],
  })
})
