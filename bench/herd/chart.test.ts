import { expect, test } from 'vitest'
import { readyChart } from './chart.ts'

/** Names of elements that are not closed, or closed by another's end; empty for what is well-formed so far. */
function openElements(svg: string): string[] {
  const open: string[] = []
  for (const [, end, name = '', self] of svg.matchAll(/<(\/?)([\w-]+)(?: [\w:-]+="[^"<]*")* *(\/?)>/g)) {
    if (end && open.pop() !== name) return [`</${name}>`]
    if (!end && !self) open.push(name)
  }
  return open
}

const text = { title: 'a <herd> & "more"', pods: 3 }
const series = [
  { name: 'ungated', readyMs: [4_000, 4_500], untilMs: 20_000 },
  { name: '2 a node', readyMs: [1_000, 2_000, 9_000], untilMs: 9_000 },
]

test('it is well-formed, and has nothing but elements, attributes and escaped text', () => {
  const svg = readyChart(text, series)
  expect(openElements(svg)).toEqual([])
  expect(svg.replaceAll(/<\/?[\w-]+(?: [\w:-]+="[^"<]*")* *\/?>/g, '')).not.toMatch(/[<>"]|&(?!\w+;)/)
  expect(svg).toContain('a &lt;herd&gt; &amp; &quot;more&quot;')
})

test('a line rises by one at each ready pod; one that never came to all goes on to the end', () => {
  const lines = readyChart(text, series).match(/(?<=<path d=")M56,370[^"]*(?=" fill="none")/g) ?? []
  expect(lines).toHaveLength(2)
  const ends = lines.map(line => line.split(/[ML]/).at(-1)?.split(',').map(Number))
  expect(ends).toEqual([
    [700, expect.closeTo(370 - (2 / 3) * 326, 0)],
    [expect.closeTo(56 + (9 / 20) * 644, 0), 44],
  ])
})

test('nothing at all is drawn as an empty chart', () => {
  expect(openElements(readyChart(text, []))).toEqual([])
})
