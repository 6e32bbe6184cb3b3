import { expect, test } from 'vitest'
import type { Node } from '../../core/pod.ts'
import { podOf } from '../testing/facts.ts'
import { Kubelets } from './kubelets.ts'

const NEW = 'v1.36.0'
const node = (name: string, kubeletVersion: unknown, more: object = {}, runtime: unknown = 'containerd://2.1.4') =>
  ({
    metadata: { name, labels: { pool: name } },
    status: { nodeInfo: { kubeletVersion, containerRuntimeVersion: runtime } },
    ...more,
  }) as Node

function areFit(nodes: Node[], spec: object = {}): boolean {
  const kubelets = new Kubelets()
  for (const one of nodes) kubelets.set(one)
  return kubelets.areFitFor(podOf(spec))
}

const versions: Record<string, boolean> = {
  'v1.36.0': true, 'v1.37.2': true, '1.36.1': true, 'v1.36.0-eks-1a2b3c': true, 'v1.36.2+k3s1': true, 'v1.100.0': true, 'v2.0.0': true,
  'v1.35.9': false, 'v1.36.0-rc.1': false, 'v1.36.0-alpha.3': false, 'v1.37.0-beta.0': true, 'v1.4.0': false, 'v1.3600000.0': false,
  'v0.99.0': false, '': false, 'latest': false, 'x1.37': false, 'v1.19.10-vk-azure-aci-1.6': false,
} // biome-ignore format: a table
test.each(Object.entries(versions))('a kubelet of version "%s" is new enough: %s', (version, want) => {
  expect(areFit([node('a', version)])).toBe(want)
})

test('nobody knows of what: no node, a node without a version, without a runtime, or with something else there', () => {
  expect(areFit([])).toBe(false)
  expect(areFit([{ metadata: { name: 'a' } }])).toBe(false)
  expect(areFit([node('a', 137)])).toBe(false)
  for (const runtime of [undefined, null, 7, 'cri-o://1.36.0', '']) {
    expect(areFit([node('a', NEW), node('b', NEW, {}, runtime)])).toBe(runtime === undefined)
  }
  expect(areFit([{ metadata: { name: 'a' }, status: { nodeInfo: { kubeletVersion: NEW } } }])).toBe(false)
  expect(areFit([node('a', `v1.36.0${'9'.repeat(1_000_000)}`)])).toBe(true)
})

test('one node that is older counts for each pod that it may get, whether or not it takes pods now', () => {
  const both = [node('a', NEW), node('b', 'v1.35.4', { spec: { unschedulable: true } })]
  expect(areFit(both)).toBe(false)
  expect(areFit(both, { nodeSelector: { pool: 'a' } })).toBe(true)
  expect(areFit(both, { nodeSelector: { pool: 'b' } })).toBe(false)
  expect(areFit(both, { nodeName: 'a' })).toBe(true)
  expect(areFit(both, { nodeName: 'b' })).toBe(false)
  expect(areFit(both, { nodeName: 'c' })).toBe(false)
})

test('a node that comes, goes, or gets another kubelet counts at once', () => {
  const kubelets = new Kubelets()
  const after = (change: () => void) => {
    change()
    return kubelets.areFitFor(podOf())
  }
  const seen = [
    after(() => kubelets.set(node('a', NEW))),
    after(() => kubelets.set(node('b', 'v1.34.0'))),
    after(() => kubelets.set(node('b', NEW))),
    after(() => kubelets.set(node('b', 'v1.34.0'))),
    after(() => kubelets.delete('b')),
    after(() => kubelets.delete('a')),
  ]
  expect(seen).toEqual([true, false, true, false, true, false])
})

test('a virtual node counts for pods that tolerate its taint, or all', () => {
  const taints = [{ key: 'virtual-kubelet.io/provider', effect: 'NoSchedule' }]
  const nodes = [node('a', NEW), node('virtual', 'v1.19.10-vk-azure-aci-1.6', { spec: { taints } })]
  expect(areFit(nodes)).toBe(true)
  expect(areFit(nodes, { tolerations: [{ key: 'spot', operator: 'Exists' }] })).toBe(true)
  expect(areFit(nodes, { tolerations: [{ key: 'virtual-kubelet.io/provider', operator: 'Exists' }] })).toBe(false)
  expect(areFit(nodes, { tolerations: [{ operator: 'Exists' }] })).toBe(false)
  expect(areFit(nodes, { tolerations: 'all' })).toBe(true)
  const soft = [{ key: 'virtual-kubelet.io/provider', effect: 'PreferNoSchedule' }]
  expect(areFit([node('a', NEW), node('virtual', 'v1.31.4-vk', { spec: { taints: soft } })])).toBe(false)
})
