import { beforeAll, describe, expect, test } from 'vitest'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import { deleteWaiters, touchWaiters, waitersReady } from '../harness/node-waiters.ts'
import { Plugin } from '../harness/plugin.ts'
import { namespaceFor, openSession, type Session } from '../harness/session.ts'
import { takeDown } from '../harness/system.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

let session: Session
let plugin: Plugin
beforeAll(async () => {
  session = await openSession()
  plugin = await Plugin.build(session)
})

interface Line {
  id: string
  verdict: string
  sentence: string
  remedy?: string
}

const check = async (...args: string[]) => {
  const { code, stdout } = await plugin.run(['check', '-o', 'json', ...args])
  return { code, lines: (JSON.parse(stdout) as { lines: Line[] }).lines }
}

/** Until `check` names it, as some faults take a while to show; each line that it names has a remedy. */
async function named(id: string, sentence: RegExp, ...args: string[]): Promise<Line> {
  const found = async () => {
    const { lines } = await check(...args)
    return lines.find(line => line.id === id && line.verdict !== 'ok' && sentence.test(line.sentence))
  }
  const line = await waitFor(`check says ${sentence} in a line ${id}`, found, limits.rollout)
  expect(line.remedy).toBeTruthy()
  return line
}

const ENFORCE = 'pod-security.kubernetes.io/enforce'
const CONFIGURATION = ['mutatingwebhookconfiguration', 'startgate']

describe('faults of the installation', () => {
  test('no webhook runs, and its caBundle is wiped', async () => {
    await namespaceFor(session, { word: 'check', gated: true })
    const bringBack = await takeDown(session.kubectl, 'startgate-webhook')
    try {
      await named('webhook-deployment', /webhook: 0 of 0 replicas/)
      await named('webhook-endpoints', /no ready endpoint/)
      await named('webhook-answers', /gets no gates/)
      // The webhook's own replicas would mend it.
      const wiped = JSON.stringify([{ op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value: '' }])
      await session.kubectl.run(['patch', ...CONFIGURATION, '--type=json', `--patch=${wiped}`])
      await named('ca-bundle', /has no caBundle/)
      expect((await check()).code).toBe(1)
    } finally {
      await bringBack()
    }
  })

  test('no lease service runs, so nobody leads', async () => {
    const bringBack = await takeDown(session.kubectl, 'startgate-lease-service')
    try {
      await named('leader', /nobody leads/)
      await named('lease-service-deployment', /lease-service: 0 of 0 replicas/)
    } finally {
      await bringBack()
    }
  })

  test('Pod Security admits no waiter', async () => {
    const enforce = (level: string) =>
      session.kubectl.run(['label', '--overwrite', 'namespace', SYSTEM_NAMESPACE, `${ENFORCE}${level}`])
    await enforce('=baseline')
    try {
      await deleteWaiters(session.kubectl)
      const line = await named('node-waiters', /nodes have their waiter.*violates PodSecurity "baseline/)
      expect(line.remedy).toContain(`${ENFORCE}=privileged`)
    } finally {
      await enforce('-')
      await touchWaiters(session.kubectl)
      await waitersReady(session.kubectl)
    }
    expect((await check()).lines.find(({ id }) => id === 'node-waiters')).toMatchObject({ verdict: 'ok' })
  })

  test('the webhook configuration is gone', async () => {
    const { metadata, ...rest } = await session.kubectl.json<{ metadata: Record<string, unknown> }>([
      'get',
      ...CONFIGURATION,
    ])
    const { name, labels, annotations } = metadata
    await session.kubectl.run(['delete', ...CONFIGURATION])
    try {
      await named('installed', /startgate is not installed/)
    } finally {
      const back = JSON.stringify({ ...rest, metadata: { name, labels, annotations } })
      // As helm's, or the next upgrade finds a conflict.
      await session.kubectl.run(['apply', '--server-side', '--field-manager=helm', '-f', '-'], back)
    }
  })
})

describe('faults of a namespace', () => {
  const faults: Record<string, { id: string; sentence: RegExp; make: (namespace: TestNamespace) => Promise<unknown> }> =
    {
      'an annotation that cannot be read': {
        id: 'namespace-annotation',
        sentence: /max-starting: "many"/,
        make: namespace => namespace.set({ 'max-starting': 'many' }),
      },
      'a NetworkPolicy in the way': {
        id: 'network-policy',
        sentence: /NetworkPolicy deny-all keeps the agents .* from the lease service/,
        make: namespace =>
          namespace.apply([
            {
              apiVersion: 'networking.k8s.io/v1',
              kind: 'NetworkPolicy',
              metadata: { name: 'deny-all' },
              spec: { podSelector: {}, policyTypes: ['Egress'], egress: [] },
            },
          ]),
      },
      'a freeze': {
        id: 'namespace-frozen',
        sentence: /is frozen: a limit of 0/,
        make: namespace => namespace.set({ 'max-starting': '0' }),
      },
      'the mode off': {
        id: 'namespace-off',
        sentence: /has the mode off/,
        make: namespace => namespace.set({ mode: 'off' }),
      },
      'a label that says something else': {
        id: 'namespace-label',
        sentence: /startgate\.dev\/injection/,
        make: ({ name, kubectl }) =>
          kubectl.run(['label', '--overwrite', 'namespace', name, 'startgate.dev/injection=true']),
      },
    }
  test.each(Object.entries(faults))('%s', async (_, { id, sentence, make }) => {
    const namespace = await namespaceFor(session, { word: 'check', gated: true })
    await make(namespace)
    expect((await named(id, sentence, '-n', namespace.name)).sentence).toContain(namespace.name)
  })

  test('the image of its gates is not to be had', async () => {
    const namespace = await namespaceFor(session, { word: 'check' })
    const gate = { name: 'startgate-start', image: 'registry.invalid/startgate:none' }
    const app = { name: 'app', image: 'registry.invalid/app:none' }
    const metadata = { name: 'app', labels: { 'startgate.dev/gated': 'true' } }
    await namespace.apply([
      { apiVersion: 'v1', kind: 'Pod', metadata, spec: { initContainers: [gate], containers: [app] } },
    ])
    await named('gate-image', /cannot get the image of a container of startgate's/)
  })
})
