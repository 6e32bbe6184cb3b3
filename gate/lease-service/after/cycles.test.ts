import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cyclesIn } from './cycles.ts'

const edges = (text: string) => {
  const map = new Map<string, Set<string>>()
  for (const [from = '', to = ''] of text.split(' ').map(pair => [...pair]))
    map.set(from, (map.get(from) ?? new Set()).add(to))
  return map
}

const cases: Record<string, { edges: string; want: string[] }> = {
  'a line has none': { edges: 'ab bc', want: [] },
  'two ways to one end have none': { edges: 'ab ac bd cd', want: [] },
  'two that wait for each other': { edges: 'ba ab', want: ['aba'] },
  'one that waits for itself': { edges: 'aa', want: ['aa'] },
  'a long one, from its least name': { edges: 'cd db bc ab', want: ['bcdb'] },
  'two apart': { edges: 'ab ba cd dc', want: ['aba', 'cdc'] },
  'of two through one workload, one': { edges: 'ab ba bc cb', want: ['aba'] },
}
test.each(Object.entries(cases))('%s', (_, tc) => {
  expect(cyclesIn(edges(tc.edges)).map(path => path.join(''))).toEqual(tc.want)
})

test('each is a circle of edges, and without edges back there is none', () => {
  const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })))
  fc.assert(
    fc.property(pairs, list => {
      const text = list.map(([a, b]) => `${a}${b}`).join(' ')
      if (text === '') return
      for (const path of cyclesIn(edges(text))) {
        expect(path.at(-1)).toBe(path[0])
        for (const [i, name] of path.slice(1).entries()) expect(edges(text).get(path[i] ?? '')).toContain(name)
      }
      const forward = list.filter(([a, b]) => a < b)
      if (forward.length > 0) expect(cyclesIn(edges(forward.map(p => p.join('')).join(' ')))).toEqual([])
    }),
  )
})

test('a chain of any length is walked, and each of its edges once', () => {
  const length = 20_000
  let looks = 0
  class Counted extends Map<string, Set<string>> {
    override get(name: string): Set<string> | undefined {
      looks++
      return super.get(name)
    }
  }
  const name = (i: number) => `w${`${i}`.padStart(5, '0')}`
  const chain = new Counted()
  // Everyone waits for the next one and for the first: as many circles as workloads, which all share the first.
  for (let i = 0; i < length; i++) chain.set(name(i), new Set([name((i + 1) % length), name(0)]))
  expect(cyclesIn(chain)).toEqual([[name(0), name(0)]])
  expect(looks).toBe(length)
})
