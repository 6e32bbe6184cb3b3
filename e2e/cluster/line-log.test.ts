import { expect, test } from 'vitest'
import { lineLog } from './line-log.ts'

function written(out: { isTTY?: boolean; columns?: number }, use: (log: ReturnType<typeof lineLog>) => void): string {
  let text = ''
  use(lineLog({ ...out, write: piece => (text += piece) }, '  '))
  return text
}

test('on a terminal a line takes the place of the one before it', () => {
  const text = written({ isTTY: true, columns: 80 }, log => {
    log.rewrite?.('1 of 2')
    log.rewrite?.('2 of 2')
    log('done')
    log('next')
  })
  expect(text).toBe('  1 of 2\r\u001b[K  2 of 2\r\u001b[K  done\n  next\n')
})

test('a line that is rewritten is cut to the terminal, one that stays is not', () => {
  const long = 'x'.repeat(20)
  expect(written({ isTTY: true, columns: 10 }, log => log.rewrite?.(long))).toBe('  xxxxxxx')
  expect(written({ isTTY: true, columns: 0 }, log => log.rewrite?.(long))).toBe(`  ${long}`)
  expect(written({ isTTY: true, columns: 10 }, log => log(long))).toBe(`  ${long}\n`)
})

test('elsewhere nothing is rewritten', () => {
  expect(written({}, log => expect(log.rewrite).toBeUndefined())).toBe('')
})
