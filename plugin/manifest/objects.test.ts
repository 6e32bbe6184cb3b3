import { expect, test } from 'vitest'
import { objectsIn } from './objects.ts'

const read = (text: string) => objectsIn([{ file: 'f', text }])
const POD = (name: string) => `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\n`

test('objects of documents, of Lists in them, and their lines', () => {
  const text = `# a comment\n---\n${POD('a')}---\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: b\n- ${JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'c' } })}\n`
  const { found, unreadable } = read(text)
  expect(unreadable).toEqual([])
  expect(found.map(({ name, document, line }) => [name, document, line])).toEqual([
    ['a', 1, 3],
    ['b', 3, 11],
    ['c', 3, 15],
  ])
  expect(found[1]?.lineOf(['metadata', 'name'])).toBe(14)
  expect(found[1]?.lineOf(['metadata', 'labels', 'x'])).toBe(13)
  expect(found[1]?.lineOf(['spec'])).toBe(11)
})

test('JSON is read too', () => {
  expect(read('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"j"}}').found[0]).toMatchObject({
    name: 'j',
    line: 1,
  })
})

const unreadable: Record<string, { text: string; want: string; line?: number }> = {
  'values of a chart': { text: 'replicas: 2', want: 'is not a Kubernetes object: it has no apiVersion and no kind' },
  'a kind without an apiVersion': { text: 'kind: Pod', want: 'is not a Kubernetes object: it has no apiVersion' },
  prose: { text: 'Dear all,\nhello', want: 'is not a Kubernetes object: it is a bare value' },
  'a bare list': { text: '- a', want: 'is not a Kubernetes object: it is a list' },
  'broken YAML': { text: `${POD('a')}---\nkind: [`, want: 'is not valid YAML: ', line: 5 },
  'a List of other things': { text: 'kind: List\napiVersion: v1\nitems: [1]', want: 'it is a bare value', line: 3 },
  'aliases that stand for millions of values': {
    text: `apiVersion: v1\nkind: Pod\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]`,
    want: 'Excessive alias count',
  },
  'an anchor that holds itself': {
    text: 'apiVersion: v1\nkind: Pod\nmetadata: &m {name: a, self: [{again: *m}]}',
    want: 'is not readable YAML: an alias stands inside its own anchor',
  },
  'brackets a hundred thousand deep': { text: '['.repeat(100_000), want: 'nested too deeply' },
}
test.each(Object.entries(unreadable))('a sentence for %s', (_, { text, want, line }) => {
  const { unreadable } = read(text)
  expect(unreadable).toHaveLength(1)
  expect(unreadable[0]?.sentence).toContain(want)
  if (line) expect(unreadable[0]?.line).toBe(line)
})

test('nothing but comments is nothing', () => {
  expect(read('# nothing\n---\n')).toEqual({ found: [], unreadable: [] })
  expect(read('')).toEqual({ found: [], unreadable: [] })
})

test('ten thousand keys of one mapping take no time', () => {
  const keys = Array.from({ length: 50_000 }, (_, i) => `k${i}: v`).join('\n')
  const startMs = performance.now()
  expect(read(`apiVersion: v1\nkind: ConfigMap\ndata:\n${keys.replace(/^/gm, '  ')}`).found).toHaveLength(1)
  expect(performance.now() - startMs).toBeLessThan(20_000)
})
