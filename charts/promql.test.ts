import { expect, test } from 'vitest'
import { namesIn } from './promql.ts'

const cases: Record<string, { expression: string; selectors: [string, string[]][]; groupings: string[] }> = {
  'a bare metric': { expression: 'up', selectors: [['up', []]], groupings: [] },
  'matchers of all kinds, with words in their strings': {
    expression: 'a{b="by (c)",d!~"{e}", f!="g"}',
    selectors: [['a{b="by (c)",d!~"{e}", f!="g"}', ['b', 'd', 'f']]],
    groupings: [],
  },
  'labels before and after an argument': {
    expression: 'sum by (x, y) (a) / sum(b) without (z)',
    selectors: [
      ['a', []],
      ['b', []],
    ],
    groupings: ['x', 'y', 'z'],
  },
  'ranges, offsets, numbers and variables': {
    expression: 'topk(10, rate(a{n=~"$n"}[$__rate_interval])) > 0.5 unless a offset 10m or vector(0)',
    selectors: [
      ['a{n=~"$n"}', ['n']],
      ['a', []],
    ],
    groupings: [],
  },
  'matching of two sides': {
    expression: 'a * on (node) group_left (zone) b and ignoring (c) d',
    selectors: [
      ['a', []],
      ['b', []],
      ['d', []],
    ],
    groupings: ['node', 'zone', 'c'],
  },
}

test.each(Object.entries(cases))('%s', (_, { expression, selectors, groupings }) => {
  const found = namesIn(expression)
  expect(found.selectors.map(({ text, labels }) => [text, labels])).toEqual(selectors)
  expect(found.groupings).toEqual(groupings)
})

test('a bracket that is not closed is told of', () => {
  expect(() => namesIn('sum by (x')).toThrow('( at 7 is not closed by )')
})
