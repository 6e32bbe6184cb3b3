import { expect, test } from 'vitest'
import { parseNamespaceAnnotations } from './annotations.ts'
import { formatFreeze } from './frozen.ts'

const frozenBy = (text: string) => parseNamespaceAnnotations({ 'startgate.dev/frozen': text })

test('what is written is read as it is', () => {
  const text = formatFreeze({
    who: 'alice',
    atMs: Date.parse('2026-06-01T12:00:00.123Z'),
    reason: 'the registry is down',
  })
  expect(text).toBe('alice 2026-06-01T12:00:00Z: the registry is down')
  expect(frozenBy(text)).toEqual({ settings: { frozen: text }, problems: [] })
  expect(formatFreeze({ who: 'alice', atMs: 0, reason: '' })).toBe('alice 1970-01-01T00:00:00Z')
})

test('any text freezes, also none; it is quoted on one line, cut, and makes no terminal do anything', () => {
  expect(frozenBy('').settings.frozen).toBe('no reason given')
  expect(frozenBy(' a\n\u001b[2J\u202eb ').settings.frozen).toBe('a [2J b')
  expect(frozenBy('x'.repeat(4_000)).settings.frozen?.length).toBe(200)
})

test.each(['false', ' Off ', '0'])('what means the contrary is a problem: %s', text => {
  const { settings, problems } = frozenBy(text)
  expect(settings).toEqual({})
  expect(problems[0]?.message).toMatch(/^startgate\.dev\/frozen: ".+" does not lift a freeze; use no such annotation/)
})
