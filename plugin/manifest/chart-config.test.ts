import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { render } from '../../charts/helm.ts'
import { VERSION } from '../../core/version.ts'
import { checkKnown, configOf, mergedValues } from './chart-config.ts'
import { chartDefaults } from './chart-defaults.ts'

const TESTDATA = join(import.meta.dirname, '..', '..', 'charts', 'testdata')
/** What the test cases need of their cluster. */
const OPERATORS = ['cert-manager.io/v1', 'monitoring.coreos.com/v1'].flatMap(api => ['--api-versions', api])
const defaults = parse(chartDefaults())

test.each(readdirSync(TESTDATA))('makes the config.json that helm makes: %s', async name => {
  const file = join(TESTDATA, name, 'values.yaml')
  expect(existsSync(file)).toBe(true)
  const given = parse(readFileSync(file, 'utf8')) ?? {}
  expect(() => checkKnown(defaults, given, file)).not.toThrow()
  const manifests = await render(['--values', file, ...OPERATORS])
  const text = manifests.find(({ metadata }) => metadata.name === 'startgate-config')?.data?.['config.json']
  const config = configOf(mergedValues(defaults, given), { namespace: 'startgate-system', appVersion: VERSION })
  expect(config).toEqual(JSON.parse(text ?? ''))
})

test('a value that the chart does not have is told, with its place', () => {
  expect(() => checkKnown(defaults, { limits: { clutser: {} } }, 'v.yaml')).toThrow(
    'v.yaml: limits: clutser is not a value of the chart; use cluster, node, nodePools',
  )
  expect(() => checkKnown(defaults, { limits: { registries: { 'docker.io': 1 } } }, 'v.yaml')).not.toThrow()
})
