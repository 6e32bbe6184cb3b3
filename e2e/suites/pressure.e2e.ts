import { expect, onTestFinished, test } from 'vitest'
import { type PressureResource, parsePressure } from '../../core/pressure.ts'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { startGateLogs } from '../harness/gate-verdict.ts'
import { deployment } from '../harness/pod-templates.ts'
import { allReady } from '../harness/pod-waits.ts'
import { E2E_VALUES, namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import type { Observer } from '../observer/observer.ts'

const HERD = 10
const BURNERS = 8

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

function openWithMaximum(resource: PressureResource, max: number): Promise<Session> {
  const { node, ...others } = E2E_VALUES.limits as { node: object }
  return openSession({ ...E2E_VALUES, limits: { ...others, node: { ...node, maxPressure: { [resource]: max } } } })
}

interface Pressed {
  /** Where the pods that make the pressure are. */
  namespace: TestNamespace
  /** What the node's kernel says. */
  percent: () => Promise<number>
}

/** Puts a node under pressure by pods that nobody gates. They have the least weight, so the cluster itself goes on. */
async function press(session: Session, node: string, resource: 'cpu' | 'io'): Promise<Pressed> {
  const { max, script } = MADE[resource]
  const namespace = await namespaceFor(session, { word: 'press' })
  const burners = deployment('burn', BURNERS, { image: APP_IMAGE, node, probe: 'none' })
  const { template } = burners.spec as {
    template: { spec: { terminationGracePeriodSeconds: number; containers: { command: string[] }[] } }
  }
  template.spec.terminationGracePeriodSeconds = 0
  for (const container of template.spec.containers) container.command = ['sh', '-c', `exec 2>/dev/null; ${script}`]
  await namespace.apply([burners])
  const read = ['exec', '-n', namespace.name, 'deployment/burn', '--', 'cat', `/proc/pressure/${resource}`]
  const percent = async () => parsePressure(await session.kubectl.text(read)) ?? 0
  await waitFor(`${resource} pressure on ${node}`, async () => (await percent()) > max + 5, limits.pressure)
  return { namespace, percent }
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

test.each(['cpu', 'io'] as const)('a node under %s pressure starts one container at a time', async resource => {
  const { max } = MADE[resource]
  const session = await openWithMaximum(resource, max)
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
