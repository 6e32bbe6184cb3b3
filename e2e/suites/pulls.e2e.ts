import { beforeAll, describe, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { allowParallelPulls } from '../faults/parallel-pulls.ts'
import { deployment, pod } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { registryPulls } from '../harness/registry-pulls.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import type { ObservedNode } from '../observer/cluster-events.ts'
import { coldImages, dropPulledImages } from '../workloads/cold-images.ts'

const IMAGES = 10
const PLENTY = '50'

let session: Session
beforeAll(async () => {
  session = await openSession()
  await dropPulledImages(session.cluster)
  await allowParallelPulls(session.cluster, session.kubectl)
})

const cold = (word: string, count: number, megabytes = 6) => coldImages(session.cluster, word, count, megabytes)

describe('ten pods with ten cold images', () => {
  test("ungated, three or more are pulled at once: the registry's log can see the limit broken", async () => {
    const observer = await observerFor(session)
    const images = await cold('ungated', IMAGES)
    const namespace = await namespaceFor(session, { word: 'pulls' })
    const sinceMs = Date.now()
    await namespace.apply(images.map((image, i) => pod(`cold-${i}`, { image })))
    await allReady(observer, namespace.name, IMAGES, limits.coldPulls)
    const report = await registryPulls(session.cluster, sinceMs)
    expect(report.pulls).toHaveLength(IMAGES)
    expect(report.peak.count).toBeGreaterThanOrEqual(3)
  })

  test('with max-pulling 2 never three are, and start slots stay free for others meanwhile', async () => {
    const observer = await observerFor(session)
    const images = await cold('gated', IMAGES)
    const settings = {
      'max-pulling': '2',
      'max-pulling-per-node': PLENTY,
      'max-starting': '2',
      'max-starting-per-node': PLENTY,
    }
    const namespace = await namespaceFor(session, { word: 'pulls', gated: true, settings })
    const sinceMs = Date.now()
    await namespace.apply(images.map((image, i) => pod(`cold-${i}`, { image })))
    await waitFor(
      'a pull',
      async () => (await registryPulls(session.cluster, sinceMs)).pulls.length > 0,
      limits.gateRunning,
    )
    await namespace.apply([pod('warm', { image: APP_IMAGE })])
    await podIs(observer, [namespace.name, 'warm'], { phase: 'ready' }, limits.podReady)
    const warmReadyMs = Date.now()
    await allReady(observer, namespace.name, IMAGES + 1, limits.coldPulls)

    const report = await registryPulls(session.cluster, sinceMs)
    expect(report.pulls).toHaveLength(IMAGES)
    expect(report.peak.count).toBe(2)
    const after = report.pulls.filter(p => p.fromMs > warmReadyMs)
    expect(after.length, 'pulls that began after the warm pod was ready').toBeGreaterThan(0)
    expect(observer.starting([namespace.name]).peak.count).toBeLessThanOrEqual(2)
  })

  test('max-pulling-per-node holds on each node at the same time', async () => {
    const observer = await observerFor(session)
    const images = await cold('node', 6)
    const settings = { 'max-pulling': PLENTY, 'max-pulling-per-node': '1' }
    const namespace = await namespaceFor(session, { word: 'pulls', gated: true, settings })
    const sinceMs = Date.now()
    await namespace.apply(images.map((image, i) => pod(`cold-${i}`, { image, node: session.workers[i % 2] ?? '' })))
    await allReady(observer, namespace.name, images.length, limits.coldPulls)
    const report = await registryPulls(session.cluster, sinceMs)
    for (const node of session.workers) expect(report.byNode[node]?.count).toBe(1)
    expect(report.peak.count).toBe(2)
  })
})

test('an image that a node lists passes without a pull slot', async () => {
  const observer = await observerFor(session)
  const [node = ''] = session.workers
  const lists = async () => {
    const { status } = await session.kubectl.json<ObservedNode>(['get', 'node', node])
    return (status?.images ?? []).some(image => image.names?.some(name => name.endsWith(APP_IMAGE)))
  }
  await waitFor(`${node} lists ${APP_IMAGE}`, lists, limits.rollout)
  const [frozen = ''] = await cold('frozen', 1, 1)
  const namespace = await namespaceFor(session, {
    word: 'listed',
    gated: true,
    settings: { 'max-pulling': '0' },
  })
  await namespace.apply([pod('cold', { image: frozen, node }), pod('warm', { image: APP_IMAGE, node })])
  await podIs(observer, [namespace.name, 'warm'], { phase: 'ready' }, limits.podReady)
  // The cold one shows that pulls are frozen indeed.
  await podIs(observer, [namespace.name, 'cold'], { phase: 'pending', gate: 'startgate-pull' }, limits.gateRunning)
})

test('the pull slot of an image that does not exist comes back', async () => {
  const observer = await observerFor(session)
  const [next = ''] = await cold('next', 1, 1)
  const settings = { 'max-pulling': '1', 'max-pulling-per-node': PLENTY }
  const namespace = await namespaceFor(session, { word: 'absent', gated: true, settings })
  await namespace.apply([pod('absent', { image: `${session.cluster.registry.host}/there-is-no-such:1` })])
  await podIs(observer, [namespace.name, 'absent'], { phase: 'failed' }, limits.gateRunning)
  await namespace.apply([pod('next', { image: next })])
  await podIs(observer, [namespace.name, 'next'], { phase: 'ready' }, limits.podReady)
})

test('pods of one image on one node share one pull', async () => {
  const observer = await observerFor(session)
  const [image = ''] = await cold('shared', 1, 6)
  const settings = {
    'max-pulling': '1',
    'max-pulling-per-node': PLENTY,
    'max-starting': PLENTY,
    'max-starting-per-node': PLENTY,
  }
  const namespace = await namespaceFor(session, { word: 'shared', gated: true, settings })
  const sinceMs = Date.now()
  await namespace.apply([deployment('web', 4, { image, node: session.workers[0] ?? '' })])
  await allReady(observer, namespace.name, 4, limits.coldPulls)
  expect((await registryPulls(session.cluster, sinceMs)).pulls).toHaveLength(1)
})
