import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import type { ApiTransport, StreamRequest } from '../../../core/kube/transport.ts'
import { NodeDaemonSets } from './node-daemonsets.ts'
import type { Workload, WorkloadObservation } from './workload-readiness.ts'

const podOn = (node: string, uid = 'ds-1') => ({
  metadata: {
    namespace: 'net',
    name: node,
    uid: node,
    resourceVersion: '1',
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'cni', uid, controller: true }],
  },
  spec: { nodeName: node },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
})

/** Each watch lists these pods, and stays open. */
function made(pods: object[]) {
  const open = new Set<string>()
  const transport: Pick<ApiTransport, 'openStream'> = {
    openStream: async ({ path, query, signal }: StreamRequest) => {
      const name = `${path}?${query?.labelSelector}`
      open.add(name)
      signal.addEventListener('abort', () => open.delete(name))
      return lines(pods, signal)
    },
  }
  const found: Record<string, WorkloadObservation> = {}
  const clock = { ms: 0 }
  const nodes = new NodeDaemonSets({
    client: { transport: transport as ApiTransport },
    onChange: () => {},
    clock: { monotonicMs: () => clock.ms, wallMs: () => 0 },
    random: () => 0,
    log: pino({ level: 'silent' }),
    findDaemonSet: (namespace, name) => found[`${namespace}/${name}`] ?? 'Absent',
    isOfAll: namespace => namespace === 'chart',
    unusedAfterMs: 1_000,
  })
  return { nodes, found, clock, open }
}

async function* lines(pods: object[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const line = (type: string, object: object) => Buffer.from(`${JSON.stringify({ type, object })}\n`)
  for (const pod of pods) yield line('ADDED', pod)
  const annotations = { 'k8s.io/initial-events-end': 'true' }
  yield line('BOOKMARK', { metadata: { resourceVersion: '1', annotations } })
  await new Promise(resolve => signal.addEventListener('abort', resolve))
}

const daemonSet = (uid = 'ds-1'): Workload => ({
  metadata: { namespace: 'net', name: 'cni', uid },
  spec: { selector: { matchLabels: { app: 'cni' } } },
})
const seen = (observed: WorkloadObservation) =>
  typeof observed === 'string' ? observed : [...(observed.readyOnNodes ?? [])]

test('shows the pods of a DaemonSet by node, once they are listed', async () => {
  const { nodes, found, open } = made([podOn('a'), podOn('b', 'another')])
  found['net/cni'] = daemonSet()
  expect(nodes.find('net', 'cni', 'shop')).toBe('Unknown')
  await vi.waitFor(() => expect(seen(nodes.find('net', 'cni', 'shop'))).toEqual([['a', true]]))
  expect([...open]).toEqual(['/api/v1/namespaces/net/pods?app=cni'])
  expect(nodes.find('net', 'cni', 'shop')).toBe(nodes.find('net', 'cni', 'shop'))
  found['net/cni'] = daemonSet('another')
  await vi.waitFor(() => expect(seen(nodes.find('net', 'cni', 'shop'))).toEqual([['b', true]]))
})

test('watches eight that pods name, besides those of the chart, and the next when one is used no more', () => {
  const { nodes, clock } = made([])
  for (let i = 0; i < 8; i++) expect(nodes.find('net', `d${i}`, 'shop')).toBe('Absent')
  expect(nodes.find('net', 'd8', 'shop')).toBe('Unwatched')
  expect(nodes.find('chart', 'd8', 'shop')).toBe('Absent')
  clock.ms = 1_000
  nodes.find('net', 'd0', 'shop')
  nodes.prune()
  expect(nodes.find('net', 'd8', 'shop')).toBe('Absent')
})

test('ends the watch of one that nobody asks for', async () => {
  const { nodes, found, clock, open } = made([])
  found['net/cni'] = daemonSet()
  nodes.find('net', 'cni', 'shop')
  await vi.waitFor(() => expect(open.size).toBe(1))
  clock.ms = 1_000
  nodes.prune()
  expect(open.size).toBe(0)
})

test('a namespace whose pods name eight keeps no other from its own', async () => {
  const { nodes, found, open } = made([])
  const name = (by: string, i: number): WorkloadObservation => {
    found[`net/${by}-${i}`] = {
      metadata: { namespace: 'net', name: `${by}-${i}`, uid: `${by}-${i}` },
      spec: { selector: { matchLabels: { app: `${by}-${i}` } } },
    }
    return nodes.find('net', `${by}-${i}`, by)
  }
  const watchedOf = (by: string): number =>
    Array.from({ length: 8 }, (_, i) => name(by, i)).filter(o => o !== 'Unwatched').length
  expect(watchedOf('greedy')).toBe(8)
  expect([name('shop', 0), name('shop', 1)]).toEqual(['Unknown', 'Unknown'])
  for (let turn = 0; turn < 3; turn++)
    expect([watchedOf('greedy'), watchedOf('shop')]).toEqual(turn === 0 ? [6, 4] : [4, 4])
  await vi.waitFor(() => expect(open.size).toBe(8))
})
