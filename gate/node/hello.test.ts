import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InvalidValueError } from '../../core/errors.ts'
import { parseHello } from './hello.ts'

const good = {
  version: '0.1.0',
  gate: 'startgate-start',
  attempt: 1,
  podUid: 'uid-1',
  isLost: false,
  failOpenAfter: '60s',
  failOpenJitter: '1500ms',
  waitedS: 3,
  leftS: 57,
  token: 'a.b.c',
}
const parse = (over: object): ReturnType<typeof parseHello> => parseHello(JSON.stringify({ ...good, ...over }))

test("a gate's line, with times in ms", () => {
  expect(parse({ more: 'of a newer version' })).toEqual({
    version: '0.1.0',
    gate: 'startgate-start',
    attempt: 1,
    podUid: 'uid-1',
    isLost: false,
    failOpenAfterMs: 60_000,
    failOpenJitterMs: 1_500,
    waitedMs: 3_000,
    leftMs: 57_000,
    token: 'a.b.c',
  })
})

test('a gate that fails closed has no end', () => {
  const { failOpenAfterMs, leftMs } = parse({ failOpenAfter: 'never', leftS: null })
  expect([failOpenAfterMs, leftMs]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
})

test.each<[string, unknown, string]>([
  [
    'gate',
    'startgate-start-db',
    'gate: "startgate-start-db" is not a valid gate; use startgate-pull or startgate-start',
  ],
  ['attempt', 0, 'attempt: "0" is not a valid number; use a whole one from 1 to 100000'],
  ['podUid', '../x', `podUid: "../x" is not a valid UID; use the pod's metadata.uid`],
  ['waitedS', -1, 'waitedS: "-1" is not a valid number'],
  ['leftS', 1e12, 'leftS: "1000000000000" is not a valid number'],
  ['failOpenAfter', '5 minutes', 'failOpenAfter: "5 minutes" is not a valid duration; use 60s'],
  ['failOpenJitter', 'x'.repeat(33), 'is not a valid duration'],
  ['version', {}, 'version: "{…}" is not a valid version'],
])('%s is refused as %j', (field, value, says) => {
  expect(() => parse({ [field]: value })).toThrow(says)
})

test('a token that is none is not quoted', () => {
  expect(() => parse({ token: 'secret with spaces' })).toThrow('token is missing or no token; use the one mounted')
})

test('whatever is sent, a line is read or refused with one sentence', () => {
  const field = fc.constantFrom(...Object.keys(good), '__proto__', 'more')
  const line = fc.oneof(
    fc.string(),
    fc.json(),
    fc.dictionary(field, fc.anything()).map(over => JSON.stringify({ ...good, ...over }) ?? ''),
  )
  fc.assert(
    fc.property(line, text => {
      try {
        const { attempt, leftMs, waitedMs } = parseHello(text)
        expect(attempt).toBeGreaterThan(0)
        expect(leftMs >= 0 && waitedMs >= 0).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidValueError)
        expect((error as Error).message.length).toBeLessThan(400)
      }
    }),
    { numRuns: 2_000 },
  )
})
