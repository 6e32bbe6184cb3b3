import { expect, test } from 'vitest'
import type { ObjectMeta } from '../../core/pod.ts'
import { EventBudget, eventSubjectOf, type Ungated, ungatedEvent } from './ungated.ts'

const replicaSet = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d8', uid: 'u-1', controller: true }
const NAMESPACE = { apiVersion: 'v1', kind: 'Namespace', name: 'shop', uid: '', namespace: 'shop' }
const { controller: _, ...owner } = { ...replicaSet, namespace: 'shop' }

const owners: Record<string, { references: unknown; want: object }> = {
  'the controller': { references: [{ ...replicaSet, controller: false }, replicaSet], want: owner },
  'the namespace, without a controller': { references: [{ ...replicaSet, controller: false }], want: NAMESPACE },
  'the namespace, without an owner': { references: undefined, want: NAMESPACE },
  'the namespace, where the name is none': { references: [{ ...replicaSet, name: 'a/../b' }], want: NAMESPACE },
  'nor too long': { references: [{ ...replicaSet, name: 'a'.repeat(254) }], want: NAMESPACE },
  'nor the uid': { references: [{ ...replicaSet, uid: 'a'.repeat(300_000) }], want: NAMESPACE },
  'nor of another type': { references: [{ ...replicaSet, kind: { a: 1 } }], want: NAMESPACE },
  'nor null': { references: null, want: NAMESPACE },
}

test.each(Object.entries(owners))('tells %s', (_, { references, want }) => {
  expect(eventSubjectOf({ ownerReferences: references } as ObjectMeta, 'shop')).toEqual(want)
})

const ungated = (changes: Partial<Ungated> = {}): Ungated => ({
  namespace: 'shop',
  owner,
  reason: 'GateDoesNotFit',
  sentence: 'not gated: a gate needs 96Mi',
  ...changes,
})
const another = (uid: number | string) => ungated({ owner: { ...owner, uid: String(uid) } })

test('each owner and reason is told once in ten minutes', () => {
  const budget = new EventBudget()
  const said = (news: Ungated, nowMs: number) => budget.admit(news, nowMs)
  expect([said(ungated(), 0), said(ungated({ sentence: 'otherwise' }), 1), said(ungated(), 599_999)]).toEqual([
    true,
    false,
    false,
  ])
  expect([said(another('u-2'), 2), said(ungated({ reason: 'PatchRefused' }), 2)]).toEqual([true, true])
  expect(said(ungated(), 600_000)).toBe(true)
})

test('a namespace of many made-up owners silences itself only', () => {
  const budget = new EventBudget()
  const said = Array.from({ length: 1_000 }, (_, uid) => budget.admit(another(uid), uid)).filter(Boolean)
  expect(said).toHaveLength(20)
  expect(budget.admit({ ...ungated(), namespace: 'other' }, 1_000)).toBe(true)
  expect(budget.admit(another('again'), 600_000)).toBe(true)
})

test('the longest silent namespaces are forgotten, the others not', () => {
  const budget = new EventBudget({ repeatMs: 600_000, perNamespace: 20, namespaces: 2 })
  const said = (namespace: string, reason = 'GateDoesNotFit') => budget.admit({ ...ungated({ reason }), namespace }, 0)
  expect([said('a'), said('b'), said('a', 'PatchRefused'), said('c')]).toEqual([true, true, true, true])
  expect([said('a'), said('c'), said('b')]).toEqual([false, false, true])
})

test('what is said of one owner and reason is one Event, in other words too', () => {
  const [first, second] = [ungatedEvent(ungated()), ungatedEvent(ungated({ sentence: 'otherwise' }))]
  expect(first).toMatchObject({ type: 'Warning', reason: 'GateDoesNotFit', regarding: owner, id: second.id })
  expect(first.note).toBe('Pods start ungated: a gate needs 96Mi')
  expect(ungatedEvent(another('u-2')).id).not.toBe(first.id)
})
