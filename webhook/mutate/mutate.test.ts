import { describe, expect, test } from 'vitest'
import type { Container, Pod } from '../../core/pod.ts'
import { withoutOurs } from '../inject/ownership.ts'
import { applied } from '../patch/patch.ts'
import { FACTS, NAMESPACE, podOf, SETTINGS } from '../testing/facts.ts'
import { type MutateFacts, mutate } from './mutate.ts'

function gated(pod: Pod, facts: MutateFacts = FACTS): Pod {
  const outcome = mutate(pod, 'shop', facts)
  if (outcome.kind !== 'patched') throw new Error(JSON.stringify(outcome))
  return applied(pod, outcome.operations)
}

function pathsOf(pod: Pod, facts: MutateFacts = FACTS): string[] {
  const outcome = mutate(pod, 'shop', facts)
  if (outcome.kind !== 'patched') throw new Error(JSON.stringify(outcome))
  return outcome.operations.map(({ op, path }) => `${op} ${path}`)
}

const names = (pod: Pod) => pod.spec.initContainers?.map(c => c.name)
const USERS = podOf({ initContainers: [{ name: 'prepare', image: 'prepare:1' }] })

function changed(pod: Pod, change: (pod: Pod) => void): Pod {
  const copy = structuredClone(pod)
  change(copy)
  return copy
}

test('a name that no image can have gets no step: the kubelet says so where the app has it', () => {
  const gatesOf = (image: string) => names(gated(podOf({ containers: [{ name: 'app', image }] })))
  expect(gatesOf(`r.example/${'a'.repeat(1_014)}`)).toEqual(['startgate-pull', 'startgate-image-1', 'startgate-start'])
  expect(gatesOf(`r.example/${'a'.repeat(1_015)}`)).toEqual(['startgate-start'])
})

test("an agent's start timeout is that of the lease service: the longest of its containers'", () => {
  const probed = (name: string, failureThreshold: number): Container => ({
    name,
    image: `${name}:1`,
    startupProbe: { failureThreshold, periodSeconds: 10 },
  })
  const timeoutOf = (...containers: Container[]) => {
    const annotations = { 'startgate.dev/depends-on': 'web: [db]' }
    const { initContainers = [] } = gated(podOf({ containers }, { annotations })).spec
    const env = initContainers.find(c => c.name === 'startgate')?.env
    return env?.find(({ name }) => name === 'STARTGATE_START_TIMEOUT')?.value
  }
  expect(timeoutOf(probed('web', 3), probed('db', 4))).toBe('40s')
  expect(timeoutOf(probed('web', 3), { name: 'db', image: 'db:1' })).toBe('120s')
  expect(timeoutOf(probed('web', 30), probed('db', 90))).toBe('600s')
})

