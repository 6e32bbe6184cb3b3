import { expect, test } from 'vitest'
import { labelsAskedFor, type NodePool, poolOf } from './node-pool.ts'

const pool = (name: string, matchLabels: Record<string, string>): NodePool => ({ name, matchLabels })
const POOLS = [
  pool('spot-large', { spot: 'true', size: 'large' }),
  pool('spot', { spot: 'true' }),
  pool('plain', { constructor: 'x' }),
]

const cases: Record<string, { labels: Record<string, string> | undefined; want: string | undefined }> = {
  'the first that fits, though a later one does too': { labels: { spot: 'true', size: 'large' }, want: 'spot-large' },
  'all labels of a pool are needed': { labels: { spot: 'true', size: 'small' }, want: 'spot' },
  'another value is another label': { labels: { spot: 'false' }, want: undefined },
  'a node without labels is in none': { labels: undefined, want: undefined },
  'what every object has is no label': { labels: {}, want: undefined },
}

test.each(Object.entries(cases))('%s', (_, { labels, want }) => {
  expect(poolOf(POOLS, labels)?.name).toBe(want)
})

test('a pool without labels takes every node', () => {
  expect(poolOf([pool('all', {})], undefined)?.name).toBe('all')
})

test('only labels of pools are asked for', () => {
  expect([...labelsAskedFor(POOLS)]).toEqual(['spot', 'size', 'constructor'])
})
