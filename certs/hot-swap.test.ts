import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { DEFAULT_LIFETIMES } from './policy.ts'
import { startRotator } from './rotator.ts'
import { FakeCluster, stockedKeys } from './testing/fake-cluster.ts'

const DAY_MS = 24 * 3_600_000
const SERVER_NAME = 'startgate-webhook.startgate-system.svc'

interface Tally {
  ok: number
  failures: string[]
}

/** One request on a connection of its own, trusting `ca` only. */
function request(port: number, ca: string, tally: Tally): Promise<void> {
  return new Promise(resolve => {
    const sent = https.get({ host: '127.0.0.1', port, agent: false, ca, servername: SERVER_NAME }, response => {
      response.resume().on('end', () => {
        tally.ok++
        resolve()
      })
    })
    sent.on('error', error => {
      tally.failures.push(error.message)
      resolve()
    })
  })
}

test('four years of renewals under load: no request fails, whether the client knows the CAs of today or of a year ago', async () => {
  const cluster = new FakeCluster()
  const clock = { nowMs: Date.now(), wallMs: () => clock.nowMs, monotonicMs: () => clock.nowMs }
  const rotator = startRotator({
    secret: cluster,
    publisher: cluster,
    keys: stockedKeys(7, 2048),
    clock,
    log: pino({ level: 'silent' }),
    dnsNames: { serving: [SERVER_NAME], leaseService: [SERVER_NAME] },
    intervalMs: 2 ** 31 - 1,
    // The clients' clock stands still while ours runs, so certificates must be valid long before they are made.
    lifetimes: { ...DEFAULT_LIFETIMES, backdateMs: 3650 * DAY_MS },
  })
  await rotator.poke()
  const first = rotator.current()
  const server = https.createServer({ cert: first?.certPem, key: first?.keyPem }, (_, response) => response.end('ok'))
  let swaps = 0
  rotator.onChange(({ certPem, keyPem }) => {
    server.setSecureContext({ cert: certPem, key: keyPem })
    swaps++
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  const tally: Tally = { ok: 0, failures: [] }
  let done = false
  /** The bundle a gate carries: the one of up to 330 days before. */
  const history: { atMs: number; ca: string }[] = []
  const client = async (caOf: () => string) => {
    while (!done) await request(port, caOf(), tally)
  }
  const clients = [
    client(() => cluster.caBundle ?? ''),
    client(() => history.find(entry => entry.atMs >= clock.nowMs - 330 * DAY_MS)?.ca ?? cluster.caBundle ?? ''),
  ]
  for (let step = 0; step < 97; step++) {
    history.push({ atMs: clock.nowMs, ca: cluster.caBundle ?? '' })
    clock.nowMs += 15 * DAY_MS
    const before = tally.ok
    await rotator.poke()
    while (tally.ok < before + 2 && tally.failures.length === 0) await new Promise(resolve => setImmediate(resolve))
  }
  done = true
  await Promise.all(clients)
  rotator.stop()
  server.close()

  expect(tally.failures).toEqual([])
  expect(tally.ok).toBeGreaterThan(190)
  expect(swaps).toBeGreaterThanOrEqual(97)
  expect(new Set(cluster.published).size).toBeGreaterThanOrEqual(5)
}, 60_000)
