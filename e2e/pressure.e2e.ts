import { beforeAll, expect, test } from 'vitest'
import { parsePressure } from '../core/pressure.ts'
import { APP_IMAGE } from './cluster/cluster.ts'
import { limits } from './framework/limits.ts'
import { allReady } from './framework/pod-waits.ts'
import { E2E_VALUES, namespaceFor, observerFor, openSession, type Session } from './framework/session.ts'
import type { TestNamespace } from './framework/test-namespace.ts'
import { waitFor } from './framework/wait-for.ts'
import { deployment } from './framework/workloads.ts'

/** Above what the starts of this herd make on two cores, and below what endless loops make (85 to 95 %). */
const MAX_CPU = 70
const HERD = 12
const BURNERS = 8

let session: Session
beforeAll(async () => {
  const { node, ...others } = E2E_VALUES.limits as { node: object }
  const limitsWithPressure = { ...others, node: { ...node, maxPressure: { cpu: MAX_CPU } } }
  session = await openSession({ ...E2E_VALUES, limits: limitsWithPressure })
})

/** Pods that nobody gates and that never sleep. They have the least weight, so the cluster itself goes on. */
async function burn(node: string): Promise<{ namespace: TestNamespace; cpuPressure: () => Promise<number> }> {
  const namespace = await namespaceFor(session, { word: 'burn' })
  const burners = deployment('burn', BURNERS, { image: APP_IMAGE, node, probe: 'none' })
  const { template } = burners.spec as {
    template: { spec: { terminationGracePeriodSeconds: number; containers: { command: string[] }[] } }
  }
  template.spec.terminationGracePeriodSeconds = 0
  for (const container of template.spec.containers) container.command = ['sh', '-c', 'while :; do :; done']
  await namespace.apply([burners])
  const read = ['exec', '-n', namespace.name, 'deployment/burn', '--', 'cat', '/proc/pressure/cpu']
  const cpuPressure = async () => parsePressure(await session.kubectl.text(read).catch(() => '')) ?? 0
  return { namespace, cpuPressure }
}

/** What the gates say of the pressure they wait for. */
async function reasonsOf(namespace: TestNamespace): Promise<Set<string>> {
  const args = ['logs', '-n', namespace.name, '-l', 'app=web', '-c', 'startgate-start', '--tail=-1']
  const log = await session.kubectl.text([...args, '--max-log-requests=20', '--ignore-errors'])
  return new Set(log.match(/start: node \S+, under cpu pressure of \d+ % \(at most \d+ %\), has \d of 1 slots in use/g))
}

test('a node under CPU pressure starts one container at a time, and several when it is over', async () => {
  const [node = ''] = session.workers
  const observer = await observerFor(session)
  const { namespace: burning, cpuPressure } = await burn(node)
  await waitFor(`CPU pressure on ${node}`, async () => (await cpuPressure()) > MAX_CPU + 10, limits.pressure)

  const namespace = await namespaceFor(session, { word: 'pressure', gated: true })
  await namespace.apply([deployment('web', HERD, { image: APP_IMAGE, startSeconds: 4, node })])
  const readyNow = () => observer.starting([namespace.name]).spans.filter(s => s.endedBy === 'ready').length
  await waitFor('two pods ready in spite of the pressure', () => readyNow() >= 2, limits.herdReady)
  const reasons = await reasonsOf(namespace)
  expect(await cpuPressure()).toBeGreaterThan(MAX_CPU)
  expect(observer.starting([namespace.name]).byNode[node]?.count).toBe(1)
  expect([...reasons].join('\n')).toMatch(
    new RegExp(
      `^start: node ${node}, under cpu pressure of (9\\d|100) % \\(at most ${MAX_CPU} %\\), has 1 of 1 slots in use`,
    ),
  )

  await burning.remove()
  await allReady(observer, namespace.name, HERD, limits.herdReady)
  const { count } = observer.starting([namespace.name]).peak
  expect(count).toBeGreaterThan(1)
  process.stderr.write(`  ${reasons.size} reasons like "${[...reasons][0]}"; ${count} at once afterwards\n`)
})
