import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Skew, skewOf, VERSION } from './version.ts'

const root = join(import.meta.dirname, '..')

test('the programs, the package and the chart are of one version', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const chart = parse(readFileSync(join(root, 'charts', 'startgate', 'Chart.yaml'), 'utf8'))
  expect([version, String(chart.appVersion)]).toEqual([VERSION, VERSION])
})

const cases: Record<string, { version: string | undefined; want: Skew }> = {
  'the same': { version: '1.9.3', want: 'same' },
  'a build of it': { version: '1.9.3-rc.1', want: 'same' },
  'a minor version back': { version: '1.8.30', want: 'older' },
  'as numbers, not as text': { version: '1.10.0', want: 'newer' },
  'a patch on': { version: '1.9.4', want: 'newer' },
  'none, as before versions were said': { version: undefined, want: 'older' },
  'one that cannot be read': { version: 'tomorrow', want: 'newer' },
}

test.each(Object.entries(cases))('beside 1.9.3: %s', (_, { version, want }) => {
  expect(skewOf(version, '1.9.3')).toBe(want)
})
