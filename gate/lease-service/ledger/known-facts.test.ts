import { expect, test } from 'vitest'
import type { Node } from '../../../core/pod.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import { scopeRef } from '../limits/scope-ref.ts'
import { limitAt } from '../limits/scopes.ts'
import { KnownFacts } from './known-facts.ts'

const POOLS = [
  { name: 'nodePools[0]', matchLabels: { pool: 'spot' }, maxStarting: 1 },
  { name: 'nodePools[1]', matchLabels: { pool: 'large' }, maxStarting: 9 },
]

function made(): KnownFacts {
  const started = { get: () => undefined, workloadOf: () => undefined, hasImage: () => false }
  return new KnownFacts({
    settings: { ...DEFAULT_SETTINGS, nodePools: POOLS },
    overloads: new Map(),
    autos: { at: () => undefined, version: 0 },
    started,
  })
}

const node = (labels: Record<string, string>, annotations: Record<string, string> = {}): Node => ({
  metadata: { name: 'n', labels, annotations },
  status: { capacity: { cpu: '4' } },
})

const limitOf = (known: KnownFacts): number => limitAt('start', scopeRef({ kind: 'node', node: 'n' }), known.limits)

test("a node's labels put it into another pool, and who waits is decided on anew", () => {
  const known = made()
  const sights = [
    node({ pool: 'spot' }),
    node({ pool: 'spot', zone: 'a' }),
    node({ pool: 'large' }),
    node({}),
    node({ pool: 'spot' }, { 'startgate.dev/max-starting-per-node': '5' }),
  ]
  const seen = sights.map(sight => {
    known.setNode(sight)
    return [known.limitsVersion, limitOf(known)]
  })
  // A label that no pool asks for changes nothing.
  expect(seen).toEqual([
    [1, 1],
    [1, 1],
    [2, 9],
    [3, 4],
    [4, 5],
  ])
})
