import { beforeAll, describe, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { deployment, type Work } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { foldStamps } from '../observer/stamp-fold.ts'

const HERD = 12
/** So high that only the limit under test can hold anything back. */
const PLENTY = '50'
const NEVER = Number.MAX_SAFE_INTEGER

let session: Session
beforeAll(async () => {
  session = await openSession()
})

interface Run {
  settings?: Record<string, string>
  gated: boolean
  replicas?: number
  work?: Partial<Work>
}

/** Runs a Deployment to readiness; returns what the observer and the containers themselves say. */
async function herd({ gated, settings = {}, replicas = HERD, work }: Run) {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'limits', gated, settings })
  await namespace.apply([deployment('web', replicas, { image: APP_IMAGE, startSeconds: 3, ...work })])
  const pods = await allReady(observer, namespace.name, replicas, limits.herdReady)
  const report = observer.starting([namespace.name])
  const stamps = foldStamps(await namespace.stamps(pods), NEVER)
  expect(stamps.silent).toEqual([])
  expect(report.spans).toHaveLength(replicas)
  return { report, stamps, namespace: namespace.name }
}

describe('twelve probed pods on two nodes and a limit of two', () => {
  test('ungated, more than two are starting at once: the observer can see the limit broken', async () => {
    const { report, stamps } = await herd({ gated: false })
    expect(report.peak.count).toBeGreaterThan(2)
    expect(stamps.peak.count).toBeGreaterThan(2)
  })

  test('gated, exactly two are starting at the peak, and both nodes take part', async () => {
    const settings = { 'max-starting': '2', 'max-starting-per-node': PLENTY }
    const { report, stamps } = await herd({ gated: true, settings })
    expect(report.peak).toMatchObject({ count: 2 })
    expect(stamps.peak.count).toBeLessThanOrEqual(2)
    expect(report.spans.filter(s => s.restart)).toEqual([])
    expect(Object.keys(report.byNode).sort()).toEqual(session.workers)
  })
})

describe('limits on each node', () => {
  test('max-starting-per-node holds on each node, and on both at the same time', async () => {
    const settings = { 'max-starting': PLENTY, 'max-starting-per-node': '1' }
    const { report } = await herd({ gated: true, settings, replicas: 8, work: { probe: 'startup' } })
    for (const node of session.workers) expect(report.byNode[node]?.count).toBe(1)
    expect(report.peak.count).toBe(2)
  })

  test('max-starting-per-core is counted in the cores of each node', async () => {
    const { status } = await session.kubectl.json<{ status: { capacity: { cpu: string } } }>([
      'get',
      'node',
      session.workers[0] ?? '',
    ])
    const cores = Number(status.capacity.cpu)
    // Half a slot above three, so that rounding down is part of the claim.
    const settings = { 'max-starting': PLENTY, 'max-starting-per-core': (3.5 / cores).toFixed(6) }
    const { report } = await herd({ gated: true, settings })
    for (const node of session.workers) expect(report.byNode[node]?.count).toBe(3)
  })

  test('the lowest of several limits holds in each place', async () => {
    const settings = { 'max-starting': '3', 'max-starting-per-node': '2' }
    const { report } = await herd({ gated: true, settings })
    expect(report.peak.count).toBe(3)
    for (const node of session.workers) expect(report.byNode[node]?.count).toBeLessThanOrEqual(2)
  })
})

test('containers without a probe hold their slot for the settle time', async () => {
  const settings = { 'max-starting': '1', 'max-starting-per-node': PLENTY }
  const { report } = await herd({
    gated: true,
    settings,
    replicas: 4,
    work: { probe: 'none', startSeconds: 0 },
  })
  expect(report.peak.count).toBe(1)
  expect(report.spans.map(s => s.endedBy)).toEqual(Array(4).fill('settled'))
})

test('0 freezes, and a new value moves the queue at once', async () => {
  const observer = await observerFor(session)
  const settings = { 'max-starting': '0', 'max-starting-per-node': PLENTY }
  const namespace = await namespaceFor(session, { word: 'freeze', gated: true, settings })
  await namespace.apply([deployment('web', 3, { image: APP_IMAGE, startSeconds: 1 })])
  const names = () => observer.pods(namespace.name).map(p => p.metadata.name)
  await expect.poll(() => names().length, { timeout: limits.podReady.ms }).toBe(3)
  for (const name of names()) {
    await podIs(observer, [namespace.name, name], { phase: 'pending', gate: 'startgate-start' }, limits.gateRunning)
  }
  await namespace.set({ 'max-starting': '1' })
  await allReady(observer, namespace.name, 3, limits.herdReady)
  // Had the freeze not held, all three would have started before the limit of one came.
  expect(observer.starting([namespace.name]).peak.count).toBe(1)
})
