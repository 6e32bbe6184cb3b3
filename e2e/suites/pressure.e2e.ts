import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { cpuShares, parseCpuTimes } from '../../core/cpu-times.ts'
import { type PressureResource, parsePressure } from '../../core/pressure.ts'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { startGateLogs } from '../harness/gate-verdict.ts'
import { waitersReady } from '../harness/node-waiters.ts'
import { deployment } from '../harness/pod-templates.ts'
import { allReady } from '../harness/pod-waits.ts'
import { E2E_VALUES, namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import type { Observer } from '../observer/observer.ts'

const HERD = 10
const BURNERS = 8
/** What makes eight that wait for their own limit nearly all the time, and one part in twelve of two CPUs. */
const SMALL_CPU = '20m'
/** Of CPUs that are at work for a larger part pressure tells of them. */
const BUSY = 0.7
const BUSY_MS = 5_000

/** What makes pressure, and a maximum between what it makes and what the starts of a herd make themselves. */
const MADE: Record<'cpu' | 'io', { max: number; script: string }> = {
  // A new process each time, or the kernel would leave all loops on one core: they hardly weigh anything.
  cpu: { max: 60, script: 'while :; do (:); done' },
  // Only reads: etcd's writes are on the same disk. Large ones: they wait for it also where starts leave them little
  // CPU.
  io: {
    max: 20,
    script:
      'dd if=/dev/urandom of=/state/read bs=1M count=32; while :; do dd if=/state/read of=/dev/null bs=1M iflag=direct; done',
  },
}

/** Who tells the leader: each gate for itself, or the waiter of the node. */
type Teller = 'gates' | 'waiter'

async function openWithMaximum(resource: PressureResource, max: number, teller: Teller): Promise<Session> {
  const { node, ...others } = E2E_VALUES.limits as { node: object }
  const maxima = { ...others, node: { ...node, maxPressure: { [resource]: max } } }
  const session = await openSession({ ...E2E_VALUES, limits: maxima, nodeWaiter: { enabled: teller === 'waiter' } })
  if (teller === 'waiter') await waitersReady(session.kubectl)
  return session
}

interface Burner {
  command: string[]
  resources?: { limits: { cpu: string } }
}

interface Pressed {
  /** Where the pods that make the pressure are. */
  namespace: TestNamespace
  /** What the node's kernel says. */
  percent: () => Promise<number>
  /** Part of the node's CPUs that is at work, over some seconds. */
  busy: () => Promise<number>
}

/**
 * Puts a node under pressure by pods that nobody gates. They have the least weight, so the cluster itself goes on.
 * `cpuLimit`: of each of them.
 */
async function press(session: Session, node: string, resource: 'cpu' | 'io', cpuLimit?: string): Promise<Pressed> {
  const { max, script } = MADE[resource]
  const namespace = await namespaceFor(session, { word: 'press' })
  const burners = deployment('burn', BURNERS, { image: APP_IMAGE, node, probe: 'none' })
  const { template } = burners.spec as {
    template: { spec: { terminationGracePeriodSeconds: number; containers: Burner[] } }
  }
  template.spec.terminationGracePeriodSeconds = 0
  for (const container of template.spec.containers) {
    container.command = ['sh', '-c', `exec 2>/dev/null; ${script}`]
    if (cpuLimit !== undefined) container.resources = { limits: { cpu: cpuLimit } }
  }
  await namespace.apply([burners])
  const read = (file: string): Promise<string> =>
    session.kubectl.text(['exec', '-n', namespace.name, 'deployment/burn', '--', 'cat', file])
  const percent = async () => parsePressure(await read(`/proc/pressure/${resource}`)) ?? 0
  const busy = async () => {
    const before = parseCpuTimes(await read('/proc/stat'))
    await sleep(BUSY_MS)
    const after = parseCpuTimes(await read('/proc/stat'))
    return (before && after && cpuShares(before, after)?.busy) ?? 1
  }
  await waitFor(`${resource} pressure on ${node}`, async () => (await percent()) > max + 5, limits.pressure)
  return { namespace, percent, busy }
}

/** What the gates say of the pressure they wait for. */
async function reasonsOf(namespace: TestNamespace): Promise<string[]> {
  const log = await startGateLogs(namespace)
  const pattern = /start: node \S+, under \w+ pressure of \d+ % \(at most \d+ %\), has 1 of 1 slots in use/g
  return [...new Set(log.match(pattern))]
}

/** The node's annotation, taken off again when the test ends. */
async function annotate({ kubectl }: Session, node: string, maxPressure: string): Promise<void> {
  const key = 'startgate.dev/max-pressure'
  onTestFinished(async () => void (await kubectl.run(['annotate', 'node', node, `${key}-`])))
  await kubectl.run(['annotate', 'node', node, '--overwrite', `${key}=${maxPressure}`])
}

const startedOnes = (observer: Observer, namespace: string): number =>
  observer.starting([namespace]).spans.filter(span => span.endedBy === 'ready').length

test.each([
  ['cpu', 'waiter'],
  ['io', 'gates'],
] as const)('a node under %s pressure, told of by its %s, starts one container at a time', async (resource, teller) => {
  const { max } = MADE[resource]
  const session = await openWithMaximum(resource, max, teller)
  const [node = ''] = session.workers
  const observer = await observerFor(session)
  const pressed = await press(session, node, resource)

  const namespace = await namespaceFor(session, { word: resource, gated: true })
  await namespace.apply([deployment('web', HERD, { image: APP_IMAGE, startSeconds: 4, node })])
  const twoStarted = () => startedOnes(observer, namespace.name) >= 2
  await waitFor('two pods ready in spite of the pressure', twoStarted, limits.herdReady)
  const reasons = await reasonsOf(namespace)
  expect(await pressed.percent()).toBeGreaterThan(max)
  expect(observer.starting([namespace.name]).peak.count).toBe(1)
  expect(reasons.join('\n')).toContain(`node ${node}, under ${resource} pressure of `)
  process.stderr.write(`  ${reasons.join('\n  ')}\n`)

  const peak = () => observer.starting([namespace.name]).peak.count
  if (resource === 'cpu') {
    await annotate(session, node, 'all of it')
    const events = () => session.kubectl.text(['events', '-n', 'default', '--for', `node/${node}`])
    const isTold = async () => /StartgateBadAnnotation .*"all of it" is not a valid maximum/.test(await events())
    await waitFor('an Event on the node', isTold, limits.eventSeen)
    await annotate(session, node, 'cpu: 100')
    await waitFor('more at once, under the pressure that the node now allows', () => peak() > 1, limits.herdReady)
    expect(await pressed.percent()).toBeGreaterThan(max)
  }
  await pressed.namespace.remove()
  await allReady(observer, namespace.name, HERD, limits.herdReady)
  process.stderr.write(`  at once in the end: ${peak()}\n`)
  expect(peak()).toBeGreaterThan(1)
})

test.each(['waiter', 'gates'] as const)(
  'pods at their own CPU limit, on a node whose CPUs are not busy, hold nothing back: by its %s',
  async teller => {
    const { max } = MADE.cpu
    const session = await openWithMaximum('cpu', max, teller)
    const [node = ''] = session.workers
    const observer = await observerFor(session)
    const pressed = await press(session, node, 'cpu', SMALL_CPU)
    await waitFor('CPUs that are not busy', async () => (await pressed.busy()) < BUSY, limits.pressure)

    const namespace = await namespaceFor(session, { word: 'throttled', gated: true })
    // They only sleep, and long: what their creation takes of the CPUs is over before the first is ready.
    await namespace.apply([deployment('web', 3, { image: APP_IMAGE, startSeconds: 60, node })])
    const peak = () => observer.starting([namespace.name]).peak.count
    await waitFor('several that start at once', async () => peak() > 1, limits.herdReady)
    expect(await pressed.percent()).toBeGreaterThan(max)
    const reasons = await reasonsOf(namespace)
    process.stderr.write(`  ${[`${peak()} at once`, ...reasons].join('\n  ')}\n`)
  },
)
