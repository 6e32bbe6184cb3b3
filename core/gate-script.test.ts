import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { goDuration } from '../webhook/inject/gate.ts'
import { gateScript } from './gate-script.ts'

/* What the shell works out by itself, in a real busybox, against the same in TypeScript. */

const BUSYBOX = process.env.STARTGATE_TEST_BUSYBOX ?? '/bin/busybox'
/** The script's functions, without its part that does something. */
const FUNCTIONS = gateScript().split('\nif [ "$1" = talk ]; then\n')[0] ?? ''

/** One line for each argument, by `body`, in which it is $1. */
function each(body: string, texts: string[]): string[] {
  const script = `${FUNCTIONS}\nfor text; do set -- "$text"; ${body}; done`
  const said = execFileSync(BUSYBOX, ['sh', '-c', script, 'test', ...texts], { encoding: 'utf8' })
  return said.split('\n').slice(0, -1)
}

test('a duration as the webhook writes it is read to the second, upwards', () => {
  const ms = fc.oneof(fc.nat(100_000), fc.nat(86_400_000), fc.nat(900_000_000))
  fc.assert(
    fc.property(fc.array(ms, { minLength: 1, maxLength: 50 }), durations => {
      const texts = durations.map(goDuration)
      expect(each('seconds "$1" 60; echo "$s"', texts)).toEqual(durations.map(ms => String(Math.ceil(ms / 1_000))))
    }),
    { numRuns: 20 },
  )
})

test('what is no duration, or no number, ends nothing and is its default', () => {
  const text = fc
    .oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789ms$`\'"()* -') }))
    .map(value => value.replaceAll('\0', ''))
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 50 }), texts => {
      for (const line of each('seconds "$1" 60; echo "$s"', texts)) expect(line).toMatch(/^\d{1,11}$/)
      const isNumber = (value: string): boolean => /^(0|[1-9]\d{0,8})$/.test(value)
      const wanted = texts.map(value => (isNumber(value) ? value : ''))
      expect(each('num "$1"; echo "$s"', texts)).toEqual(wanted)
    }),
    { numRuns: 50 },
  )
})

test('a gate of the image is 5 KiB, and no line of it is for another busybox than its own', () => {
  const script = gateScript()
  expect(script.length).toBeLessThan(6_000)
  expect(execFileSync(BUSYBOX, ['sh', '-n', '-c', script], { encoding: 'utf8' })).toBe('')
  const applets = [...script.matchAll(/\$bb (\w+)/g)].map(([, applet]) => applet)
  expect([...new Set(applets)].sort()).toEqual(['chmod', 'cp', 'date', 'mv', 'nc', 'rm', 'sh', 'sleep'])
})
