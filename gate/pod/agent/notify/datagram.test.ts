import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_EXTENSION_MS, parseDatagram } from './datagram.ts'

const long = (bytes: number) => 'READY=1\nX_PAD='.padEnd(bytes, 'x')

describe('a datagram', () => {
  const cases: Record<string, { sent: string | Uint8Array; want: ReturnType<typeof parseDatagram> }> = {
    'says ready': { sent: 'READY=1', want: { state: 'ready' } },
    'may end its last line': { sent: 'READY=1\n', want: { state: 'ready' } },
    'may end with one NUL': { sent: 'READY=1\0', want: { state: 'ready' } },
    'with a NUL inside is ignored': { sent: 'READY=1\0STATUS=x', want: undefined },
    'with two NULs at the end is ignored': { sent: 'READY=1\0\0', want: undefined },
    'of 4096 bytes is read': { sent: long(4096), want: { state: 'ready' } },
    'of 4097 bytes is ignored': { sent: long(4097), want: undefined },
    'of no bytes says nothing': { sent: '', want: {} },
    'READY=0 says nothing': { sent: 'READY=0', want: {} },
    'READY=10 says nothing': { sent: 'READY=10', want: {} },
    ' READY=1 with a space before it says nothing': { sent: ' READY=1', want: {} },
    'X_READY=1 says nothing': { sent: 'X_READY=1', want: {} },
    'has several lines': {
      sent: 'MAINPID=7\nREADY=1\nSTATUS=Taking your SQL requests now...\n',
      want: { state: 'ready', status: 'Taking your SQL requests now...' },
    },
    'as MySQL sends it': {
      sent: 'READY=1\nSTATUS=Server is operational\nMAIN_PID=1',
      want: { state: 'ready', status: 'Server is operational' },
    },
    'stopping wins over ready': { sent: 'READY=1\nSTOPPING=1', want: { state: 'stopping' } },
    'ready wins over reloading': { sent: 'RELOADING=1\nREADY=1', want: { state: 'ready' } },
    reloading: { sent: 'RELOADING=1\nMONOTONIC_USEC=8\n', want: { state: 'reloading' } },
    'a barrier says nothing': { sent: 'BARRIER=1', want: {} },
    'a status may have an equals sign': { sent: 'STATUS=a=b', want: { status: 'a=b' } },
    'a status can be taken back': { sent: 'STATUS=', want: { status: '' } },
    'the first of two counts': { sent: 'STATUS=a\nSTATUS=b', want: { status: 'a' } },
    'a status in UTF-8': { sent: 'STATUS=é…', want: { status: 'é…' } },
    'a status that is no UTF-8 is ignored, the rest is not': {
      sent: Uint8Array.from([...Buffer.from('STATUS=a'), 0xff, 10, ...Buffer.from('READY=1')]),
      want: { state: 'ready' },
    },
    'an errno': { sent: 'STATUS=Failed to start up\nERRNO=2', want: { status: 'Failed to start up', errno: 2 } },
    'an errno that is no number is ignored': { sent: 'ERRNO=ENOENT', want: {} },
    'an extension comes in ms': { sent: 'EXTEND_TIMEOUT_USEC=5000000', want: { extendMs: 5000 } },
    'an extension has a cap': {
      sent: 'EXTEND_TIMEOUT_USEC=18446744073709551615',
      want: { extendMs: MAX_EXTENSION_MS },
    },
    'a negative extension is ignored': { sent: 'EXTEND_TIMEOUT_USEC=-5', want: {} },
  }
  test.each(Object.entries(cases))('%s', (_, { sent, want }) => {
    expect(parseDatagram(typeof sent === 'string' ? Buffer.from(sent) : sent)).toEqual(want)
  })
})

test('100,000 datagrams of junk say nothing and throw nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
      // 1 in 2^50 or so would be a word of ours by chance.
      expect(Object.keys(parseDatagram(bytes) ?? {})).toEqual([])
    }),
    { numRuns: 100_000 },
  )
})

test('junk around a line never hides it and never adds to it', () => {
  const junk = fc.array(
    fc.string({ unit: 'binary' }).filter(line => !/[\n\r\0]|^(READY|STOPPING|RELOADING)=/.test(line)),
  )
  fc.assert(
    fc.property(junk, junk, (before, after) => {
      const sent = Buffer.from([...before, 'READY=1', ...after].join('\n'))
      expect(parseDatagram(sent)?.state).toBe(sent.length > 4096 ? undefined : 'ready')
    }),
  )
})

test('whatever the lines are, only one that is READY=1 and nothing else makes it ready', () => {
  // Near misses: what a careless reader takes for a word of ours.
  const word = fc.constantFrom('READY', 'STOPPING', 'RELOADING', 'STATUS', 'ERRNO', 'EXTEND_TIMEOUT_USEC', 'BARRIER')
  const value = fc.oneof(
    fc.constantFrom('=1', '=1 ', '=01', '=1=1', '=', '=0', '', '=READY=1', '\0=1', ' =1'),
    fc.string({ unit: 'binary' }),
  )
  const prefix = fc.constantFrom('', '', ' ', 'X_', '\t', '\u00a0', '\ufeff')
  const line = fc.tuple(prefix, word, value).map(parts => parts.join(''))
  const separator = fc.constantFrom('\n', '\n', '\r', '\r\n', '\n\n', ' ', '\0')
  const lines = fc.array(fc.tuple(line, separator), { maxLength: 8 }).map(pairs => pairs.flat().join(''))
  fc.assert(
    fc.property(lines, fc.integer({ min: 0, max: 4200 }), (sent, padding) => {
      const bytes = Buffer.concat([Buffer.from(sent), Buffer.from(`\nX_PAD=${'x'.repeat(padding)}`)])
      const isIgnored = bytes.length > 4096 || bytes.includes(0)
      const given = bytes.toString('latin1').split(/[\n\r]/)
      const wantReady = !isIgnored && given.includes('READY=1') && !given.includes('STOPPING=1')
      const said = parseDatagram(bytes)
      expect(said === undefined).toBe(isIgnored)
      expect(said?.state === 'ready').toBe(wantReady)
      expect(said?.extendMs ?? 0).toBeLessThanOrEqual(MAX_EXTENSION_MS)
    }),
    { numRuns: 10_000 },
  )
})
