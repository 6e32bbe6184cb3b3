import { beforeAll, describe, expect, test } from 'vitest'
import type { State } from '../../core/state-api.ts'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import { asBearer, type KubeconfigView, withConfig } from '../harness/kubeconfig.ts'
import { Plugin } from '../harness/plugin.ts'
import { deployment, pod, podTemplate } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { leaderPod } from '../harness/system.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

const HERD = 4

let session: Session
let plugin: Plugin
beforeAll(async () => {
  session = await openSession()
  plugin = await Plugin.build(session)
})

/** One of a herd runs and never gets ready, and the others wait for its slot. */
async function stuckHerd() {
  const observer = await observerFor(session)
  const settings = { 'max-starting': '1', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'plugin', gated: true, settings })
  await namespace.apply([deployment('web', HERD, { image: APP_IMAGE, stuck: true })])
  const names = () => observer.pods(namespace.name).map(({ metadata }) => metadata.name)
  const waits = async () => {
    const { stdout } = await plugin.run(['status', '-n', namespace.name, '-o', 'json'])
    const state = JSON.parse(stdout || '{}') as Partial<State>
    return state.waiting?.total === HERD - 1 && (state as State)
  }
  const state = await waitFor('one starts and the others wait', waits, limits.podReady)
  return { namespace, observer, state, names }
}

test('check finds nothing wrong in an installation that works, and says so line by line', async () => {
  await namespaceFor(session, { word: 'plugin', gated: true })
  const { code, stdout } = await plugin.run(['check'])
  expect(stdout).toMatch(/✓ the webhook answers: a pod tried in namespace .* gets gates/)
  expect(stdout).toMatch(/✓ startgate-lease-service-.* leads/)
  expect(stdout.split('\n').filter(line => /^[✗?]/.test(line))).toEqual([])
  expect(code).toBe(0)
})

describe('a herd of which one starts and three wait', () => {
  test('status names the limit, where it is written, and who waits; explain says of one pod why, behind whom, and what helps', async () => {
    const { namespace, state } = await stuckHerd()
    const [first, second] = state.waiting.items
    expect(state.scopes.items).toContainEqual(
      expect.objectContaining({ scope: `namespace/${namespace.name}`, held: 1, limit: 1, gates: HERD - 1 }),
    )
    const { stdout } = await plugin.run(['status', '-n', namespace.name])
    expect(stdout).toContain(`startgate.dev/max-starting: 1 on namespace ${namespace.name}`)
    expect(stdout).toMatch(new RegExp(`1/3 +${namespace.name}/${first?.pod} `))

    const explained = await plugin.run(['explain', second?.pod ?? '', '-n', namespace.name])
    expect(explained.code).toBe(0)
    expect(explained.stdout).toContain('startgate-start waits to start app')
    expect(explained.stdout).toContain(`place:    2 of 3 in the line of namespace/${namespace.name}`)
    expect(explained.stdout).toContain(`ahead:    ${namespace.name}/${first?.pod}`)
    expect(explained.stdout).toContain(`written in: startgate.dev/max-starting: 1 on namespace ${namespace.name}`)
  })

  test('kubectl alone sees who waits and why, and can wait for the end of it', async () => {
    const { namespace, state, names } = await stuckHerd()
    const waiting = (status: string, pod = '') => [
      ...['wait', `pod/${pod}`, '-n', namespace.name, `--timeout=${limits.podReady.ms / 1_000}s`],
      `--for=condition=startgate.dev/Waiting=${status}`,
    ]
    const [first] = state.waiting.items
    // All of them: who is let go before the ten seconds are over never shows that it waited.
    await Promise.all(state.waiting.items.map(({ pod }) => session.kubectl.run(waiting('True', pod))))
    const shown = await namespace.get<{ status: { conditions: { type: string; message: string }[] } }>([
      'pod',
      first?.pod ?? '',
    ])
    const condition = shown.status.conditions.find(({ type }) => type === 'startgate.dev/Waiting')
    expect(condition?.message).toContain(`namespace ${namespace.name} has 1 of 1 slots in use`)
    await namespace.set({ 'max-starting': String(HERD) })
    await Promise.all(state.waiting.items.map(({ pod }) => session.kubectl.run(waiting('False', pod))))
    expect(names()).toHaveLength(HERD)
  })

  test('top goes on with the next leader when the one it watches is killed', async () => {
    const { namespace, names, observer } = await stuckHerd()
    const top = plugin.follow(['top', '-n', namespace.name, '-o', 'json'])
    const terms = () => top.lines.map(line => (JSON.parse(line) as State).service.term)
    await waitFor('the leader tells its state', () => terms().length > 0, limits.settingSeen)
    const [term = 0] = terms()
    const leader = await leaderPod(session.kubectl)
    await session.kubectl.run(['delete', 'pod', leader, '-n', SYSTEM_NAMESPACE, '--grace-period=0', '--force'])
    await waitFor('the next one does', () => terms().some(seen => seen > term), limits.takeover)
    const [gone = ''] = names()
    await namespace.kubectl.run(['delete', 'pod', gone, '-n', namespace.name, '--wait=false'])
    const shows = () => !JSON.stringify(JSON.parse(top.lines.at(-1) ?? '{}').waiting ?? '').includes(gone)
    await waitFor('changes are told', shows, limits.watchCaughtUp)
    expect(observer.starting([namespace.name]).peak.count).toBe(1)
  })

  test('a freeze holds at once and says who, when and why; after resume all start', async () => {
    const observer = await observerFor(session)
    const namespace = await namespaceFor(session, { word: 'frozen', gated: true })
    const frozen = await plugin.run(['freeze', '-n', namespace.name, '--reason', 'the registry is down'])
    expect(frozen).toMatchObject({ code: 0, stdout: expect.stringContaining(`namespace ${namespace.name} is frozen`) })
    await namespace.apply([deployment('web', HERD, { image: APP_IMAGE })])
    const reasons = async () => {
      const { stdout } = await plugin.run(['status', '-n', namespace.name, '-o', 'json'])
      const { waiting } = JSON.parse(stdout || '{}') as Partial<State>
      return waiting?.items.filter(({ reason }) => reason.includes('the registry is down')).length === HERD
    }
    await waitFor('all wait, and know why', reasons, limits.podReady)
    // Whoever leads.
    const leader = await leaderPod(session.kubectl)
    await session.kubectl.run(['delete', 'pod', leader, '-n', SYSTEM_NAMESPACE, '--grace-period=0', '--force'])
    await waitFor('another one leads', async () => (await leaderPod(session.kubectl)) !== leader, limits.takeover)
    await waitFor('all wait still', reasons, limits.podReady)
    expect(observer.starting([namespace.name]).spans).toEqual([])
    expect((await plugin.run(['check', '-n', namespace.name])).stdout).toMatch(
      /! namespace .* is frozen by .*the registry is down/,
    )
    expect((await plugin.run(['resume', '-n', namespace.name])).code).toBe(0)
    await allReady(observer, namespace.name, HERD, limits.herdReady)
  })
})

