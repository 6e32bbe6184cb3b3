import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { APP_IMAGE } from './cluster/cluster.ts'
import { type Answer, askAsGate } from './framework/gate-request.ts'
import { SYSTEM_NAMESPACE } from './framework/install.ts'
import { limits } from './framework/limits.ts'
import { podIs } from './framework/pod-waits.ts'
import { portForward } from './framework/port-forward.ts'
import { namespaceFor, observerFor, openSession, type Session } from './framework/session.ts'
import type { TestNamespace } from './framework/test-namespace.ts'
import { pod } from './framework/workloads.ts'

const AUDIENCE = 'startgate.dev'
const UNKNOWN_UID = '00000000-0000-4000-8000-000000000000'

let session: Session
beforeAll(async () => {
  session = await openSession()
})

interface Callers {
  own: { name: string; uid: string }
  other: { name: string; uid: string }
  namespace: TestNamespace
  ask: (call: { token?: string; podUid: string; gate?: string }) => Promise<Answer>
}

/** Two pods that wait, and a way to speak to the lease service. */
async function callers(): Promise<Callers> {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'tokens', gated: true, settings: { 'max-starting': '0' } })
  await namespace.apply([pod('own', { image: APP_IMAGE }), pod('other', { image: APP_IMAGE })])
  const waiting = { phase: 'pending', gate: 'startgate-start' } as const
  const [own, other] = [
    await podIs(observer, [namespace.name, 'own'], waiting, limits.gateRunning),
    await podIs(observer, [namespace.name, 'other'], waiting, limits.gateRunning),
  ]
  const forward = await portForward(session.cluster, SYSTEM_NAMESPACE, 'service/startgate-lease-service', 443)
  onTestFinished(forward.close)
  return {
    own: own.metadata,
    other: other.metadata,
    namespace,
    ask: call => askAsGate({ port: forward.port, ...call }),
  }
}

/** A real token from the API server, for an audience, bound to a pod or to none. */
async function token(namespace: string, audience: string, boundTo?: { name: string; uid: string }): Promise<string> {
  const bound = boundTo
    ? ['--bound-object-kind=Pod', `--bound-object-name=${boundTo.name}`, `--bound-object-uid=${boundTo.uid}`]
    : []
  return (
    await session.kubectl.text(['create', 'token', 'default', '-n', namespace, `--audience=${audience}`, ...bound])
  ).trim()
}

describe('the lease service refuses with a clear word', () => {
  test('who has no token, a forged one, or one for somebody else', async () => {
    const { own, namespace, ask } = await callers()
    expect(await ask({ podUid: own.uid })).toMatchObject({ status: 401, body: { code: 'TOKEN_MISSING' } })

    const good = await token(namespace.name, AUDIENCE, own)
    const [head = '', payload = '', signature = ''] = good.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
    const longer = Buffer.from(JSON.stringify({ ...claims, exp: 4_102_444_800 })).toString('base64url')
    const forged = await ask({ token: `${head}.${longer}.${signature}`, podUid: own.uid })
    expect(forged).toMatchObject({ status: 401, body: { code: 'TOKEN_INVALID' } })

    const foreign = await ask({ token: await token(namespace.name, 'someone.else', own), podUid: own.uid })
    expect(foreign.status).toBe(401)
    expect(foreign.body.message).toMatch(/audience|refuses this token/)

    const unbound = await ask({ token: await token(namespace.name, AUDIENCE), podUid: own.uid })
    expect(unbound).toMatchObject({ status: 403, body: { code: 'TOKEN_UNBOUND' } })
  })

  test('a gate that asks for another pod, and lets it ask for its own', async () => {
    const { own, other, namespace, ask } = await callers()
    const good = await token(namespace.name, AUDIENCE, own)
    for (const podUid of [other.uid, UNKNOWN_UID]) {
      const refused = await ask({ token: good, podUid })
      expect(refused).toMatchObject({ status: 403, body: { code: 'FOREIGN_POD' } })
      expect(refused.body.message).toContain('its own pod only')
    }
    expect((await ask({ token: good, podUid: own.uid })).body.kind).toMatch(/^(waiting|leader)$/)
  })
})
