import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Change, type KubeObject, keyOf, ObjectStore, parseWatchLine } from './store.ts'

const object = (name: string, uid: string, resourceVersion: string): KubeObject => ({
  metadata: { namespace: 'shop', name, uid, resourceVersion },
})
const words = (changes: Change<KubeObject>[]) =>
  changes.map(change => {
    const update = change.kind === 'changed' && change.previous ? 'updated' : change.kind
    return `${update} ${change.object.metadata.name}/${change.object.metadata.uid}`
  })

/** Folds a whole list in. */
function replaceAll<T extends KubeObject>(
  store: ObjectStore<T>,
  { items, resourceVersion }: { items: T[]; resourceVersion: string },
) {
  store.beginList()
  return [...items.flatMap(item => store.listed(item)), ...store.endList(resourceVersion)]
}

describe('a list folded over what was known', () => {
  const cases: Record<string, { items: KubeObject[]; want: string[] }> = {
    'the same again changes nothing': { items: [object('db', 'u1', '5')], want: [] },
    'a new resourceVersion is an update': { items: [object('db', 'u1', '6')], want: ['updated db/u1'] },
    'an older resourceVersion too: etcd may have been restored': {
      items: [object('db', 'u1', '2')],
      want: ['updated db/u1'],
    },
    'what it lacks was deleted': { items: [], want: ['deleted db/u1'] },
    'the same name with another uid is a delete and an add': {
      items: [object('db', 'u2', '9')],
      want: ['deleted db/u1', 'changed db/u2'],
    },
    'what it lacks is known when it is complete': {
      items: [object('web', 'u3', '9')],
      want: ['changed web/u3', 'deleted db/u1'],
    },
  }
  test.each(Object.entries(cases))('%s', (_, { items, want }) => {
    const store = new ObjectStore<KubeObject>()
    replaceAll(store, { items: [object('db', 'u1', '5')], resourceVersion: '5' })
    expect(words(replaceAll(store, { items, resourceVersion: '9' }))).toEqual(want)
    expect(store.list()).toEqual(items)
    expect(store.resourceVersion).toBe('9')
  })
})

test('an object that comes again with its resourceVersion stays the one that is known, so that nobody holds two', () => {
  const store = new ObjectStore<KubeObject>()
  const first = object('db', 'u1', '5')
  replaceAll(store, { items: [first], resourceVersion: '5' })
  replaceAll(store, { items: [object('db', 'u1', '5')], resourceVersion: '9' })
  expect(store.get('shop/db')).toBe(first)
})

test('a list that is begun anew forgets what the one before it has shown', () => {
  const store = new ObjectStore<KubeObject>()
  store.beginList()
  store.listed(object('db', 'u1', '5'))
  expect(store.isListing).toBe(true)
  store.beginList()
  expect(words(store.endList('9'))).toEqual(['deleted db/u1'])
  expect(store.isListing).toBe(false)
})

test('what is kept of an object may be less than what is told, and less again later', () => {
  let isOld = false
  const store = new ObjectStore<KubeObject & { spec?: string }>(o => (isOld ? { metadata: o.metadata } : o))
  expect(replaceAll(store, { items: [{ ...object('db', 'u1', '5'), spec: 'x' }], resourceVersion: '5' })).toMatchObject(
    [{ object: { spec: 'x' } }],
  )
  isOld = true
  store.retainAgain()
  expect(store.list()).toEqual([object('db', 'u1', '5')])
})

describe('watch lines', () => {
  const line = (type: string, value: unknown) => JSON.stringify({ type, object: value })
  const cases: Record<string, { line: string; want: string[]; version: string }> = {
    'ADDED of an unknown object': {
      line: line('ADDED', object('web', 'u2', '7')),
      want: ['changed web/u2'],
      version: '7',
    },
    'MODIFIED of a known one': {
      line: line('MODIFIED', object('db', 'u1', '7')),
      want: ['updated db/u1'],
      version: '7',
    },
    'ADDED under a known name with another uid': {
      line: line('ADDED', object('db', 'u2', '7')),
      want: ['deleted db/u1', 'changed db/u2'],
      version: '7',
    },
    'DELETED of a known one': { line: line('DELETED', object('db', 'u1', '7')), want: ['deleted db/u1'], version: '7' },
    'DELETED of an earlier object of that name': {
      line: line('DELETED', object('db', 'u0', '7')),
      want: [],
      version: '7',
    },
    'BOOKMARK only moves the resourceVersion': {
      line: line('BOOKMARK', { metadata: { resourceVersion: '8' } }),
      want: [],
      version: '8',
    },
    'a type nobody knows yet is skipped': { line: line('PAUSED', object('db', 'u1', '7')), want: [], version: '5' },
    'an object without metadata is skipped': { line: line('ADDED', {}), want: [], version: '5' },
    'ERROR changes nothing': { line: line('ERROR', { code: 410 }), want: [], version: '5' },
  }
  test.each(Object.entries(cases))('%s', (_, { line: text, want, version }) => {
    const store = new ObjectStore<KubeObject>()
    replaceAll(store, { items: [object('db', 'u1', '5')], resourceVersion: '5' })
    expect(words(store.apply(parseWatchLine(text)))).toEqual(want)
    expect(store.resourceVersion).toBe(version)
  })

  test('half a line is a SyntaxError', () => {
    expect(() => parseWatchLine('{"type":"ADD')).toThrow(SyntaxError)
  })
})

/** Folds changes as a consumer would, and checks that each one speaks of the object it thinks is there. */
function fold(folded: Map<string, KubeObject>, changes: Change<KubeObject>[]): void {
  for (const change of changes) {
    const key = keyOf(change.object)
    const before = change.kind === 'deleted' ? change.object : change.previous
    expect(folded.get(key)?.metadata.uid).toBe(before?.metadata.uid)
    if (change.kind === 'deleted') folded.delete(key)
    else folded.set(key, change.object)
  }
}

test('whoever folds the changes has what the store has, and never sees an uid change under an update', () => {
  const some = fc.record({ name: fc.constantFrom('a', 'b', 'c'), uid: fc.constantFrom('1', '2'), rv: fc.nat(9) })
  const made = some.map(({ name, uid, rv }) => object(name, uid, String(rv)))
  const list = fc
    .uniqueArray(made, { selector: keyOf })
    .map(items => ({ kind: 'List' as const, items, resourceVersion: '1' }))
  const event = fc.record({ kind: fc.constantFrom('Changed' as const, 'Deleted' as const), object: made })
  fc.assert(
    fc.property(fc.array(fc.oneof(list, event)), steps => {
      const store = new ObjectStore<KubeObject>()
      const folded = new Map<string, KubeObject>()
      for (const step of steps) {
        fold(folded, step.kind === 'List' ? replaceAll(store, step) : store.apply(step))
        expect(folded).toEqual(new Map(store.list().map(item => [keyOf(item), item])))
      }
    }),
  )
})
