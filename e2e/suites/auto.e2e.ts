import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { APP_IMAGE } from '../cluster/app-image.ts'
import { leaseServices, signal } from '../faults/node-processes.ts'
import { startGateLogs } from '../harness/gate-verdict.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import { waitersReady } from '../harness/node-waiters.ts'
import { deployment } from '../harness/pod-templates.ts'
import { allReady } from '../harness/pod-waits.ts'
import { E2E_VALUES, namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

const KEY = 'startgate.dev/max-starting-per-node'
/** More than a node has by default. */
const GROWN = 5
/** So few that a herd outlasts a change of leaders. */
const MOST = 8

let session: Session
beforeAll(async () => {
  const { node, ...others } = E2E_VALUES.limits as { node: object }
  const values = { ...E2E_VALUES, limits: { ...others, node: { ...node, maxStartingAutoMax: MOST } } }
  session = await openSession({ ...values, nodeWaiter: { enabled: true } })
  await waitersReady(session.kubectl)
})

/**
 * `auto` on one worker, taken off again when the test ends; returns the worker's name. Each test has a worker of its
 * own: a herd that comes within a minute of another begins with what that one had found.
 */
async function autoNode({ kubectl, workers }: Session, which: number): Promise<string> {
  const node = workers[which] ?? ''
  onTestFinished(async () => void (await kubectl.run(['annotate', 'node', node, `${KEY}-`])))
  await kubectl.run(['annotate', 'node', node, '--overwrite', `${KEY}=auto`])
  return node
}

/** A namespace that limits nothing by itself. */
const opened = (word: string): Promise<TestNamespace> =>
  namespaceFor(session, { word, gated: true, settings: { 'max-starting': '100', 'max-starting-per-node': '100' } })

/** The limits that its gates were told of, in no order. */
async function limitsTold(namespace: TestNamespace, node: string): Promise<number[]> {
  const log = await startGateLogs(namespace)
  return [...log.matchAll(new RegExp(`node ${node}, auto: (\\d+) now, `, 'g'))].map(([, limit]) => Number(limit))
}

test('starts that only sleep: the node lets more and more start, and a new leader goes on with what was found', async () => {
  const node = await autoNode(session, 0)
  const observer = await observerFor(session)
  const namespace = await opened('sleeping')
  await namespace.apply([deployment('web', 30, { image: APP_IMAGE, startSeconds: 25, node })])
  const peak = () => observer.starting([namespace.name]).peak.count
  await waitFor('more starts at once than by default', () => peak() > GROWN, limits.herdReady)
  const saved = async () => (await session.kubectl.text(AUTO_LEASES)).includes(`n/${node}`)
  await waitFor('what was found in a Lease', saved, limits.herdReady)

  const [leader] = await leaseServices(session.cluster, session.kubectl)
  if (!leader) throw new Error('no lease service runs')
  await signal(session.cluster, leader, 'KILL')
  await allReady(observer, namespace.name, 30, limits.faultedHerd)
  const told = await limitsTold(namespace, node)
  expect(Math.max(...told)).toBeGreaterThan(GROWN)
  expect(peak()).toBeLessThanOrEqual(MOST)
  expect(await startGateLogs(namespace)).toMatch(/auto: \d+ now, (CPU \d+ % busy|learned before|no figures now)/)
  process.stderr.write(`  at once: ${peak()}, told: ${told.join(' ')}\n`)
})

test('starts that burn CPU: few at once, and who waits is told why', async () => {
  const node = await autoNode(session, 1)
  const observer = await observerFor(session)
  const namespace = await opened('burning')
  const burning = deployment('web', 8, { image: APP_IMAGE, startSeconds: 8, probe: 'file', node })
  const { template } = burning.spec as { template: { spec: { containers: { command: string[] }[] } } }
  // Three processes each: what a JVM does while it compiles.
  const burn =
    'for i in 1 2 3; do timeout $START_SECONDS sh -c "while :; do :; done" & done; wait; touch /state/ready; sleep 3600'
  for (const container of template.spec.containers) container.command = ['sh', '-c', `rm -f /state/ready; ${burn}`]
  await namespace.apply([burning])
  await allReady(observer, namespace.name, 8, limits.herdReady)
  const told = await limitsTold(namespace, node)
  process.stderr.write(`  at once: ${observer.starting([namespace.name]).peak.count}, told: ${told.join(' ')}\n`)
  expect(observer.starting([namespace.name]).peak.count).toBeLessThanOrEqual(GROWN)
  expect(Math.max(...told)).toBeLessThanOrEqual(GROWN)
  expect(await startGateLogs(namespace)).toMatch(/auto: \d+ now, CPU \d+ % busy/)
})

const AUTO_LEASES = [
  'get',
  'leases',
  '-n',
  SYSTEM_NAMESPACE,
  '-l',
  'startgate.dev/auto',
  '-o',
  'jsonpath={.items[*].metadata.annotations}',
]
