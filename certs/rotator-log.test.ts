import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { startRotator } from './rotator.ts'
import { FakeCluster, stockedKeys } from './testing/fake-cluster.ts'

/** A rotator that checks only when poked, and what it has logged, without the news of each certificate. */
function logged(cluster: FakeCluster) {
  const lines: string[] = []
  const rotator = startRotator({
    secret: cluster,
    publisher: cluster,
    keys: stockedKeys(3),
    clock: { wallMs: () => Date.UTC(2026, 0, 1), monotonicMs: () => 0 },
    log: pino({ level: 'info' }, { write: line => void lines.push(JSON.parse(line).msg) }),
    dnsNames: { serving: ['a.svc'], leaseService: ['b.svc'] },
    intervalMs: 2 ** 31 - 1,
  })
  onTestFinished(() => rotator.stop())
  return { rotator, lines }
}

test('a serving replica that cannot publish says so once when it begins, and once when it is over', async () => {
  const cluster = new FakeCluster()
  const { rotator, lines } = logged(cluster)
  await rotator.poke()
  lines.length = 0
  for (let time = 0; time < 2; time++) {
    cluster.publishFault = new Error('forbidden')
    for (let check = 0; check < 3; check++) await rotator.poke()
    cluster.publishFault = undefined
    for (let check = 0; check < 3; check++) await rotator.poke()
  }
  const episode = [
    'CA bundle cannot be written into the webhook configuration',
    'CA bundle can be written into the webhook configuration again',
  ]
  expect(lines).toEqual([...episode, ...episode])
})

test('what certificates did not settle on is said: the last step and its reason', async () => {
  const cluster = new FakeCluster()
  cluster.create = async () => 'Conflict'
  const { rotator, lines } = logged(cluster)
  await rotator.poke()
  expect(lines).toContain(
    'certificates cannot be checked: certificates did not settle in 10 steps: the last was create (SecretMissing)',
  )
})
