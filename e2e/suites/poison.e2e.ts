import { beforeAll, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { gateVerdict, startVerdict } from '../harness/gate-verdict.ts'
import { leaseSizes } from '../harness/lease-sizes.ts'
import { deployment, pod } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { leaderPod, leaderTerm, programPods } from '../harness/system.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import type { Observer } from '../observer/observer.ts'
import { coldImages } from '../workloads/cold-images.ts'
import { gatedPod, LONG_IMAGE, withEndlessSequence, withLongImage } from '../workloads/hostile-pods.ts'

const HERD = 12
/** Far more than a Lease of ours needs, far less than the 256 KiB that its annotations may have. */
const LARGEST_LEASE = 16 * 1024
/** No node has it and none pulls it, so that the webhook puts a pull gate before it. */
const NOWHERE = 'registry.invalid/none:1'

/** As it would stand without startgate, once its gates have let it go. */
const INVALID_IMAGE = { phase: 'failed', waitsFor: 'InvalidImageName' } as const

let session: Session
beforeAll(async () => {
  session = await openSession()
})

/**
 * What must stay as it is, whatever a tenant does: who leads since when, and the programs' pods with their restarts.
 */
const programs = async () => ({
  leader: await leaderPod(session.kubectl),
  term: await leaderTerm(session.kubectl),
  pods: await programPods(session.kubectl),
})

/** The same, once no replica of an earlier release leads that is about to end. */
async function ofThisRelease() {
  const now = await programs()
  return now.pods.some(({ name }) => name === now.leader) && now
}

interface Places {
  /** Opted in, where the webhook lets pods opt out. */
  tenant: TestNamespace
  /** Never opted in. */
  stranger: TestNamespace
  observer: Observer
}

/** Pods of all kinds on one node; returns when every gate that the kubelet reaches has ended, with their verdicts. */
async function hostilePods({ tenant, stranger, observer }: Places, node: string): Promise<Record<string, unknown>> {
  const nameOf = (word: string) => `${word}-${node}`
  const here = await gatedPod(tenant, nameOf('sequence'), { image: APP_IMAGE, node })
  const elsewhere = await gatedPod(tenant, nameOf('image'), { image: NOWHERE, node })
  await stranger.applyServerSide([withEndlessSequence(here), withLongImage(elsewhere)])
  await tenant.applyServerSide([
    withEndlessSequence(here),
    withLongImage(elsewhere),
    pod(nameOf('webhook'), { image: LONG_IMAGE, node }),
  ])
  const ends: Record<string, [TestNamespace, string, string]> = {
    'sequence of a stranger': [stranger, 'sequence', 'startgate-start'],
    'sequence of a tenant': [tenant, 'sequence', 'startgate-start'],
    'image of a stranger': [stranger, 'image', 'startgate-start'],
    'image of a tenant, pull': [tenant, 'image', 'startgate-pull'],
    'image of a tenant': [tenant, 'image', 'startgate-start'],
    'image by the webhook': [tenant, 'webhook', 'startgate-start'],
  }
  const verdicts = () =>
    Object.entries(ends).map(([what, [namespace, word, gate]]) => {
      const found = observer.pods(namespace.name).find(({ metadata }) => metadata.name === nameOf(word))
      return [what, found && gateVerdict(found, gate).verdict]
    })
  const haveEnded = () => verdicts().every(([, verdict]) => verdict !== undefined)
  await waitFor(`the gates of hostile pods on ${node} have ended`, haveEnded, limits.podReady)
  return Object.fromEntries(verdicts())
}

const ALL_GRANTED = {
  'sequence of a stranger': 'granted',
  'sequence of a tenant': 'granted',
  'image of a stranger': 'granted',
  'image of a tenant, pull': 'granted',
  'image of a tenant': 'granted',
  'image by the webhook': 'granted',
}

test('sequences of 508 KiB and an image name of 270,000 characters: their gates end, and a herd of another namespace starts in order', async () => {
  const before = await waitFor('one of this release leads', ofThisRelease, limits.takeover)
  const sizes = await leaseSizes(session)
  const observer = await observerFor(session)
  const cold = await coldImages(session.cluster, 'poison', session.workers.length, 1)
  const tenant = await namespaceFor(session, { word: 'hostile', gated: true })
  const stranger = await namespaceFor(session, { word: 'stranger' })
  const settings = { 'max-starting': '2', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'victim', gated: true, settings })
  const [first = '', second = ''] = session.workers

  expect(await hostilePods({ tenant, stranger, observer }, first)).toEqual(ALL_GRANTED)
  await namespace.apply([deployment('web', HERD, { image: APP_IMAGE, startSeconds: 3 })])
  const hasBegun = () => observer.starting([namespace.name]).spans.length > 0
  await waitFor('the herd has begun to start', hasBegun, limits.herdReady)
  expect(await hostilePods({ tenant, stranger, observer }, second)).toEqual(ALL_GRANTED)
  // Nor are pulls on a node held up by those that come to nothing there.
  await namespace.apply(session.workers.map((node, i) => pod(`cold-${i}`, { image: cold[i] ?? '', node })))

  const pods = await allReady(observer, namespace.name, HERD + cold.length, limits.herdReady)
  expect(pods.map(found => startVerdict(found).verdict)).toEqual(Array(pods.length).fill('granted'))
  const pulls = pods.filter(({ metadata }) => metadata.name.startsWith('cold-'))
  expect(pulls.map(found => gateVerdict(found, 'startgate-pull').verdict)).toEqual(Array(cold.length).fill('granted'))
  expect(observer.starting([namespace.name]).peak.count).toBe(2)
  expect(await programs()).toEqual(before)

  for (const node of session.workers) {
    for (const name of [`image-${node}`, `webhook-${node}`])
      await podIs(observer, [tenant.name, name], INVALID_IMAGE, limits.podReady)
    // Its pull was a Lease, and no large one.
    const uid = observer.pods(tenant.name).find(({ metadata }) => metadata.name === `image-${node}`)?.metadata.uid
    expect([...sizes.keys()].filter(lease => lease.startsWith(`pull.${uid}`))).toHaveLength(1)
  }
  expect([...sizes].filter(([, bytes]) => bytes > LARGEST_LEASE)).toEqual([])
})