describe('a pod that comes a second time', () => {
  test('keeps what the API server, LimitRanger, identity webhooks and AlwaysPullImages added to our containers', () => {
    const decorated = changed(gated(USERS), ({ spec }) => {
      for (const container of spec.initContainers ?? []) {
        Object.assign(container, { terminationMessagePath: '/dev/termination-log', imagePullPolicy: 'Always' })
        container.env = [{ name: 'AWS_ROLE_ARN', value: 'x' }, ...(container.env ?? [])]
        container.volumeMounts = [...(container.volumeMounts ?? []), { name: 'aws', mountPath: '/aws' }]
        container.resources = { requests: { cpu: '100m' }, limits: { cpu: '200m' } }
      }
      spec.volumes = [{ name: 'aws', emptyDir: {} }, ...(spec.volumes ?? [])]
    })
    expect(pathsOf(decorated)).toEqual([])
  })

  test('has its gates run as the user of a mesh’s proxy that came after us, and as usual when it is gone', () => {
    const meshed = changed(gated(USERS), ({ spec }) => {
      spec.initContainers = [...(spec.initContainers ?? []), { name: 'istio-init', image: 'proxyv2:1' }]
      spec.containers = [...spec.containers, { name: 'istio-proxy', image: 'proxyv2:1' }]
    })
    const usersOf = ({ spec }: Pod) => {
      const ours = (spec.initContainers ?? []).filter(c => c.name.startsWith('startgate'))
      return [...new Set(ours.map(c => c.securityContext?.runAsUser))]
    }
    expect([usersOf(meshed), usersOf(gated(meshed))]).toEqual([[65532], [1337]])
    expect(names(gated(meshed))?.at(-1)).toBe('startgate-start')
    const without = changed(gated(meshed), ({ spec }) => {
      spec.initContainers = spec.initContainers?.filter(c => c.name !== 'istio-init') ?? []
      spec.containers = spec.containers.slice(0, 1)
    })
    expect(usersOf(gated(without))).toEqual([65532])
  })

  test('gets its gates back to the first and last place, and steps for images that came along', () => {
    const decorated = changed(gated(USERS), ({ spec }) => {
      spec.initContainers = [
        { name: 'early', image: 'early:1' },
        ...(spec.initContainers ?? []),
        { name: 'late', image: 'late:1' },
      ]
    })
    const result = gated(decorated)
    expect(names(result)).toEqual([
      'startgate-pull', 'startgate-image-1', 'startgate-image-2', 'startgate-image-3', 'startgate-image-4',
      'early', 'prepare', 'late', 'startgate-start',
    ]) // biome-ignore format: a list
    expect(result.spec.initContainers?.slice(1, 5).map(c => c.image)).toEqual([
      'early:1',
      'prepare:1',
      'late:1',
      'nginx:1',
    ])
    expect(pathsOf(result)).toEqual([])
  })

  test('is brought up to date in place when another version of us made it, as in an upgrade or a restored backup', () => {
    const newer = { ...FACTS, settings: { ...SETTINGS, image: 'registry.example/startgate:v2', ca: 'another PEM\n' } }
    const old = gated(USERS)
    expect(pathsOf(old, newer)).toEqual(['replace /spec/initContainers/0', 'replace /spec/initContainers/4'])
    expect(gated(old, newer)).toEqual(gated(USERS, newer))
  })

  test('loses the steps that are no longer needed', () => {
    const warm = { ...FACTS, everywhereFor: () => () => true }
    expect(pathsOf(gated(USERS), warm)).toEqual([
      'remove /spec/initContainers/2',
      'remove /spec/initContainers/1',
      'remove /spec/initContainers/0',
    ])
  })

  const spoilings: Record<string, (container: Container) => void> = {
    'made a sidecar, which would never end': c => Object.assign(c, { restartPolicy: 'Always' }),
    'given arguments': c => Object.assign(c, { args: ['--version'] }),
    'given another address': c => Object.assign(c.env?.[1] ?? {}, { value: 'evil.example:443' }),
    'given an address twice': c => c.env?.push({ name: 'STARTGATE_ADDRESS', value: 'evil.example:443' }),
    'given rights': c => Object.assign(c.securityContext ?? {}, { allowPrivilegeEscalation: true }),
    'rid of its token': c => Object.assign(c, { volumeMounts: c.volumeMounts?.slice(0, 1) }),
    'given another image': c => Object.assign(c, { image: 'evil.example/pass:1' }),
  }
  test.each(Object.entries(spoilings))('gets a new gate where the old one was %s', (_, spoil) => {
    const good = gated(USERS)
    const spoiled = changed(good, ({ spec }) =>
      spec.initContainers?.filter(c => c.name === 'startgate-start').map(spoil),
    )
    expect(pathsOf(spoiled)).toEqual(['replace /spec/initContainers/4'])
    expect(gated(spoiled)).toEqual(good)
  })

  test('gets its volume as it must be', () => {
    const good = gated(USERS)
    const spoiled = changed(good, ({ spec }) => {
      spec.volumes = [{ name: 'startgate', emptyDir: { medium: 'Memory' } }, ...(spec.volumes?.slice(1) ?? [])]
    })
    expect(pathsOf(spoiled)).toEqual(['replace /spec/volumes/0'])
  })
})

describe('a sequenced pod that comes a second time', () => {
  const user = podOf(
    { containers: [{ name: 'web', image: 'web:1' }, { name: 'db', image: 'db:1', env: [{ name: 'A', value: 'b' }] }] },
    { annotations: { 'startgate.dev/depends-on': 'web: [db]', 'startgate.dev/readiness': 'db: notify' } },
  ) // biome-ignore format: a pod
  const good = gated(user)
  const initOf = ({ spec }: Pod, name: string) => spec.initContainers?.find(c => c.name === name)

  test('keeps what others gave the moved container, and gives it back with that', () => {
    const decorated = changed(good, pod => {
      const db = initOf(pod, 'db')
      db?.env?.push({ name: 'AWS_ROLE_ARN', value: 'x' })
      if (db) db.resources = { requests: { cpu: '100m' } }
    })
    const back = withoutOurs(decorated).spec.containers[1]
    expect(back).toEqual({
      name: 'db',
      image: 'db:1',
      env: [{ name: 'A', value: 'b' }, { name: 'AWS_ROLE_ARN', value: 'x' }],
      resources: { requests: { cpu: '100m' } },
    }) // biome-ignore format: a container
    expect(withoutOurs(gated(decorated)).spec.containers[1]).toEqual(back)
    expect(pathsOf(gated(decorated))).toEqual([])
  })

  test('is brought up to date when another version of us wrote the scripts', () => {
    const old = changed(good, ({ spec }) => {
      for (const { command } of spec.initContainers ?? []) if (command?.[3]) command[3] = 'exec sleep 1'
    })
    expect(gated(old)).toEqual(good)
    expect(pathsOf(old).every(path => path.startsWith('replace /spec/initContainers/'))).toBe(true)
  })

  test('has its order anew when the annotation is another, and none when it is gone', () => {
    const turned = changed(good, ({ metadata }) => {
      metadata.annotations = { ...metadata.annotations, 'startgate.dev/depends-on': 'db: [web]' }
    })
    expect(names(gated(turned))?.slice(-3)).toEqual(['startgate-start-web', 'web', 'startgate-start'])
    expect(gated(turned).spec.containers.map(c => c.name)).toEqual(['db'])
    const plain = changed(good, ({ metadata }) => {
      delete metadata.annotations
    })
    const result = gated(plain)
    expect(names(result)?.at(-1)).toBe('startgate-start')
    expect(names(result)).not.toContain('startgate')
    expect(result.spec.containers).toEqual(user.spec.containers)
    expect(pathsOf(result)).toEqual([])
  })

  test('keeps a grace period that somebody else has set in between, times the levels', () => {
    expect(good.spec.terminationGracePeriodSeconds).toBe(60)
    const longer = changed(good, ({ spec }) => {
      spec.terminationGracePeriodSeconds = 100
    })
    expect(gated(longer).spec.terminationGracePeriodSeconds).toBe(200)
  })

  test('an agent of the user’s own making is denied', () => {
    const forged = podOf({
      initContainers: [{ name: 'startgate', command: ['sleep', 'infinity'], restartPolicy: 'Always' }],
    })
    expect(mutate(forged, 'shop', FACTS)).toMatchObject({ kind: 'denied' })
  })
})

