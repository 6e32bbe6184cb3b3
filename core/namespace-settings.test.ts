import { expect, test } from 'vitest'
import { foldNamespace } from './namespace-settings.ts'

const namespace = (annotations: Record<string, string>) => ({ metadata: { name: 'shop', annotations } })

test('a bad value keeps the last good one of its field and is reported', () => {
  const good = foldNamespace(
    undefined,
    namespace({ 'startgate.dev/max-starting': '2', 'startgate.dev/max-pulling': '3' }),
  )
  const bad = foldNamespace(good, namespace({ 'startgate.dev/max-starting': 'many', 'startgate.dev/max-pulling': '4' }))
  expect(bad.settings).toEqual({ maxStarting: 2, maxPulling: 4 })
  expect(bad.problems.map(problem => problem.message)).toEqual([
    'startgate.dev/max-starting: "many" is not a valid whole number; use 4 or 0 (freezes)',
  ])
})

test('a bad value that never was good leaves the default', () => {
  expect(foldNamespace(undefined, namespace({ 'startgate.dev/max-starting': '-1' })).settings).toEqual({})
})

test('a removed annotation is no longer in force', () => {
  const good = foldNamespace(undefined, namespace({ 'startgate.dev/max-starting': '2' }))
  expect(foldNamespace(good, namespace({})).settings).toEqual({})
})

test('an unknown annotation of ours is a problem that names the known ones', () => {
  const { problems } = foldNamespace(undefined, namespace({ 'startgate.dev/max-startign': '2' }))
  expect(problems[0]?.message).toContain('use one of startgate.dev/max-starting,')
})
