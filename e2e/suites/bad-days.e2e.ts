import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { startGateEnd, startVerdict } from '../harness/gate-verdict.ts'
import { deployment, pod } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { heldLeases, type Part, takeDown } from '../harness/system.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import type { ObservedPod } from '../observer/cluster-events.ts'

const ONE = { 'max-starting': '1', 'max-starting-per-node': '50' }
const STARTING = { phase: 'starting' } as const
const WAITING = { phase: 'pending', gate: 'startgate-start' } as const

let session: Session
beforeAll(async () => {
  session = await openSession()
})

/** Takes a part down until the test ends, or until the returned function is called. */
async function without(part: Part): Promise<() => Promise<void>> {
  const restore = await takeDown(session.kubectl, part)
  onTestFinished(restore, limits.rollout.ms)
  return restore
}

test('a pod deleted while it waits is gone within 3 s, and its place with it', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'deleted', gated: true, settings: ONE })
  const at = (name: string): [string, string] => [namespace.name, name]
  await namespace.apply([pod('holder', { image: APP_IMAGE, stuck: true })])
  await podIs(observer, at('holder'), STARTING, limits.podReady)
  await namespace.apply([pod('leaves', { image: APP_IMAGE })])
  const { metadata } = await podIs(observer, at('leaves'), WAITING, limits.gateRunning)
  await namespace.apply([pod('stays', { image: APP_IMAGE })])
  await podIs(observer, at('stays'), WAITING, limits.gateRunning)

  await namespace.kubectl.run(['delete', 'pod', 'leaves', '-n', namespace.name, '--wait=false'])
  const isGone = () => !observer.pods(namespace.name).some(p => p.metadata.uid === metadata.uid)
  await waitFor('the waiting pod is gone', isGone, limits.podGone)

  await namespace.kubectl.run(['delete', 'pod', 'holder', '-n', namespace.name, '--wait=false'])
  await podIs(observer, at('stays'), { phase: 'ready' }, limits.podReady)
  expect((await heldLeases(session.kubectl)).filter(l => l.name.includes(metadata.uid))).toEqual([])
})

/** When the start gates of these pods ended and what they left as their verdict. */
function verdicts(pods: ObservedPod[]) {
  return pods.map(pod => ({ ...startVerdict(pod), finishedAtMs: Date.parse(startGateEnd(pod)?.finishedAt ?? '') }))
}

test('lease service down: pods wait, fail open one by one, and the Events come within 30 s of its return', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'open', gated: true, settings: { 'fail-open-after': '5s' } })
  const restore = await without('startgate-lease-service')
  await namespace.apply([deployment('web', 6, { image: APP_IMAGE })])
  const pods = await allReady(observer, namespace.name, 6, limits.failOpen)

  const all = verdicts(pods)
  expect(all.map(v => v.verdict)).toEqual(Array(6).fill('failed-open'))
  for (const { waitedMs = 0 } of all) expect(waitedMs).toBeGreaterThanOrEqual(5_000)
  const ends = all.map(v => v.waitedMs ?? 0).sort((a, b) => a - b)
  expect((ends.at(-1) ?? 0) - (ends[0] ?? 0), 'the first and the last are seconds apart').toBeGreaterThan(2_000)

  await restore()
  for (const { metadata } of pods) {
    await waitFor(
      `an Event on ${metadata.name}`,
      namespace.eventOf(metadata.name, /StartgateFailedOpen/),
      limits.eventSeen,
    )
  }
})

test('lease service away for a moment: the pods that wait go on waiting, and the limit holds after its return', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'return', gated: true, settings: ONE })
  await namespace.apply([deployment('web', 5, { image: APP_IMAGE, startSeconds: 2 })])
  await waitFor('a start', () => observer.starting([namespace.name]).spans.length > 0, limits.podReady)
  const restore = await without('startgate-lease-service')
  await restore()
  const pods = await allReady(observer, namespace.name, 5, limits.herdReady)
  expect(verdicts(pods).map(v => v.verdict)).toEqual(Array(5).fill('granted'))
  expect(observer.starting([namespace.name]).peak.count).toBe(1)
})

test('webhook down: pods start ungated', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'no-webhook', gated: true, settings: { 'max-starting': '0' } })
  await without('startgate-webhook')
  await namespace.apply([pod('free', { image: APP_IMAGE })])
  const free = await podIs(observer, [namespace.name, 'free'], { phase: 'ready' }, limits.podReady)
  expect(free.spec.initContainers ?? []).toEqual([])
})
