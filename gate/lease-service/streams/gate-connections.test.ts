import { expect, test } from 'vitest'
import type { GateMessage } from '../../../core/lease-api.ts'
import { NodePressures } from '../limits/node-pressure.ts'
import type { Waiting } from '../model/grant.ts'
import { WaitingRows } from '../model/waiting-rows.ts'
import { GateConnections } from './gate-connections.ts'

let nowMs = 0
const told = new Map<string, GateMessage[]>()
const gates = new GateConnections({
  address: 'leader:1',
  pressures: new NodePressures({}),
  podOf: () => undefined,
  onAway: () => undefined,
  askedAtMs: () => 0,
  onWaiting: () => undefined,
  isMute: () => false,
  isQuiet: () => false,
  agents: () => 0,
  clock: { monotonicMs: () => nowMs, wallMs: () => nowMs },
  random: () => 0,
})

function open(key: string, isShared: boolean): void {
  const heard: GateMessage[] = []
  told.set(key, heard)
  const hear = (message: GateMessage) => void heard.push(message)
  gates.open(key, { nonce: 'n', isShared, isOpen: () => true, send: hear, end: hear })
}

const rows = (...keys: string[]): WaitingRows => {
  const inLine = keys.map(key => ({ ticket: { key } }))
  const row = (_: number, i: number): Waiting => ({
    key: keys[i] ?? '',
    ...{ resource: 'start', namespace: 'shop', cause: 'full', place: i + 1, of: keys.length, reason: 'full' },
  })
  return new WaitingRows([{ standing: inLine, blocked: inLine }], [], row)
}
const count = (key: string): number => told.get(key)?.length ?? 0

test('who has just come is told at once, the others when it is the turn of all', () => {
  const [a, b, c] = ['start.a.1', 'start.b.1', 'start.c.1'] as const
  open(a, true)
  expect(gates.tell(rows(a), true)).toBe(true)
  open(b, true)
  nowMs = 5_000
  expect(gates.tell(rows(b, a), false)).toBe(false)
  expect([count(a), count(b)]).toEqual([1, 1])
  expect(told.get(b)).toMatchObject([{ place: 1, of: 2 }])
  expect(gates.tell(rows(b, a), true)).toBe(true)
  expect(told.get(a)).toMatchObject([{ place: 1 }, { place: 2 }])
  // It may have to go, and others in its place.
  open(c, false)
  expect(gates.tell(rows(b, a, c), false)).toBe(true)
  expect(count(c)).toBe(1)
})
