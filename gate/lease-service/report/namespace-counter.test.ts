import { Registry } from 'prom-client'
import { beforeEach, expect, test } from 'vitest'
import { NamespaceCounter } from './namespace-counter.ts'

let registry: Registry
const namespaces = new Set<string>()
beforeEach(() => {
  registry = new Registry()
  namespaces.clear()
})

function counting(bounds: { maxNamespaces?: number; maxSeries?: number } = {}) {
  const registers = [registry]
  const configuration = { name: 'starts', help: 'Starts.', labelNames: ['namespace', 'gate'] as const, registers }
  return new NamespaceCounter<'gate'>(configuration, { exists: name => namespaces.has(name), ...bounds })
}
const shown = async () => (await registry.metrics()).split('\n').filter(line => line.startsWith('starts{'))

test('a namespace that is gone is shown no more, also when something of it was counted after that', async () => {
  const counter = counting()
  for (const name of ['shop', 'bank']) namespaces.add(name)
  for (const namespace of ['shop', 'bank', 'shop']) counter.inc({ namespace, gate: 'startgate-start' })
  expect(await shown()).toEqual([
    'starts{namespace="shop",gate="startgate-start"} 2',
    'starts{namespace="bank",gate="startgate-start"} 1',
  ])
  namespaces.delete('shop')
  counter.inc({ namespace: 'shop', gate: 'startgate-start' })
  expect(await shown()).toEqual(['starts{namespace="bank",gate="startgate-start"} 1'])
})

test('a hundred thousand namespaces, one after another, leave nothing behind', async () => {
  const counter = counting()
  for (let i = 0; i < 100_000; i++) {
    counter.inc({ namespace: `team-${i}`, gate: 'startgate-start' })
    if (i % 10_000 === 0) await registry.metrics()
  }
  expect(await shown()).toEqual([])
})

test('beyond the bounds what is counted is counted together, and a namespace with many gates takes no room from others', async () => {
  for (const name of ['a', 'b', 'c']) namespaces.add(name)
  const counter = counting({ maxNamespaces: 2, maxSeries: 2 })
  for (const gate of ['g1', 'g2', 'g3', 'g4', 'g1']) counter.inc({ namespace: 'a', gate })
  for (const namespace of ['b', 'c']) counter.inc({ namespace, gate: 'g1' })
  expect(await shown()).toEqual([
    'starts{namespace="a",gate="g1"} 2',
    'starts{namespace="a",gate="g2"} 1',
    'starts{namespace="a",gate="(others)"} 2',
    'starts{namespace="b",gate="g1"} 1',
    'starts{namespace="(others)",gate="g1"} 1',
  ])
})