test('what a user brings along under our names is denied, each with a sentence', () => {
  const outcome = mutate(
    podOf({
      containers: [{ name: 'startgate-start', command: ['node', '/app/gate.mjs'] }],
      initContainers: [{ name: 'startgate-image-01', command: ['/startgate/true'] }],
      volumes: [{ name: 'startgate-token', projected: { sources: [{ secret: { name: 's' } }] } }],
    }),
    'shop',
    FACTS,
  )
  expect(outcome).toMatchObject({
    kind: 'denied',
    problems: [{}, {}, {}].map(() => expect.stringContaining('startgate')),
  })
})

test('a fail-open time on the pod counts more than one on the namespace, and that more than the cluster’s', () => {
  const timeOf = (pod: Pod, facts: MutateFacts) =>
    gated(pod, facts).spec.initContainers?.[0]?.env?.find(e => e.name === 'STARTGATE_FAIL_OPEN_AFTER')?.value
  const namespace = { ...FACTS.namespace, settings: { failOpenAfterMs: 2_500 } } as MutateFacts['namespace']
  const own = podOf({}, { annotations: { 'startgate.dev/fail-open-after': '3m' } })
  expect(timeOf(podOf(), FACTS)).toBe('60s')
  expect(timeOf(podOf(), { ...FACTS, namespace })).toBe('2500ms')
  expect(timeOf(own, { ...FACTS, namespace })).toBe('180s')
  const closed = podOf({}, { annotations: { 'startgate.dev/fail-open-after': 'never' } })
  expect(timeOf(closed, { ...FACTS, namespace })).toBe('never')
})

test('a DaemonSet’s pod that would wait for itself on its node is denied, one of another namespace is not', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'cni', uid: 'u', controller: true }
  const annotations = { 'startgate.dev/after': 'node-daemonset/shop/cni' }
  const pod = podOf({}, { annotations, ownerReferences: [owner] })
  expect(mutate(pod, 'shop', FACTS)).toMatchObject({
    kind: 'denied',
    problems: [expect.stringContaining('"node-daemonset/shop/cni" is this pod\'s own workload')],
  })
  expect(mutate(pod, 'other', FACTS).kind).toBe('patched')
})

test('a namespace that is not known yet is trusted to be opted in', () => {
  expect(mutate(podOf(), 'new', { ...FACTS, namespace: undefined }).kind).toBe('patched')
})

test('a pod that was gated before waiters were switched on is brought up to date, and back', () => {
  const withWaiter: MutateFacts = { ...FACTS, settings: { ...SETTINGS, waiterPort: 7373 } }
  const [direct, shell] = [gated(podOf(), FACTS), gated(podOf(), withWaiter)]
  const commands = (pod: Pod): unknown => pod.spec.initContainers?.map(({ name, command }) => [name, command])
  expect(commands(shell)).toContainEqual(['startgate-start', ['/busybox', 'sh', '/app/gate.sh']])
  expect(commands(gated(direct, withWaiter))).toEqual(commands(shell))
  expect(commands(gated(shell, FACTS))).toEqual(commands(direct))
  expect(withoutOurs(shell).spec).toMatchObject(podOf().spec)
})

test('while no node has a waiter, a pod too small for a gate that asks by itself goes ungated, unless it never may', () => {
  const throughWaiters = { ...SETTINGS, waiterPort: 7373 }
  const facts: MutateFacts = { ...FACTS, namespace: { ...NAMESPACE, hasResourceQuota: true }, throughWaiters }
  const small = { requests: { cpu: '50m', memory: '48Mi' }, limits: { cpu: '50m', memory: '48Mi' } }
  const pod = podOf({ containers: [{ name: 'web', image: 'nginx:1', resources: small }] })
  const never = { ...pod, metadata: { ...pod.metadata, annotations: { 'startgate.dev/fail-open-after': 'never' } } }
  expect(mutate(pod, 'shop', facts)).toMatchObject({ kind: 'unchanged', reason: 'GateDoesNotFit' })
  const [gate] = gated(never, facts).spec.initContainers ?? []
  expect(gate?.command).toEqual(['/busybox', 'sh', '/app/gate.sh'])
})