test('plan goes by the limits of the cluster and its nodes, and names the one that holds a herd up', async () => {
  const settings = { 'max-starting': '1', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'plan', gated: true, settings })
  const herd = JSON.stringify(deployment('web', HERD, { image: APP_IMAGE }))
  const args = ['plan', '-f', '-', '-n', namespace.name, '--start-seconds', '10', '-o', 'json']
  const { code, stdout, stderr } = await plugin.run(args, herd)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const plan = JSON.parse(stdout) as { ready: { lastMs: number }; bottlenecks: object[] }
  expect(plan.ready.lastMs).toBe(HERD * 10_000)
  expect(plan.bottlenecks[0]).toMatchObject({ subject: `namespace ${namespace.name}`, limit: 1 })
})

test('a frozen cluster starts nothing in any namespace until it is resumed', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'frozen', gated: true })
  try {
    expect((await plugin.run(['freeze', '--cluster', '--reason', 'maintenance'])).code).toBe(0)
    await namespace.apply([deployment('web', 1, { image: APP_IMAGE })])
    const waits = async () => (await plugin.run(['status', '-n', namespace.name])).stdout.includes('maintenance')
    await waitFor('it waits, and knows why', waits, limits.podReady)
  } finally {
    expect((await plugin.run(['resume', '--cluster'])).code).toBe(0)
  }
  await allReady(observer, namespace.name, 1, limits.podReady)
})

test('the dependencies among the containers of a pod: who is blocked by whom', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'plugin', gated: true })
  const { spec } = podTemplate('shop', { image: APP_IMAGE, stuck: true, probe: 'file' })
  const [db] = spec.containers as { name: string }[]
  const annotations = { 'startgate.dev/depends-on': 'web: [db]' }
  const containers = [
    { ...db, name: 'db' },
    { name: 'web', image: APP_IMAGE, command: ['sh', '-c', 'sleep 3600'] },
  ]
  await namespace.apply([
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'shop', annotations }, spec: { ...spec, containers } },
  ])
  await podIs(observer, [namespace.name, 'shop'], { phase: 'pending', gate: 'startgate-start' }, limits.podReady)
  const told = async () => {
    const { stdout } = await plugin.run(['explain', 'shop', '-n', namespace.name])
    return /db +starting/.test(stdout) && stdout
  }
  const text = await waitFor('db is starting', told, limits.podReady)
  expect(text).toMatch(/db +starting +web/)
  expect(text).toMatch(/web +blocked +db ready/)
})

