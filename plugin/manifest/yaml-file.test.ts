import { expect, test } from 'vitest'
import { ran } from '../testing/made-io.ts'
import { mappingOf } from './yaml-file.ts'

const BOMB = `a: &a [x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: [*c,*c,*c,*c,*c,*c,*c,*c,*c]`

const refused: Record<string, { text: string; want: RegExp }> = {
  'aliases that stand for millions of values': {
    text: BOMB,
    want: /^v\.yaml is not valid YAML: Excessive alias count/,
  },
  'an anchor that holds itself': {
    text: 'a: &a {b: *a}',
    want: /^v\.yaml is not readable YAML: an alias stands inside/,
  },
  'brackets a hundred thousand deep': { text: `a: ${'['.repeat(100_000)}`, want: /^v\.yaml is not valid YAML: / },
  'broken YAML': { text: 'a: [', want: /^v\.yaml is not valid YAML: / },
}
test.each(Object.entries(refused))('one sentence with the file, and exit code 2, for %s', (_, { text, want }) => {
  expect(() => mappingOf(text, 'v.yaml')).toThrow(
    expect.objectContaining({ exitCode: 2, message: expect.stringMatching(want) }),
  )
})

test('an alias that is used twice is no cycle', () => {
  expect(mappingOf('a: &a {x: 1}\nb: [*a, *a]', 'v.yaml')).toEqual({ a: { x: 1 }, b: [{ x: 1 }, { x: 1 }] })
})

test.each(['constructor', '__proto__', 'toString'])('lint reads no pod in an object of kind %s', async kind => {
  const stdin = `apiVersion: v1\nkind: ${kind}\nmetadata: {name: a}\n`
  expect(await ran(['lint', '-f', '-'], { stdin })).toMatchObject({ code: 0, err: '' })
  expect(await ran(['inject', '-f', '-'], { stdin })).toMatchObject({ code: 0, err: '' })
})
