import { expect, test } from 'vitest'
import { parseConfig } from './config.ts'

const good = {
  STARTGATE_GATE: 'startgate-pull',
  STARTGATE_ADDRESS: '10.96.0.7:443',
  STARTGATE_SERVER_NAME: 'startgate-lease-service.startgate-system.svc',
  STARTGATE_CA: 'pem',
  STARTGATE_POD_UID: 'uid-1',
  STARTGATE_FAIL_OPEN_AFTER: '90s',
  STARTGATE_FAIL_OPEN_JITTER: '0s',
}

test('a complete environment has no faults', () => {
  const { config, faults } = parseConfig(good)
  expect(faults).toEqual([])
  expect(config).toMatchObject({
    gate: 'startgate-pull',
    failOpenAfterMs: 90_000,
    failOpenJitterMs: 0,
    podUid: 'uid-1',
  })
})

test('every fault is named at once, and the gate still has a patience', () => {
  const { config, faults } = parseConfig({ STARTGATE_GATE: 'startgate-rest', STARTGATE_FAIL_OPEN_AFTER: 'soon' })
  expect(faults).toHaveLength(6)
  expect(faults.join('\n')).toContain(
    'STARTGATE_FAIL_OPEN_AFTER: "soon" is not a valid duration; use 90s, 2m or never (fail closed)',
  )
  expect(config.failOpenAfterMs).toBe(60_000)
})

test('a gate that never fails open has no end to its patience', () => {
  const { config, faults } = parseConfig({ ...good, STARTGATE_FAIL_OPEN_AFTER: 'never' })
  expect(faults).toEqual([])
  expect(config.failOpenAfterMs).toBe(Number.POSITIVE_INFINITY)
  expect(parseConfig({ ...good, STARTGATE_FAIL_OPEN_JITTER: 'never' }).faults).toHaveLength(1)
})
