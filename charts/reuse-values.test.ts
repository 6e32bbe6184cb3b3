import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { parseClusterConfig } from '../core/cluster-config.ts'
import { CHART, type Manifest, nameOf, render } from './helm.ts'

const FORMER_VALUES = join(import.meta.dirname, 'former-values.yaml')

/** As `helm upgrade --reuse-values` does: the chart with the default values of another version in place of its own. */
function renderWithDefaults(defaults: string, args: string[] = []): Promise<Manifest[]> {
  const folder = mkdtempSync(join(tmpdir(), 'startgate-chart-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  cpSync(CHART, folder, { recursive: true })
  writeFileSync(join(folder, 'values.yaml'), defaults)
  return render(args, folder)
}

function withoutCpuRequest(manifests: Manifest[]): object[] {
  return manifests.map(({ spec, ...manifest }) => {
    const [container] = spec?.template?.spec.containers ?? []
    delete container?.resources?.requests?.cpu
    return { ...manifest, spec }
  })
}

function configOf(manifests: Manifest[]): ReturnType<typeof parseClusterConfig> {
  const found = manifests.find(manifest => nameOf(manifest) === 'ConfigMap startgate-system/startgate-config')
  return parseClusterConfig(found?.data?.['config.json'] ?? '')
}

test('an upgrade with the values of a former version takes the defaults of what is new', async () => {
  const upgraded = await renderWithDefaults(readFileSync(FORMER_VALUES, 'utf8'))
  // The one default that has changed.
  expect(withoutCpuRequest(upgraded)).toEqual(withoutCpuRequest(await render()))
})

test('a new value that is set beside the values of a former version is taken, false too', async () => {
  const set = ['webhook.allowOptOut=false', 'metrics.authorization=false', 'leaseService.writeConditions=false']
  const args = set.flatMap(value => ['--set', value])
  const former = readFileSync(FORMER_VALUES, 'utf8')
  expect(withoutCpuRequest(await renderWithDefaults(former, args))).toEqual(withoutCpuRequest(await render(args)))
})

interface Schema {
  properties?: Record<string, Schema>
  required?: string[]
}

/** Of default values those that the schema demands. */
function demanded(values: object, { properties = {}, required = [] }: Schema): object {
  const kept = Object.entries(values).filter(([name]) => required.includes(name))
  return Object.fromEntries(
    kept.map(([name, value]) => {
      const schema = properties[name]
      return [name, schema?.properties ? demanded(value as object, schema) : value]
    }),
  )
}

test('a value that may be absent is no reason for the programs to refuse their configuration', async () => {
  const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as Schema
  const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as object
  const rendered = await renderWithDefaults(stringify(demanded(values, schema)))
  // Of these two null is a value of its own, not the default.
  const nulls = ['--set', 'runAsUser=null', '--set', 'limits.node.maxPulling=null']
  expect(configOf(rendered)).toEqual(configOf(await render(nulls)))
})

test.each([
  ['failOpenAfter', /missing property 'failOpenAfter'/],
  ['limits.node.maxPressure', /'\/limits\/node'.*missing property 'maxPressure'/],
  ['leaseService.port', /'\/leaseService'.*missing property 'port'/],
])('a value without which nothing can start is demanded by its name: %s', async (name, want) => {
  await expect(render(['--set', `${name}=null`])).rejects.toThrow(want)
})
