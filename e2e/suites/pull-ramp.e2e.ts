import { beforeAll, expect, test } from 'vitest'
import { allowParallelPulls } from '../faults/parallel-pulls.ts'
import { pod } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { registryPulls } from '../harness/registry-pulls.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { coldImages, dropPulledImages } from '../workloads/cold-images.ts'

/** At the registry's rate a pull takes some six seconds: long beside what the ramp takes from one to the next. */
const MEGABYTES = 24
const SLACK = {
  'max-pulling': '50',
  'max-pulling-per-node': '50',
  'max-starting': '50',
  'max-starting-per-node': '50',
}
const RAMP = { ...SLACK, 'pull-ramp': 'on' }
/** The control plane's node takes part, as there are only two workers. */
const ANYWHERE = { tolerations: [{ operator: 'Exists' }] }

let session: Session
let nodes: string[]
beforeAll(async () => {
  session = await openSession()
  nodes = session.cluster.nodes.map(({ name }) => name)
  await dropPulledImages(session.cluster)
  await allowParallelPulls(session.cluster, session.kubectl)
})

const cold = async (word: string) => (await coldImages(session.cluster, word, 1, MEGABYTES))[0] ?? ''
const onEachNode = (image: string) => nodes.map((node, i) => pod(`web-${i}`, { image, node, spec: ANYWHERE }))

test('without a ramp all nodes pull one image at once', async () => {
  const observer = await observerFor(session)
  const image = await cold('no-ramp')
  const namespace = await namespaceFor(session, { word: 'no-ramp', gated: true, settings: SLACK })
  const sinceMs = Date.now()
  await namespace.apply(onEachNode(image))
  await allReady(observer, namespace.name, nodes.length, limits.coldPulls)
  expect((await registryPulls(session.cluster, sinceMs)).peak.count).toBe(nodes.length)
})

test('with a ramp one node pulls it, then two', async () => {
  const observer = await observerFor(session)
  const image = await cold('ramp')
  const namespace = await namespaceFor(session, { word: 'ramp', gated: true, settings: RAMP })
  const sinceMs = Date.now()
  await namespace.apply(onEachNode(image))
  const says = async () => {
    const logs = await namespace.logs('startgate-pull')
    return [...logs.values()].find(log => log.includes(`image ${image} is on no node, 1 pulls it`))
  }
  await waitFor('a gate says what it waits for', says, limits.gateRunning)
  await allReady(observer, namespace.name, nodes.length, limits.coldPulls)
  const { pulls, peak } = await registryPulls(session.cluster, sinceMs)
  expect(pulls).toHaveLength(3)
  const [first, ...others] = pulls
  for (const { fromMs } of others) expect(fromMs).toBeGreaterThanOrEqual(first?.toMs ?? Number.POSITIVE_INFINITY)
  expect(peak.count).toBe(2)
})

test('an image that cannot be pulled holds back nobody who wants another, and is tried on each node', async () => {
  const observer = await observerFor(session)
  const image = await cold('good')
  const namespace = await namespaceFor(session, { word: 'bad', gated: true, settings: RAMP })
  const absent = `${session.cluster.registry.host}/there-is-no-such:2`
  await namespace.apply(nodes.map((node, i) => pod(`absent-${i}`, { image: absent, node, spec: ANYWHERE })))
  await namespace.apply([pod('good', { image, node: nodes[0] ?? '', spec: ANYWHERE })])
  await podIs(observer, [namespace.name, 'good'], { phase: 'ready' }, limits.coldPulls)
  for (const i of nodes.keys())
    await podIs(observer, [namespace.name, `absent-${i}`], { phase: 'failed' }, limits.coldPulls)
})
