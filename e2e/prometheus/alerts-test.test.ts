import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { alertRules } from '../../charts/monitoring.ts'
import { RULE_TESTS } from './promtool.ts'

test('every alert is seen to fire in the unit tests of the rules', () => {
  const text = readFileSync(RULE_TESTS, 'utf8')
  const fired = [...text.matchAll(/alertname="(\w+)",alertstate="firing"/g)].map(([, name]) => name)
  expect([...new Set(fired)].sort()).toEqual(
    alertRules()
      .map(({ alert }) => alert)
      .sort(),
  )
})
