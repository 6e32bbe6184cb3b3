import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventLines } from './event-lines.ts'

const TEXT =
  ': hello\n\nevent: state\ndata: {"a":1}\n\n: alive\n\nevent: changes\r\ndata: {"b":"ü"}\r\n\r\ndata:x\ndata: y\n\nevent: end\n'
const WANT = [
  { event: 'state', data: '{"a":1}' },
  { event: 'changes', data: '{"b":"ü"}' },
  { event: 'message', data: 'x\ny' },
]

test('events are read whatever pieces they come in', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: TEXT.length })), cuts => {
      const at = [...new Set([0, ...cuts, TEXT.length])].sort((a, b) => a - b)
      const lines = new EventLines()
      const events = at.slice(1).flatMap((end, index) => lines.push(TEXT.slice(at[index], end)))
      expect(events).toEqual(WANT)
    }),
  )
})

test('a long line in small pieces takes linear time', () => {
  const lines = new EventLines()
  lines.push('data: ')
  for (let i = 0; i < 200_000; i++) lines.push('0123456789')
  const [event] = lines.push('\n\n')
  expect(event?.data.length).toBe(2_000_000)
})
