import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dependencyOrder } from './dependency-order.ts'

const orderOf = (nodes: string, edges: string[]) =>
  dependencyOrder([...nodes], node => edges.filter(edge => edge[0] === node).map(edge => edge[1] ?? ''))

const cases: Record<string, { nodes: string; edges: string[]; want: object }> = {
  'what has no dependencies keeps its order': { nodes: 'bca', edges: [], want: { kind: 'order', order: ['b', 'c', 'a'] } },
  'a dependency comes first': { nodes: 'abc', edges: ['ac'], want: { kind: 'order', order: ['b', 'c', 'a'] } },
  'the study’s graph': { nodes: 'dcbae', edges: ['db', 'dc', 'ba', 'ca'], want: { kind: 'order', order: ['a', 'c', 'b', 'd', 'e'] } },
  'what is not among the nodes is left out': { nodes: 'ab', edges: ['ax'], want: { kind: 'order', order: ['a', 'b'] } },
  'a cycle, without what leads into it': { nodes: 'xab', edges: ['xa', 'ab', 'ba'], want: { kind: 'cycle', path: ['a', 'b', 'a'] } },
  'a node on itself': { nodes: 'a', edges: ['aa'], want: { kind: 'cycle', path: ['a', 'a'] } },
} // biome-ignore format: a table

test.each(Object.entries(cases))('%s', (_, { nodes, edges, want }) => {
  expect(orderOf(nodes, edges)).toEqual(want)
})

test('an order has each node once and after its dependencies, and again the same order; a cycle is one', () => {
  const node = fc.constantFrom(...'abcdefg')
  fc.assert(
    fc.property(fc.array(fc.tuple(node, node)), pairs => {
      const edges = pairs.map(([from, to]) => from + to)
      const found = orderOf('abcdefg', edges)
      if (found.kind === 'cycle') {
        expect(found.path.length).toBeGreaterThan(1)
        expect(found.path[0]).toBe(found.path.at(-1))
        for (const [i, from] of found.path.slice(0, -1).entries()) expect(edges).toContain(from + found.path[i + 1])
        return
      }
      expect(found.order.toSorted().join('')).toBe('abcdefg')
      for (const [from, to] of pairs) expect(found.order.indexOf(to)).toBeLessThan(found.order.indexOf(from))
      expect(orderOf(found.order.join(''), edges)).toEqual(found)
    }),
  )
})
