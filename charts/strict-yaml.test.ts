import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { CHART, helm } from './helm.ts'

const CASES = join(import.meta.dirname, 'testdata')
const APIS = ['cert-manager.io/v1', 'monitoring.coreos.com/v1'].flatMap(api => ['--api-versions', api])
/** What a case leaves off, so that every template is looked at in every case. */
const ALL_ON = ['podMonitor', 'prometheusRule', 'dashboard'].flatMap(part => [
  '--set',
  `monitoring.${part}.enabled=true`,
])

/** What a parser has against a text that takes no key twice; helm and kubectl let the last one win. */
function faultsIn(text: string): string[] {
  return parseAllDocuments(text, { strict: true, uniqueKeys: true, stringKeys: true }).flatMap(document =>
    [...document.errors, ...document.warnings].map(({ message }) => message),
  )
}

test('a key that is there twice is a fault', () => {
  expect(faultsIn('a: 1\nb: {c: 1, c: 2}\n').join()).toContain('Map keys must be unique')
})

test.each(['values.yaml', 'Chart.yaml', 'monitoring/rules.yaml', 'values.schema.json', 'monitoring/dashboard.json'])(
  '%s has no key twice',
  file => {
    expect(faultsIn(readFileSync(join(CHART, file), 'utf8'))).toEqual([])
  },
)

describe.each(readdirSync(CASES))('rendered with the values of %s', name => {
  test('no manifest has a key twice', async () => {
    const values = ['--values', join(CASES, name, 'values.yaml')]
    const text = await helm([
      'template',
      'startgate',
      CHART,
      '--namespace',
      'startgate-system',
      ...values,
      ...APIS,
      ...ALL_ON,
    ])
    expect(text.length).toBeGreaterThan(10_000)
    expect(faultsIn(text)).toEqual([])
  })
})
