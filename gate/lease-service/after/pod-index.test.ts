import { expect, test } from 'vitest'
import type { Pod } from '../../../core/pod.ts'
import { Ledger } from '../ledger/ledger.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import { madeNode, madePod } from '../testing/made-pods.ts'
import { PodIndex } from './pod-index.ts'

const onNode = (uid: string, nodeName: string, name = uid): Pod => {
  const pod = madePod(name)
  return { ...pod, metadata: { ...pod.metadata, uid }, spec: { ...pod.spec, nodeName } }
}
const uids = (entries: Iterable<{ pod: Pod }>) => [...entries].map(({ pod }) => pod.metadata.uid)

test('a pod is found on the node that it was put on last', () => {
  const index = new PodIndex()
  index.set(onNode('a', ''))
  index.set(onNode('a', 'n1'))
  index.set(onNode('b', 'n1'))
  expect([uids(index.onNode('')), uids(index.onNode('n1'))]).toEqual([[], ['a', 'b']])
  index.delete('a')
  expect([uids(index.onNode('n1')), uids(index.inNamespace('shop'))]).toEqual([['b'], ['b']])
})

test('a pod that goes after one of its name has come takes nothing of that one along', () => {
  const index = new PodIndex()
  index.set(onNode('old', 'n1', 'db-0'))
  index.set(onNode('new', 'n1', 'db-0'))
  index.delete('old')
  expect(uids(index.inNamespace('shop'))).toEqual(['new'])
  expect(index.workloadOf('shop', 'db-0')).toBe('pod/db-0')
})

/** Counts how often anybody looks where a pod is. */
function counted(pods: Pod[]): { pods: Pod[]; looks: () => number } {
  let looks = 0
  const watched = <T extends object>(target: T, field: string): T =>
    new Proxy(target, {
      get(of, key) {
        if (key === field) looks++
        return Reflect.get(of, key)
      },
    })
  const seen = pods.map(pod => ({
    ...pod,
    metadata: watched(pod.metadata, 'namespace'),
    spec: watched(pod.spec, 'nodeName'),
  }))
  return { pods: seen, looks: () => looks }
}

test('a node that is lost costs a look at its own pods, however many there are', () => {
  const { pods, looks } = counted(Array.from({ length: 2_000 }, (_, i) => onNode(`p${i}`, `n${i % 200}`)))
  const ledger = new Ledger(DEFAULT_SETTINGS)
  for (const pod of pods) ledger.upsertPod(pod)
  ledger.step(0, 1)
  const before = looks()
  for (let i = 0; i < 200; i++) ledger.removeNode(`n${i}`)
  // By a search each of them would look at all.
  expect(looks() - before).toBeLessThanOrEqual(pods.length)
})

test('a namespace whose mode changes costs a look at its own pods', () => {
  const inNamespace = (i: number): Pod => {
    const pod = onNode(`p${i}`, 'n1')
    return { ...pod, metadata: { ...pod.metadata, namespace: `team-${i % 200}` } }
  }
  const { pods, looks } = counted(Array.from({ length: 2_000 }, (_, i) => inNamespace(i)))
  const ledger = new Ledger(DEFAULT_SETTINGS)
  for (const pod of pods) ledger.upsertPod(pod)
  ledger.step(0, 1)
  const before = looks()
  for (let i = 0; i < 200; i++) ledger.setNamespace(`team-${i}`, { mode: 'off' })
  expect(looks() - before).toBeLessThanOrEqual(pods.length)
})

test('a node that comes back after its object was deleted frees nothing of the pods that stayed', () => {
  const ledger = new Ledger(DEFAULT_SETTINGS)
  const running = madePod('a', {
    phase: 'Running',
    containerStatuses: [{ name: 'app', ready: false, restartCount: 1, containerID: 'c2', state: { running: {} } }],
  })
  const debt = () => ledger.usage().find(({ scope }) => scope === 'node/worker-1')?.debt ?? 0
  ledger.upsertNode(madeNode())
  ledger.upsertPod(running)
  ledger.step(0, 1)
  expect(debt()).toBe(1)
  ledger.removeNode('worker-1')
  ledger.step(1, 1)
  expect(debt()).toBe(0)
  ledger.upsertNode(madeNode())
  ledger.step(2, 1)
  expect(debt()).toBe(1)
})
