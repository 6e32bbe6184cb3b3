import { afterAll, beforeAll, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { pod } from '../harness/pod-templates.ts'
import { podIs } from '../harness/pod-waits.ts'
import { E2E_VALUES, namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { agents, letReady } from '../workloads/node-agents.ts'

/** Namespace of the DaemonSet that the chart's values name. */
const OF_ALL = 't-node-agents'
const WAITS = { phase: 'pending', gate: 'startgate-start' } as const
const READY = { phase: 'ready' } as const

let session: Session
let ofAll: TestNamespace
beforeAll(async () => {
  session = await openSession({ ...E2E_VALUES, after: [`node-daemonset/${OF_ALL}/agent`] })
  ofAll = await TestNamespace.create(session.kubectl, 'agents', { name: OF_ALL })
})
afterAll(() => ofAll?.remove(), 300_000)

const onNode = (name: string, node: string | undefined, annotations: Record<string, string> = {}) =>
  pod(name, { image: APP_IMAGE, node: node ?? '', annotations })

/** What the pod's gate says. */
const says = (namespace: TestNamespace, name: string, words: RegExp) =>
  waitFor(
    `the gate of ${name} says ${words}`,
    async () => words.exec(await namespace.log(name, 'startgate-start'))?.[0],
    limits.gateRunning,
  )

test("a DaemonSet of the chart's values holds back what starts on the node where it is not ready, nothing else", async () => {
  const [held = '', other = ''] = session.workers
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'agents', gated: true })
  await namespace.apply([onNode('first', held)])
  await says(namespace, 'first', /node-daemonset\/t-node-agents\/agent does not exist/)
  await ofAll.apply([agents('agent', { image: APP_IMAGE, heldOn: held })])
  await namespace.apply([onNode('there', other)])
  await podIs(observer, [namespace.name, 'there'], READY, limits.podReady)
  await says(namespace, 'first', new RegExp(`node-daemonset/t-node-agents/agent is not ready on node ${held}`))
  await podIs(observer, [namespace.name, 'first'], WAITS, limits.gateRunning)
  await letReady(ofAll, 'agent', held)
  await podIs(observer, [namespace.name, 'first'], READY, limits.podReady)
})

test('a DaemonSet of another namespace that a pod names, and a node that the DaemonSet leaves out', async () => {
  const [held = '', out = ''] = session.workers
  const observer = await observerFor(session)
  const theirs = await namespaceFor(session, { word: 'theirs' })
  await ofAll.apply([agents('agent', { image: APP_IMAGE, heldOn: '' })])
  await theirs.apply([agents('disks', { image: APP_IMAGE, heldOn: held, only: held })])
  const namespace = await namespaceFor(session, { word: 'names', gated: true })
  const after = { 'startgate.dev/after': `node-daemonset/${theirs.name}/disks` }
  await namespace.apply([onNode('waits', held, after), onNode('left-out', out, after)])
  await podIs(observer, [namespace.name, 'left-out'], READY, limits.podReady)
  await says(namespace, 'waits', new RegExp(`disks is not ready on node ${held}`))
  await podIs(observer, [namespace.name, 'waits'], WAITS, limits.gateRunning)
  await letReady(theirs, 'disks', held)
  await podIs(observer, [namespace.name, 'waits'], READY, limits.podReady)
})

test('one that is malformed is refused in one sentence', async () => {
  const namespace = await namespaceFor(session, { word: 'malformed', gated: true })
  const after = { 'startgate.dev/after': 'node-daemonset/cilium' }
  expect(await namespace.refusal([onNode('web', session.workers[0], after)])).toContain(
    'startgate.dev/after: "node-daemonset/cilium" is not a valid DaemonSet on the node; use node-daemonset/NAMESPACE/NAME',
  )
})
