import { expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import type { GateMessage, GateRequest } from '../../core/lease-api.ts'
import { START_GATE } from '../../core/names.ts'
import { VERSION } from '../../core/version.ts'
import type { GateConfig } from './config.ts'
import { waitForGrant } from './wait.ts'

const config: GateConfig = {
  address: '192.0.2.1:443',
  serverName: 'lease-service',
  caPem: '',
  podUid: 'uid-1',
  failOpenAfterMs: 60_000,
  failOpenJitterMs: 0,
  gate: START_GATE,
}
const waiting: GateMessage = { kind: 'waiting', place: 1, of: 1, reason: 'in line' }

test('a gate sends the pressure on its node along, and tells of it anew when asked while it waits', async () => {
  const asked: GateRequest[] = []
  const told: string[] = []
  const toldOnce = Promise.withResolvers<void>()
  const verdict = await waitForGrant({
    config,
    attempt: 1,
    isLost: false,
    client: {
      ask: async (_address, body, _signal, onMessage) => {
        asked.push(body)
        onMessage(waiting)
        onMessage({ ...waiting, pressureTo: '192.0.2.2:8443' })
        await toldOnce.promise
        onMessage({ kind: 'granted', nonce: body.nonce })
        return 'ended'
      },
    },
    tellLoad: async address => {
      told.push(address)
      toldOnce.resolve()
    },
    clock: systemClock,
    random: () => 0,
    newNonce: () => 'nonce-0001',
    readPressure: async () => ({ cpu: 90 }),
    onReason: () => undefined,
  })
  expect(verdict).toMatchObject({ verdict: 'granted' })
  expect(asked).toEqual([{ podUid: 'uid-1', attempt: 1, nonce: 'nonce-0001', version: VERSION, pressure: { cpu: 90 } }])
  expect(told).toEqual(['192.0.2.2:8443'])
})
