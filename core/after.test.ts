import { describe, expect, test } from 'vitest'
import { afterTargetName, ownTarget, parseAfter, workloadOf } from './after.ts'
import { InvalidValueError } from './errors.ts'
import type { ObjectMeta } from './pod.ts'

test('reads each kind of target, set apart by commas or lines', () => {
  const text =
    'deployment/db, statefulset/zk,daemonset/cni\n pod/seed.1 , job/migrate:completed,, service/queue,node-daemonset/a/cni'
  const targets = parseAfter('after', text)
  expect(targets.map(afterTargetName)).toEqual([
    'deployment/db', 'statefulset/zk', 'daemonset/cni', 'pod/seed.1', 'job/migrate:completed', 'service/queue',
    'node-daemonset/a/cni',
  ]) // biome-ignore format: a list
  expect(parseAfter('after', targets.map(afterTargetName).join(','))).toEqual(targets)
})

const faults: Record<string, { text: string; want: string }> = {
  'nothing at all': { text: ' , ', want: '" , " is not a valid list of workloads; use deployment/db or' },
  'a kind that is not known': { text: 'deploy/db', want: '"deploy/db" is not a valid workload; use deployment/NAME, ' },
  'no kind': { text: 'db', want: '"db" is not a valid workload; use' },
  'no name': { text: 'pod/', want: '"pod/" is not a valid name of a pod; use pod/db' },
  'a name that cannot be': { text: 'pod/DB', want: '"pod/DB" is not a valid name of a pod; use pod/db' },
  'a Job without its condition': { text: 'job/migrate', want: '"job/migrate" needs the condition completed; use job/migrate:completed' },
  'a condition on anything else': { text: 'pod/db:ready', want: '"pod/db:ready" has a condition, which only a job can have; use pod/db' },
  'more than can be looked after': { text: Array.from({ length: 65 }, (_, i) => `pod/p${i}`).join(), want: 'names 65 workloads; use at most 64' },
  'a DaemonSet on the node without a namespace': { text: 'node-daemonset/cni', want: '"node-daemonset/cni" is not a valid DaemonSet on the node; use node-daemonset/NAMESPACE/NAME' },
  'a DaemonSet on the node with a condition': { text: 'node-daemonset/a/cni:ready', want: 'use node-daemonset/NAMESPACE/NAME' },
  'a DaemonSet on the node in no namespace that can be': { text: 'node-daemonset/../cni', want: 'use node-daemonset/NAMESPACE/NAME' },
  'a DaemonSet on the node of parts too many': { text: 'node-daemonset/a/b/c', want: 'use node-daemonset/NAMESPACE/NAME' },
  'more DaemonSets on the node than are watched': { text: Array.from({ length: 9 }, (_, i) => `node-daemonset/a/d${i}`).join(), want: 'names 9 of the kind node-daemonset; use at most 8' },
  'another namespace for another kind': { text: 'deployment/a/db', want: '"deployment/a/db" is not a valid workload; use deployment/NAME, ' },
  'the same twice': { text: 'pod/a,pod/b,pod/a', want: '"pod/a" is named twice; use it once' },
} // biome-ignore format: a table
test.each(Object.entries(faults))('refuses %s', (_, { text, want }) => {
  expect(() => parseAfter('startgate.dev/after', text)).toThrow(InvalidValueError)
  expect(() => parseAfter('startgate.dev/after', text)).toThrow(want)
})

const owned = (kind: string, name: string, hash?: string): ObjectMeta => ({
  name: 'p',
  ownerReferences: [{ apiVersion: 'v1', kind, name, uid: 'u', controller: true }],
  ...(hash !== undefined && { labels: { 'pod-template-hash': hash } }),
})

test('a pod is of the workload that after would name', () => {
  const pods = [
    owned('ReplicaSet', 'web-6d4cf56db6', '6d4cf56db6'),
    owned('ReplicaSet', 'bare'),
    owned('StatefulSet', 'db'),
    { name: 'p' },
  ]
  expect(pods.map(workloadOf)).toEqual(['deployment/web', 'replicaset/bare', 'statefulset/db', 'pod/p'])
})

describe('ownTarget knows', () => {
  const own: Record<string, { metadata: ObjectMeta; text: string; want: boolean }> = {
    'a pod by its name': { metadata: { name: 'p' }, text: 'pod/p', want: true },
    'a Deployment by its ReplicaSet': { metadata: owned('ReplicaSet', 'web-6d4', '6d4'), text: 'deployment/web', want: true },
    'a ReplicaSet of another one': { metadata: owned('ReplicaSet', 'web-6d4', '6d4'), text: 'deployment/we', want: false },
    'a StatefulSet': { metadata: owned('StatefulSet', 'db'), text: 'statefulset/db', want: true },
    'another kind of that name': { metadata: owned('StatefulSet', 'db'), text: 'daemonset/db', want: false },
    'a Job': { metadata: owned('Job', 'j'), text: 'pod/a, job/j:completed', want: true },
    'a DaemonSet on its node': { metadata: { ...owned('DaemonSet', 'cni'), namespace: 'a' }, text: 'node-daemonset/a/cni', want: true },
    'a DaemonSet on its node of another namespace': { metadata: { ...owned('DaemonSet', 'cni'), namespace: 'b' }, text: 'node-daemonset/a/cni', want: false },
    'a pod that nobody owns': { metadata: { generateName: 'p-' }, text: 'deployment/p', want: false },
  } // biome-ignore format: a table
  test.each(Object.entries(own))('%s', (_, { metadata, text, want }) => {
    expect(ownTarget(parseAfter('after', text), metadata) !== undefined).toBe(want)
  })
})
