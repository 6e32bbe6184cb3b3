import { expect, test } from 'vitest'
import { nextConnection } from './connection-fairness.ts'

const waiting = (...addresses: string[]) =>
  addresses.map((address, i) => ({ address, waits: true, name: `${address}${i}` }))

function turnOf(stack: ReturnType<typeof waiting>, begun: Record<string, number> = {}) {
  return nextConnection(stack, { waits: c => c.waits, begunOf: address => begun[address] ?? 0 })?.name
}

test('the newest, when none of any address has begun', () => {
  expect(turnOf(waiting('a', 'b', 'c'))).toBe('c2')
})

test('the newest of the address of which the fewest have begun', () => {
  expect(turnOf(waiting('b', 'a', 'b', 'a', 'a'), { a: 5, b: 2 })).toBe('b2')
})

test('the newest, when all come from one address', () => {
  expect(turnOf(waiting('a', 'a', 'a'), { a: 40 })).toBe('a2')
})

test('who has gone is passed by', () => {
  const stack = waiting('a', 'b')
  expect(turnOf([...stack, { address: 'c', waits: false, name: 'c2' }])).toBe('b1')
  expect(turnOf(stack.map(c => ({ ...c, waits: false })))).toBeUndefined()
  expect(turnOf([])).toBeUndefined()
})

test('of a long stack only the newest are looked at', () => {
  expect(turnOf(waiting('b', ...Array.from({ length: 10_000 }, () => 'a')), { a: 1 })).toBe('a10000')
})
