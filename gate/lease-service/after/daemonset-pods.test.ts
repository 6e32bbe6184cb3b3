import { expect, test } from 'vitest'
import { type DaemonSetPod, nodeOf, projectDaemonSetPod, readyOnNodes, selectorText } from './daemonset-pods.ts'

const meantFor = (node: string) => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
    },
  },
})
const pod = (fields: Partial<DaemonSetPod>, uid = 'cni', going = false): DaemonSetPod => ({
  metadata: {
    namespace: 'net',
    name: 'p',
    ...(going && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'cni', uid, controller: true }],
  },
  ...fields,
})
const ready = { conditions: [{ type: 'Ready', status: 'True' }] }

test('writes a selector as a query has it', () => {
  const matchExpressions = [
    { key: 'tier', operator: 'In', values: ['a', 'b'] },
    { key: 'old', operator: 'NotIn', values: ['c'] },
    { key: 'app', operator: 'Exists' },
    { key: 'gone', operator: 'DoesNotExist' },
  ]
  expect(selectorText({ matchLabels: { k: 'v', x: '' }, matchExpressions })).toBe(
    'k=v,x=,tier in (a,b),old notin (c),app,!gone',
  )
})

test('a pod that is not scheduled yet counts for the node that it is meant for', () => {
  expect(nodeOf(pod({ spec: { affinity: meantFor('a') } }))).toBe('a')
  expect(nodeOf(pod({ spec: { affinity: meantFor('a'), nodeName: 'b' } }))).toBe('b')
  expect(nodeOf(pod({}))).toBeUndefined()
})

test('of a node any ready pod counts that is the DaemonSet’s and not going', () => {
  const pods = [
    pod({ spec: { nodeName: 'a' }, status: ready }),
    pod({ spec: { nodeName: 'a' } }),
    pod({ spec: { nodeName: 'b' }, status: ready }, 'cni', true),
    pod({ spec: { affinity: meantFor('c') } }),
    pod({ spec: { nodeName: 'd' }, status: ready }, 'another'),
    pod({}),
  ]
  const want = new Map([['a', true], ['b', false], ['c', false]]) // biome-ignore format: a table
  expect(readyOnNodes(pods, 'cni')).toEqual(want)
  expect(readyOnNodes(pods.map(projectDaemonSetPod), 'cni')).toEqual(want)
})