test("an image of a pod's own that nobody has: explain names it and its pull secrets, and check blames nobody else", async () => {
  const namespace = await namespaceFor(session, { word: 'plugin', gated: true })
  const image = 'absent.invalid/shop:1'
  await namespace.apply([pod('shop', { image })])
  const explained = async () => (await plugin.run(['explain', 'shop', '-n', namespace.name])).stdout
  const isNamed = async () =>
    (await explained()).includes(`the pod's own image ${image}, of app (pulled by startgate-image-1)`)
  await waitFor('explain names the image', isNamed, limits.podReady)
  expect(await explained()).toContain('imagePullSecrets of the pod')
  expect((await plugin.run(['check'])).stdout).toContain('✓ no pending pod lacks the image of its gates')
})

test('a tenant, bound as the docs say, reads its own namespace and no other', async () => {
  const namespace = await namespaceFor(session, { word: 'tenant', gated: true, settings: { 'max-starting': '0' } })
  const other = await namespaceFor(session, { word: 'neighbour', gated: true })
  await namespace.apply([deployment('web', 1, { image: APP_IMAGE })])
  const { name } = namespace
  const account = `--serviceaccount=${name}:default`
  const bind = (kind: string, ...words: string[]) => session.kubectl.run(['create', kind, name, account, ...words])
  const token = await session.kubectl.text(['create', 'token', 'default', '-n', name])
  try {
    await bind('rolebinding', '--clusterrole=startgate-viewer', '-n', name)
    await bind('rolebinding', '--role=startgate-discovery', '-n', SYSTEM_NAMESPACE)
    await withConfig(session, asBearer(token), async kubeconfig => {
      const tenant = plugin.as(kubeconfig)
      const unbound = await tenant.run(['status', '-n', name])
      expect(unbound).toMatchObject({ code: 3, stdout: '' })
      expect(unbound.stderr).toContain('ask for a ClusterRoleBinding to startgate-discovery')
      await bind('clusterrolebinding', '--clusterrole=startgate-discovery')
      const own = async () => {
        const { stdout } = await tenant.run(['status', '-n', name, '-o', 'json'])
        const state = JSON.parse(stdout || '{}') as Partial<State>
        return state.waiting?.total === 1 && state
      }
      expect(await waitFor('the tenant sees its pod wait', own, limits.podReady)).toMatchObject({ namespace: name })
      const strangers = [
        [['status'], 'with a right in one namespace: -n NAME'],
        [['status', '-n', other.name], `(asked for namespace ${other.name})`],
      ] as const
      for (const [args, sentence] of strangers) {
        const { code, stdout, stderr } = await tenant.run([...args])
        expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
        expect(stderr).toContain(sentence)
      }
    })
  } finally {
    await session.kubectl.run(['delete', 'clusterrolebinding', name, '--ignore-not-found'])
    await session.kubectl.run(['delete', 'rolebinding', name, '-n', SYSTEM_NAMESPACE, '--ignore-not-found'])
  }
})

describe('what cannot be asked is said in one sentence', () => {
  test('no rights at all', async () => {
    const namespace = await namespaceFor(session, { word: 'plugin', gated: true })
    const token = await session.kubectl.text(['create', 'token', 'default', '-n', namespace.name])
    await withConfig(session, asBearer(token), async kubeconfig => {
      const { code, stderr, stdout } = await plugin.as(kubeconfig).run(['status', '-n', namespace.name])
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
      expect(stderr.trim()).toMatch(/^error: .* cannot be read: .*403 Forbidden: .*$/)
    })
  })

  test('an API server that does not answer', async () => {
    const elsewhere = ({ clusters }: KubeconfigView) => {
      for (const { cluster } of clusters) cluster.server = 'https://127.0.0.1:9'
    }
    await withConfig(session, elsewhere, async kubeconfig => {
      const { code, stderr, stdout } = await plugin.as(kubeconfig).run(['status'])
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
      expect(stderr.trim()).toMatch(/^error: .*127\.0\.0\.1:9.*$/)
    })
  })

  test('no kubeconfig', async () => {
    const { code, stderr } = await plugin.as('/nonexistent').run(['status'])
    expect(code).toBe(2)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})
