import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shortenName } from './shorten-name.ts'

test('a name of 63 characters stays; longer ones become labels of at most 63 that differ where the names do', () => {
  const name = fc.stringMatching(/^[a-z]([-a-z0-9]{0,90}[a-z0-9])?$/)
  fc.assert(
    fc.property(name, name, (a, b) => {
      const short = shortenName(a)
      expect(short).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/)
      if (a.length <= 63) expect(short).toBe(a)
      if (a !== b) expect(shortenName(b)).not.toBe(short)
    }),
  )
  const long = `x-${'y'.repeat(80)}`
  expect(shortenName(`${long}a`)).not.toBe(shortenName(`${long}b`))
  expect(shortenName(`${'z'.repeat(53)}---${'z'.repeat(20)}`)).not.toContain('--')
})
