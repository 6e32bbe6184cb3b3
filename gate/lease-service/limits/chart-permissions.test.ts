import { expect, test } from 'vitest'
import { foldNamespace } from '../../../core/namespace-settings.ts'
import { madeNamespace } from '../testing/made-pods.ts'
import { withinPermissions } from './chart-permissions.ts'

const annotations = {
  'startgate.dev/max-starting': '4',
  'startgate.dev/min-start-rate': '6/min',
  'startgate.dev/max-wait': '10m',
  'startgate.dev/weight': '3',
}
const fold = foldNamespace(undefined, madeNamespace(annotations))

test('without permission what lifts a namespace over others is not in force, and a problem says what to do', () => {
  const { settings, problems } = withinPermissions(fold, { allowFloor: false, allowWeight: false }, annotations)
  expect(settings).toEqual({ maxStarting: 4 })
  expect(problems.map(p => p.message)).toEqual([
    `startgate.dev/min-start-rate: "6/min" needs limits.allowFloor: true in the chart's values; set it, or remove the annotation`,
    `startgate.dev/max-wait: "10m" needs limits.allowFloor: true in the chart's values; set it, or remove the annotation`,
    `startgate.dev/weight: "3" needs limits.allowWeight: true in the chart's values; set it, or remove the annotation`,
  ])
})

test('with permission all of it is', () => {
  const { settings, problems } = withinPermissions(fold, { allowFloor: true, allowWeight: true }, annotations)
  expect(settings).toEqual({
    maxStarting: 4,
    minStartRate: { count: 6, periodMs: 60_000 },
    maxWaitMs: 600_000,
    weight: 3,
  })
  expect(problems).toEqual([])
})
