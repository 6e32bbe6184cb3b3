import { expect, test } from 'vitest'
import { InvalidValueError } from '../../core/errors.ts'
import { parseYamlMap } from './annotation-yaml.ts'

const read = (text: string) => parseYamlMap('startgate.dev/depends-on', text, ['"web: [db]"'])

test('reads lists and maps of text, whatever YAML would make of the words', () => {
  expect(read('web: [db, 1, on]\n"2": {db: ready, cache:}')).toEqual(
    new Map<string, unknown>([
      ['web', ['db', '1', 'on']],
      ['2', new Map([['db', 'ready'], ['cache', '']])],
    ]), // biome-ignore format: a table
  )
  expect(read('web:\n  - db\n  - cache-1\n"[[[[[": [a - b]')).toEqual(
    new Map([
      ['web', ['db', 'cache-1']],
      ['[[[[[', ['a - b']],
    ]),
  )
})

const bomb = (levels: number) => {
  const lines = Array.from({ length: levels }, (_, i) => `a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`)
  return ['a: &a-1 [x, x]', ...lines].join('\n')
}

const faults: Record<string, { text: string; want: string }> = {
  'a key that is there twice': { text: 'web: [db]\nweb: [cache]', want: 'cannot be read: it has the key "web" twice' },
  'a nested key that is there twice': { text: 'web: {db: ready, db: started}', want: 'cannot be read: it has the key "db" twice' },
  'aliases that stand for millions of values': { text: bomb(25), want: 'it has an alias, which is not supported' },
  'brackets without end': { text: '['.repeat(4_000), want: 'nested more than 8 levels deep' },
  'maps in maps without end': { text: 'a: '.concat('{a: '.repeat(900)), want: 'nested more than 8 levels deep' },
  'lists in lists on one line': { text: '- '.repeat(2_000), want: 'nested more than 8 levels deep' },
  'keys in keys on one line': { text: '? '.repeat(2_000), want: 'nested more than 8 levels deep' },
  'deep by indentation': { text: Array.from({ length: 80 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), want: 'nested too deeply' },
  'a key that is a list': { text: '? [a]\n: b', want: 'a key is not a string' },
  'no YAML': { text: 'web: [db', want: 'is not valid YAML (' },
  'no mapping': { text: 'web', want: 'is not a valid YAML mapping; use "web: [db]"' },
  'nothing': { text: '', want: 'is not a valid YAML mapping' },
} // biome-ignore format: a table
test.each(Object.entries(faults))('refuses %s', (_, { text, want }) => {
  expect(() => read(text)).toThrow(InvalidValueError)
  expect(() => read(text)).toThrow(want)
  try {
    read(text)
  } catch (error) {
    expect((error as Error).message.length).toBeLessThan(400)
  }
})
