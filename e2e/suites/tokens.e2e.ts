import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { issuedToken, resigned, tampered } from '../clients/bound-token.ts'
import { type Answer, askAsGate } from '../clients/gate-request.ts'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import { pod } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { portForward } from '../harness/port-forward.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { heldLeases, leaderPod } from '../harness/system.ts'
import type { NamespaceOptions, TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import type { ObservedPod } from '../observer/cluster-events.ts'
import type { Observer } from '../observer/observer.ts'

const AUDIENCE = 'startgate.dev'
const UNKNOWN_UID = '00000000-0000-4000-8000-000000000000'
const SERVICE_PORT = 8443

let session: Session
beforeAll(async () => {
  session = await openSession()
})

type Ask = (call: { token?: string; podUid: string; more?: object }) => Promise<Answer>

/** A way to speak to the replica that leads, as a gate would. */
async function leader(): Promise<Ask> {
  const target = `pod/${await leaderPod(session.kubectl)}`
  const forward = await portForward(session.cluster, SYSTEM_NAMESPACE, target, SERVICE_PORT)
  onTestFinished(forward.close)
  return call => askAsGate({ port: forward.port, ...call })
}

interface Place {
  observer: Observer
  namespace: TestNamespace
  ask: Ask
}

async function place(options: NamespaceOptions): Promise<Place> {
  const observer = await observerFor(session)
  return { observer, namespace: await namespaceFor(session, { word: 'tokens', ...options }), ask: await leader() }
}

const FROZEN: NamespaceOptions = { gated: true, settings: { 'max-starting': '0' } }

/** A pod whose start gate runs and waits. */
async function waitingPod({ observer, namespace }: Place, name: string): Promise<ObservedPod['metadata']> {
  await namespace.apply([pod(name, { image: APP_IMAGE })])
  const waiting = { phase: 'pending', gate: 'startgate-start' } as const
  return (await podIs(observer, [namespace.name, name], waiting, limits.gateRunning)).metadata
}

function tokenOf({ namespace }: Place, boundTo?: ObservedPod['metadata'], audience = AUDIENCE): Promise<string> {
  return issuedToken(session.kubectl, { namespace: namespace.name, audience, ...(boundTo && { boundTo }) })
}

describe('the lease service refuses with a clear word', () => {
  test('who has no token, a forged one, or one for somebody else', async () => {
    const frozen = await place(FROZEN)
    const { ask } = frozen
    const own = await waitingPod(frozen, 'own')
    expect(await ask({ podUid: own.uid })).toMatchObject({ status: 401, body: { code: 'TOKEN_MISSING' } })

    const good = await tokenOf(frozen, own)
    const forged = await ask({ token: tampered(good, { exp: 4_102_444_800 }), podUid: own.uid })
    expect(forged).toMatchObject({ status: 401, body: { code: 'TOKEN_INVALID' } })

    const foreign = await ask({ token: await tokenOf(frozen, own, 'someone.else'), podUid: own.uid })
    expect(foreign.status).toBe(401)
    expect(foreign.body.message).toMatch(/audience|refuses this token/)

    const unbound = await ask({ token: await tokenOf(frozen), podUid: own.uid })
    expect(unbound).toMatchObject({ status: 403, body: { code: 'TOKEN_UNBOUND' } })
  })

  test('a token that has expired, and takes the same token while it lasts', async () => {
    const frozen = await place(FROZEN)
    const own = await waitingPod(frozen, 'own')
    const good = await tokenOf(frozen, own)
    const now = Math.floor(Date.now() / 1_000)
    const past = { iat: now - 7_200, nbf: now - 7_200, exp: now - 60 }
    const expired = await resigned(session.cluster, good, past)
    expect(await frozen.ask({ token: expired, podUid: own.uid })).toMatchObject({
      status: 401,
      body: { code: 'TOKEN_INVALID' },
    })
    // Else it might be the signature that is refused.
    const lasting = await resigned(session.cluster, good, { ...past, exp: now + 3_600 })
    expect((await frozen.ask({ token: lasting, podUid: own.uid })).body.kind).toBe('waiting')
  })

  test('a gate that asks for another pod, and lets it ask for its own', async () => {
    const frozen = await place(FROZEN)
    const [own, other] = [await waitingPod(frozen, 'own'), await waitingPod(frozen, 'other')]
    const good = await tokenOf(frozen, own)
    for (const podUid of [other.uid, UNKNOWN_UID]) {
      const refused = await frozen.ask({ token: good, podUid })
      expect(refused).toMatchObject({ status: 403, body: { code: 'FOREIGN_POD' } })
      expect(refused.body.message).toContain('its own pod only')
    }
    expect((await frozen.ask({ token: good, podUid: own.uid })).body.kind).toBe('waiting')
  })

  test('the tokens of a deleted pod, also one it knows, also where a pod of the same name has come', async () => {
    const frozen = await place(FROZEN)
    const { namespace, observer, ask } = frozen
    const own = await waitingPod(frozen, 'own')
    const [known, unseen] = [await tokenOf(frozen, own), await tokenOf(frozen, own)]
    expect((await ask({ token: known, podUid: own.uid })).body.kind).toBe('waiting')
    await session.kubectl.run(['delete', 'pod', 'own', '-n', namespace.name, '--now'])
    const isGone = () => !observer.pods(namespace.name).some(p => p.metadata.uid === own.uid)
    await waitFor('the pod is gone', isGone, limits.podReady)
    const answerIs = async (code: string) => (await ask({ token: known, podUid: own.uid })).body.code === code
    await waitFor('the known token is refused', () => answerIs('POD_GONE'), limits.placeGone)
    expect(await ask({ token: unseen, podUid: own.uid })).toMatchObject({
      status: 401,
      body: { code: 'TOKEN_INVALID' },
    })
    const next = await waitingPod(frozen, 'own')
    expect(await answerIs('POD_GONE')).toBe(true)
    expect(await ask({ token: known, podUid: next.uid })).toMatchObject({ status: 403, body: { code: 'FOREIGN_POD' } })
  })

  test('a gate that has passed: its token replayed takes no slot', async () => {
    const free = await place({ gated: true })
    const { namespace, observer, ask } = free
    await namespace.apply([pod('own', { image: APP_IMAGE })])
    const [own] = await allReady(observer, namespace.name, 1, limits.podReady)
    const uid = own?.metadata.uid ?? ''
    const held = async () => (await heldLeases(session.kubectl)).filter(lease => lease.name.includes(uid))
    await waitFor('its slot is free', async () => (await held()).length === 0, limits.slotBack)
    const replayed = await ask({ token: await tokenOf(free, own?.metadata), podUid: uid })
    expect(replayed).toMatchObject({ status: 403, body: { code: 'NO_SUCH_GATE' } })
    expect(replayed.body.message).toContain('has passed startgate-start in run 1 already')
    expect(await held()).toEqual([])
  })

  test('a pod that only wears our label', async () => {
    const ungated = await place({ gated: false })
    const { namespace, observer, ask } = ungated
    const worn = pod('own', { image: APP_IMAGE })
    worn.metadata.labels = { ...worn.metadata.labels, 'startgate.dev/gated': 'true' }
    await namespace.apply([worn])
    const [own] = await allReady(observer, namespace.name, 1, limits.podReady)
    const refused = await ask({ token: await tokenOf(ungated, own?.metadata), podUid: own?.metadata.uid ?? '' })
    expect(refused).toMatchObject({ status: 403, body: { code: 'NO_SUCH_GATE' } })
    expect(refused.body.message).toContain('has no gate startgate-start in its spec')
  })
})

test('containers, volumes and annotations of a user’s under our names are denied', async () => {
  const namespace = await namespaceFor(session, { word: 'tokens', gated: true })
  const withSpec = (spec: Record<string, unknown>) => namespace.refusal([pod('own', { image: APP_IMAGE, spec })])
  const container = (name: string) => ({ name, image: APP_IMAGE, command: ['true'] })
  expect(await withSpec({ initContainers: [container('startgate-start')] })).toMatch(/startgate's own/)
  expect(await withSpec({ containers: [container('startgate-mine')] })).toMatch(/startgate's own/)
  expect(await withSpec({ volumes: [{ name: 'startgate-token', emptyDir: {} }] })).toMatch(/startgate's own/)
  const annotations = { 'startgate.dev/granted': 'true' }
  expect(await namespace.refusal([pod('own', { image: APP_IMAGE, annotations })])).toMatch(
    /startgate.dev\/granted.*is not an annotation of startgate/,
  )
})

test('a pod whose gated label is taken off while it starts keeps its slot, and the next one waits', async () => {
  const { namespace, observer } = await place({ gated: true, settings: { 'max-starting': '1' } })
  await namespace.apply([pod('own', { image: APP_IMAGE, startSeconds: 15 })])
  await podIs(observer, [namespace.name, 'own'], { phase: 'starting' }, limits.podReady)
  await session.kubectl.run(['label', 'pod', 'own', '-n', namespace.name, 'startgate.dev/gated-'])
  await namespace.apply([pod('next', { image: APP_IMAGE })])
  await allReady(observer, namespace.name, 2, limits.labelGone)
  expect(observer.starting([namespace.name]).peak.count).toBe(1)
})

test('what a pod says of namespaces changes nothing: it is counted where it is, and no other limit moves', async () => {
  const frozen = await place(FROZEN)
  const other = await namespaceFor(session, { word: 'tokens', gated: true, settings: { 'max-starting': '1' } })
  const own = await waitingPod(frozen, 'own')
  const more = { namespace: other.name, podName: 'own', slots: 5, settings: { maxStarting: 0 } }
  const answer = await frozen.ask({ token: await tokenOf(frozen, own), podUid: own.uid, more })
  expect(answer).toMatchObject({ status: 200, body: { kind: 'waiting' } })
  await other.apply([pod('theirs', { image: APP_IMAGE })])
  await allReady(frozen.observer, other.name, 1, limits.podReady)
  await podIs(frozen.observer, [frozen.namespace.name, 'own'], { phase: 'pending' }, limits.gateRunning)
})
