import { expect, test } from 'vitest'
import { type EventFacts, eventObject } from './event.ts'

const facts: EventFacts = {
  regarding: { kind: 'Pod', name: 'web-1', namespace: 'shop', uid: 'u1' },
  type: 'Normal',
  reason: 'WaitingForStartSlot',
  note: 'place 3 of 7',
  component: 'startgate-lease-service',
  wallMs: 0,
}

test("an Event stands in its object's namespace, under a name that depends on its content alone", () => {
  const event = eventObject(facts)
  expect(event).toMatchObject({
    metadata: { namespace: 'shop' },
    involvedObject: { kind: 'Pod', name: 'web-1', namespace: 'shop', uid: 'u1', apiVersion: 'v1' },
    message: 'place 3 of 7',
    firstTimestamp: '1970-01-01T00:00:00.000Z',
    count: 1,
  })
  expect(eventObject({ ...facts }).metadata.name).toBe(event.metadata.name)
  expect(eventObject({ ...facts, wallMs: 1 }).metadata.name).not.toBe(event.metadata.name)
})

test('an Event on a Namespace stands inside it, on a Node in default', () => {
  const namespace = eventObject({ ...facts, regarding: { kind: 'Namespace', name: 'shop', uid: 'u2' } })
  expect(namespace.metadata.namespace).toBe('shop')
  expect(eventObject({ ...facts, regarding: { kind: 'Node', name: 'n1', uid: 'u3' } }).metadata.namespace).toBe(
    'default',
  )
})

test('a name and a note that are too long are cut', () => {
  const long = eventObject({
    ...facts,
    note: 'x'.repeat(5_000),
    regarding: { ...facts.regarding, name: 'p'.repeat(253) },
  })
  expect(long.metadata.name.length).toBeLessThanOrEqual(253)
  expect(String(long.message).length).toBeLessThanOrEqual(1_024)
})

test.each([
  ['x'.repeat(1_000), 'x'.repeat(1_000)],
  ['x'.repeat(1_001), `${'x'.repeat(1_000)} …`],
  ['é'.repeat(501), `${'é'.repeat(500)} …`],
  // Four bytes each: the one that would be cut in two is left out.
  [`x${'😀'.repeat(250)}`, `x${'😀'.repeat(249)} …`],
])('a note is cut by its bytes, after a whole character', (note, want) => {
  const { message } = eventObject({ ...facts, note })
  expect(message).toBe(want)
  expect(Buffer.byteLength(String(message))).toBeLessThanOrEqual(1_024)
})

test('Events of one id have one name, whatever else they say', () => {
  const named = (changes: Partial<EventFacts>) => eventObject({ ...facts, id: 'web', ...changes }).metadata.name
  expect(named({ wallMs: 1, note: 'place 2 of 7' })).toBe(named({}))
  expect(named({ id: 'other' })).not.toBe(named({}))
})

test('a name that is cut at a dash is still a name', () => {
  const name = `${'p'.repeat(199)}-${'q'.repeat(20)}`
  expect(eventObject({ ...facts, regarding: { ...facts.regarding, name } }).metadata.name).toMatch(/p\.[0-9a-f]{16}$/)
})
