import { beforeEach, describe, expect, test } from 'vitest'
import type { GateName } from '../../../core/names.ts'
import type { Container, ContainerStatus, Node, Pod } from '../../../core/pod.ts'
import { type ClusterSettings, DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import type { Ticket } from '../model/grant.ts'
import { imageKeyOf } from '../pods/image-key.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'
import { Ledger } from './ledger.ts'

const settings: ClusterSettings = { ...DEFAULT_SETTINGS, node: { maxStarting: 1 } }
const TIMEOUT_MS = settings.startTimeoutMs
const TERM = 3

let ledger: Ledger
beforeEach(() => {
  ledger = new Ledger(settings)
  ledger.upsertNode(node())
})

function node(fields: { ready?: string; images?: string[]; annotations?: Record<string, string> } = {}): Node {
  return {
    metadata: { name: 'n', annotations: fields.annotations ?? {} },
    status: {
      capacity: { cpu: '4' },
      conditions: [{ type: 'Ready', status: fields.ready ?? 'True' }],
      images: [{ names: fields.images ?? [] }],
    },
  }
}

function pod(
  uid: string,
  fields: { containers?: Container[]; app?: Partial<ContainerStatus>; metadata?: object } = {},
): Pod {
  const gateEnd = { exitCode: 0, containerID: `${uid}-gate`, finishedAt: '2026-01-01T00:00:01Z' }
  return {
    metadata: { uid, name: uid, namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z', ...fields.metadata },
    spec: {
      nodeName: 'n',
      initContainers: ['startgate-pull', 'startgate-image-0', 'startgate-start'].map(name => ({ name, image: 'x:1' })),
      containers: fields.containers ?? [{ name: 'app', image: 'x:1', readinessProbe: {} }],
    },
    ...(fields.app && {
      status: {
        initContainerStatuses: [
          {
            name: 'startgate-start',
            ready: true,
            restartCount: 0,
            state: { terminated: gateEnd },
            containerID: `${uid}-gate`,
          },
        ],
        containerStatuses: [{ name: 'app', ready: false, restartCount: 0, ...fields.app }],
      },
    }),
  }
}

const runningApp = (uid: string, ready: boolean): Partial<ContainerStatus> => ({
  ready,
  containerID: `${uid}-app`,
  state: { running: { startedAt: '2026-01-01T00:00:02Z' } },
})

function ticketFor(shown: Pod, gate: GateName = 'startgate-start', attempt = 1): Ticket {
  const ticket = ticketOf(shown, { gate, attempt })
  if ('refused' in ticket) throw new Error(ticket.refused)
  return ticket
}

/** Shows a pod and connects its gate. */
function ask(shown: Pod, gate: GateName = 'startgate-start', attempt = 1): string {
  ledger.upsertPod(shown)
  const ticket = ticketFor(shown, gate, attempt)
  ledger.ask(ticket, 0)
  return ticket.key
}

const step = (nowMs = 0) => {
  const { grants, releases, waiting, oversize, wakeAtMs } = ledger.step(nowMs, TERM)
  return {
    granted: grants.map(g => `${g.key}: ${g.slots}`),
    released: releases.map(r => `${r.grant.key}: ${r.reason}`),
    waiting: waiting.map(w => w.reason),
    oversize,
    wakeAtMs,
    grants,
    rows: waiting,
  }
}
const held = (resource = 'start', scope = 'node/n') =>
  ledger.usage().find(u => u.resource === resource && u.scope === scope)?.held ?? 0

describe('a grant', () => {
  test('is given once, counts at once, and the next one waits with place and reason', () => {
    const a = ask(pod('a'))
    const b = ask(pod('b'))
    expect(step()).toMatchObject({
      granted: [`${a}: 1`],
      waiting: ['start: node n has 1 of 1 slots in use; next in line'],
      wakeAtMs: TIMEOUT_MS,
    })
    expect(step()).toMatchObject({ granted: [], rows: [{ key: b, place: 1, of: 1 }] })
    expect(held()).toBe(1)
  })

  test('carries what a later leader needs', () => {
    ask(pod('a', { app: { containerID: 'before', state: { running: {} } } }))
    expect(step().grants[0]).toMatchObject({
      term: TERM,
      timeoutMs: TIMEOUT_MS,
      staleContainerIds: ['a-gate', 'before'],
    })
  })

  test('has the timeout of its slowest container', () => {
    const startupProbe = { failureThreshold: 30, periodSeconds: 10 }
    ask(pod('a', { containers: [{ name: 'app' }, { name: 'slow', startupProbe }] }))
    expect(step().grants[0]).toMatchObject({ slots: 2, timeoutMs: 300_000 })
  })

  test('ends when its container is ready, and the next one goes in the same step', () => {
    const a = ask(pod('a'))
    const b = ask(pod('b'))
    step()
    ledger.withdraw(a)
    ledger.upsertPod(pod('a', { app: runningApp('a', false) }))
    expect(step(1)).toMatchObject({ granted: [], released: [] })
    ledger.upsertPod(pod('a', { app: runningApp('a', true) }))
    expect(step(2)).toMatchObject({ granted: [`${b}: 1`], released: [`${a}: Ready`] })
  })

  test('is held when its gate hangs up before anything runs, to the start timeout', () => {
    const a = ask(pod('a'))
    step()
    ledger.withdraw(a)
    expect(step(TIMEOUT_MS - 1)).toMatchObject({ released: [] })
    expect(step(TIMEOUT_MS)).toMatchObject({ released: [`${a}: TimedOut`], granted: [], waiting: [] })
    expect(held()).toBe(0)
  })

  test('that times out while its gate still listens was never told: the gate waits again', () => {
    const a = ask(pod('a'))
    step()
    expect(step(TIMEOUT_MS)).toMatchObject({ released: [`${a}: TimedOut`], granted: [`${a}: 1`] })
  })

  test('ends with its pod', () => {
    const a = ask(pod('a'))
    step()
    ledger.removePod('a')
    expect(step(1)).toMatchObject({ released: [`${a}: PodGone`], granted: [], waiting: [] })
    expect(ledger.grantOf(a)).toBeUndefined()
  })

  test('ends with its node: lost, or deleted', () => {
    const a = ask(pod('a'))
    step()
    ledger.withdraw(a)
    ledger.upsertNode(node({ ready: 'Unknown' }))
    expect(step(1).released).toEqual([`${a}: NodeLost`])
    ledger.upsertNode(node())
    const b = ask(pod('b'))
    step(2)
    ledger.removeNode('n')
    expect(step(3).released).toEqual([`${b}: NodeLost`])
  })

  test('ends when a later attempt of its pod asks', () => {
    const first = ask(pod('a'))
    step()
    const second = ask(pod('a'), 'startgate-pull', 2)
    expect(step(1)).toMatchObject({ released: [`${first}: Failed`], granted: [`${second}: 1`] })
  })

  test('of a second run is found by the later gate of that run', () => {
    const key = ask(pod('a'), 'startgate-pull', 2)
    step()
    expect(ask(pod('a'), 'startgate-start', 2)).toBe(key)
    expect(ledger.grantOf(key)).toMatchObject({ gate: 'startgate-pull' })
    expect(step(1)).toMatchObject({ granted: [], waiting: [] })
  })

  test('gives its slots back container by container', () => {
    const containers = ['app', 'slow'].map(name => ({ name, readinessProbe: {} }))
    ask(pod('a', { containers }))
    step()
    ledger.upsertPod(pod('a', { containers, app: runningApp('a', true) }))
    expect([held(), step(1).released, held()]).toEqual([2, [], 1])
  })

  test('larger than a limit runs alone and is reported', () => {
    const containers = ['a', 'b'].map(name => ({ name }))
    const big = ask(pod('a', { containers }))
    expect(step()).toMatchObject({
      granted: [`${big}: 2`],
      oversize: [{ key: big, slots: 2, scope: { id: 'node/n', limit: 1 } }],
    })
  })
})

test('a release names the containers that were late, and no other', () => {
  ledger = new Ledger({ ...settings, node: { maxStarting: 2 } })
  ledger.upsertNode(node())
  const containers = ['app', 'slow'].map(name => ({ name, image: 'x:1', readinessProbe: {} }))
  ask(pod('a', { containers }))
  ledger.step(0, TERM)
  ledger.upsertPod(pod('a', { containers, app: runningApp('a', true) }))
  ledger.step(1, TERM)
  const [release] = ledger.step(TIMEOUT_MS, TERM).releases
  expect([release?.reason, release?.late]).toEqual(['TimedOut', ['slow']])
})

test('a release of a grant that cannot be judged names all of its containers', () => {
  const holdersOf = () => {
    throw new Error('no status like this is known')
  }
  ledger = new Ledger(settings, { holdersOf })
  ledger.upsertNode(node())
  ask(pod('a'))
  ledger.step(0, TERM)
  const [release] = ledger.step(TIMEOUT_MS, TERM).releases
  expect([release?.reason, release?.late]).toEqual(['TimedOut', ['app']])
})

describe('what could not be stored', () => {
  test('gives its slots back, and its gate waits again', () => {
    const a = ask(pod('a'))
    step()
    ledger.revoke(a)
    expect(held()).toBe(0)
    expect(step(1)).toMatchObject({ granted: [`${a}: 1`], released: [] })
  })

  test('gives its slots back for good when its gate has hung up', () => {
    const a = ask(pod('a'))
    step()
    ledger.withdraw(a)
    ledger.revoke(a)
    expect(step(1)).toMatchObject({ granted: [], waiting: [], wakeAtMs: undefined })
  })
})

describe('a ceiling on the start rate holds for those who pass full limits, too', () => {
  test('of two whose floors are due at once only one goes', () => {
    const minStartRate = { count: 6, periodMs: 60_000 }
    ledger = new Ledger({ ...settings, cluster: { minStartRate, maxStartRate: { count: 1, periodMs: 1_000 } } })
    ledger.upsertNode(node())
    ledger.setNamespace('shop', { minStartRate })
    ask(pod('a'))
    step()
    for (const shown of [pod('b'), pod('c', { metadata: { namespace: 'other' } })]) ask(shown)
    step(1)
    expect(step(10_001)).toMatchObject({ granted: ['start.c.1: 1'], wakeAtMs: 11_001 })
    expect(step(11_001).granted).toEqual(['start.b.1: 1'])
  })

  test('one that needs more than is left of the rate goes later', () => {
    ledger = new Ledger({ ...settings, cluster: { maxStartRate: { count: 2, periodMs: 1_000 } } })
    ledger.setNamespace('shop', { maxWaitMs: 5_000 })
    ask(pod('a'))
    step()
    ask(pod('b', { containers: ['x', 'y'].map(name => ({ name, image: 'x:1' })) }))
    step(1)
    const elsewhere = pod('d')
    ask({ ...elsewhere, spec: { ...elsewhere.spec, nodeName: 'm' } })
    expect(step(4_900).granted).toEqual(['start.d.1: 1'])
    expect(step(5_001)).toMatchObject({ granted: [], wakeAtMs: 5_900 })
    expect(step(5_900).granted).toEqual(['start.b.1: 2'])
  })
})

describe('at takeover', () => {
  test('stored grants count before anything is granted, and their timeout runs from now', () => {
    const a = ask(pod('a'))
    const [grant] = step().grants
    ledger = new Ledger(settings)
    ledger.upsertNode(node())
    ledger.upsertPod(pod('a'))
    if (grant) ledger.adopt(grant, 50)
    ask(pod('b'))
    expect(step(50)).toMatchObject({ granted: [], wakeAtMs: 50 + TIMEOUT_MS })
    expect(ledger.grantOf(a)).toEqual(grant)
  })

  test('of two stored grants for one slot, the one whose gate asks has started nothing, and waits', () => {
    const grants = ['a', 'b'].map(uid => {
      ledger = new Ledger(settings)
      ask(pod(uid))
      return step().grants[0]
    })
    ledger = new Ledger(settings)
    ledger.upsertNode(node())
    for (const uid of ['a', 'b']) ledger.upsertPod(pod(uid))
    for (const grant of grants) if (grant) ledger.adopt(grant, 50)
    expect(ledger.ask(ticketFor(pod('a')), 50)).toBeUndefined()
    expect(step(50)).toMatchObject({ granted: [], waiting: [expect.stringContaining('1 of 1 slots in use')] })
    // Now that the slot is b's alone, its answer is merely said again.
    expect(ledger.ask(ticketFor(pod('b')), 51)).toEqual(grants[1])
  })

  test('so does one for which a later gate of its pod asks: nothing has started there either', () => {
    const asked = [ask(pod('a'), 'startgate-pull', 2), ask(pod('b'))]
    const grants = [0, TIMEOUT_MS].flatMap(nowMs => step(nowMs).grants)
    ledger = new Ledger(settings)
    for (const uid of ['a', 'b']) ledger.upsertPod(pod(uid))
    for (const grant of grants) ledger.adopt(grant, 50)
    expect(grants.map(grant => grant.key)).toEqual(asked)
    expect(ledger.ask(ticketFor(pod('a'), 'startgate-start', 2), 50)).toBeUndefined()
  })

  test('who has waited for long goes first as before, by the time for which its gate has run', () => {
    const startedAt = '2026-01-01T00:01:00Z'
    const gate = { name: 'startgate-start', ready: false, restartCount: 0, state: { running: { startedAt } } }
    const waits: Pod = { ...pod('z'), status: { initContainerStatuses: [gate] } }
    const younger = pod('b', { metadata: { creationTimestamp: '2026-01-01T00:02:10Z' } })
    const granted = (wallTime: string) => {
      ledger = new Ledger(settings)
      for (const shown of [{ ...waits, spec: { ...waits.spec, priority: -5 } }, younger]) ask(shown)
      return ledger.step(0, TERM, Date.parse(wallTime)).grants.map(({ podUid }) => podUid)
    }
    expect([granted('2026-01-01T00:01:59Z'), granted('2026-01-01T00:02:00Z')]).toEqual([['b'], ['z']])
    // A node's clock says nothing that the API server's does not allow.
    gate.state.running.startedAt = '2020-01-01T00:00:00Z'
    expect([granted('2026-01-01T00:00:59Z'), granted('2026-01-01T00:01:00Z')]).toEqual([['b'], ['z']])
    gate.state.running.startedAt = '2036-01-01T00:00:00Z'
    expect(granted('2026-01-01T09:00:00Z')).toEqual(['b'])
  })

  test('a stored grant that its gate was told of again stands, however low the limit is set', () => {
    const a = ask(pod('a'))
    const [grant] = step().grants
    ledger = new Ledger(settings)
    ledger.upsertPod(pod('a'))
    if (grant) ledger.adopt(grant, 50)
    ask(pod('a'))
    ledger.upsertNode(node({ annotations: { 'startgate.dev/max-starting-per-node': '0' } }))
    ask(pod('a'))
    expect(ledger.grantOf(a)).toEqual(grant)
  })

  test('a stored grant whose container is ready meanwhile is freed', () => {
    const a = ask(pod('a'))
    const [grant] = step().grants
    ledger = new Ledger(settings)
    ledger.upsertPod(pod('a', { app: runningApp('a', true) }))
    if (grant) ledger.adopt(grant, 50)
    expect(step(50).released).toEqual([`${a}: Ready`])
  })

  test('a stored grant of a pod never shown is held until somebody says that the pod is gone', () => {
    const a = ask(pod('a'))
    const [grant] = step().grants
    ledger = new Ledger(settings)
    if (grant) ledger.adopt(grant, 50)
    expect(step(50).released).toEqual([])
    ledger.removePod('a')
    expect(step(51).released).toEqual([`${a}: PodGone`])
  })
})

describe('who waits', () => {
  test('leaves the line when the gate hangs up, or the pod is deleted or finished', () => {
    ask(pod('a'))
    step()
    const keys = ['b', 'c', 'd'].map(uid => ask(pod(uid)))
    ledger.withdraw(keys[0] ?? '')
    ledger.upsertPod(pod('c', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }))
    ledger.upsertPod({ ...pod('d'), status: { phase: 'Succeeded' } })
    expect(step(1).rows).toEqual([])
  })

  test('hears of a freeze, and goes on when it is lifted', () => {
    ledger.setNamespace('shop', { maxStarting: 0 })
    const a = ask(pod('a'))
    expect(step().waiting).toEqual(['start: frozen by startgate.dev/max-starting: 0 on namespace shop'])
    ledger.setNamespace('shop', {})
    expect(step(1).granted).toEqual([`${a}: 1`])
  })

  test('goes on at once when a limit is raised', () => {
    const keys = ['a', 'b'].map(uid => ask(pod(uid)))
    step()
    ledger.upsertNode(node({ annotations: { 'startgate.dev/max-starting-per-node': '2' } }))
    expect(step(1).granted).toEqual([`${keys[1]}: 1`])
  })

  test('waits apart while its node is lost or its pod unknown, and holds up nobody', () => {
    ledger.upsertNode(node({ ready: 'Unknown' }))
    ask(pod('a'))
    ledger.ask(ticketFor(pod('b')), 0)
    expect(step().waiting).toEqual(['start: node n is lost', 'start: the watch on pods does not show this pod yet'])
  })

  test('is told an estimate once hold times are known', () => {
    ask(pod('a'))
    step()
    ledger.removePod('a')
    ask(pod('b'))
    ask(pod('c'))
    expect(step(8_000).rows).toMatchObject([{ place: 1, estimateMs: 8_000 }])
  })
})

describe('modes', () => {
  const counted = (resource: string, scope: string) => {
    const row = ledger.usage().find(u => u.resource === resource && u.scope === scope)
    return row ? [row.held, row.debt] : undefined
  }

  test('observe grants at once, and what it starts is debt: it takes no room from the cluster, and leaves others one slot on its node', () => {
    ledger = new Ledger({ ...settings, cluster: { maxStarting: 2 }, node: { maxStarting: 3 } })
    ledger.upsertNode(node())
    ledger.setNamespace('shop', { mode: 'observe' })
    const keys = ['a', 'b', 'c', 'd'].map(uid => ask(pod(uid)))
    expect(step().granted).toEqual(keys.map(key => `${key}: 1`))
    expect(['cluster', 'node/n', 'namespace/shop'].map(scope => counted('start', scope))).toEqual([
      [0, 0],
      [0, 4],
      [0, 4],
    ])
    const others = ['e', 'f'].map(uid => ask(pod(uid, { metadata: { namespace: 'other' } })))
    expect(step().granted).toEqual([`${others[0]}: 1`])
  })

  test('observed pulls take no room from a registry', () => {
    ledger = new Ledger({ ...settings, registries: { 'docker.io': 1 } })
    ledger.setNamespace('shop', { mode: 'observe' })
    ask(pod('a'), 'startgate-pull')
    expect(step().granted).toEqual(['pull.a.1: 1'])
    expect([counted('pull', 'registry/docker.io'), counted('pull', 'node/n')]).toEqual([undefined, [0, 1]])
  })

  test('what was granted while a namespace was observed is debt to its end, also to the next leader', () => {
    ledger.setNamespace('shop', { mode: 'observe' })
    ask(pod('a'))
    const { grants } = step()
    ledger = new Ledger(settings)
    ledger.upsertPod(pod('a'))
    for (const grant of grants) ledger.adopt(grant, 50)
    expect(counted('start', 'node/n')).toEqual([0, 1])
    ledger.removePod('a')
    step(60)
    expect(counted('start', 'node/n')).toBeUndefined()
  })

  test('off grants at once and counts nothing', () => {
    ledger.setNamespace('shop', { mode: 'off' })
    const a = ask(pod('a'))
    expect(step().granted).toEqual([`${a}: 0`])
    expect([held(), ledger.grantOf(a), step(1).granted]).toEqual([0, undefined, []])
  })
})

describe('pulls', () => {
  test('one slot a pod; those to come wait', () => {
    const [a] = ['a', 'b'].map(uid => ask(pod(uid), 'startgate-pull'))
    expect(step()).toMatchObject({
      granted: [`${a}: 1`],
      waiting: ['pull: node n has 1 of 1 slots in use; next in line'],
    })
    expect(step().wakeAtMs).toBe(settings.pullTimeoutMs)
  })

  test('images that the node lists cost no slot', () => {
    ledger.upsertNode(node({ images: ['docker.io/library/x:1'] }))
    const a = ask(pod('a'), 'startgate-pull')
    expect(step().granted).toEqual([`${a}: 0`])
  })

  test('images that another pod has running on the node cost no slot, not even in a frozen namespace', () => {
    ledger.setNamespace('shop', { maxPulling: 0 })
    ledger.upsertPod(pod('z', { app: { ...runningApp('z', true), imageID: 'sha256:1' } }))
    const a = ask(pod('a'), 'startgate-pull')
    expect(step().granted).toEqual([`${a}: 0`])
  })

  const gone = (uid: string) => ledger.removePod(uid)
  const backsOff = (uid: string) => {
    const shown = pod(uid)
    const end = { exitCode: 0, containerID: `${uid}-pull` }
    const common = { ready: false, restartCount: 0 }
    shown.status = {
      initContainerStatuses: [
        { ...common, name: 'startgate-pull', containerID: end.containerID, state: { terminated: end } },
        { ...common, name: 'startgate-image-0', state: { waiting: { reason: 'ImagePullBackOff' } } },
      ],
    }
    ledger.upsertPod(shown)
  }
  const ends: Record<string, (uid: string) => void> = {
    'is deleted': gone,
    'backs off': backsOff,
    'could not be stored': uid => ledger.revoke(`pull.${uid}.1`),
  }
  test.each(Object.entries(ends))('when a pull that others ride on %s, their pull holds the slot', (_, end) => {
    ask(pod('a'), 'startgate-pull')
    const a = step().grants[0]
    for (const uid of ['b', 'c']) ask(pod(uid), 'startgate-pull')
    const riders = step().grants
    expect(riders.map(({ slots, isRider }) => `${slots} ${isRider}`)).toEqual(['0 true', '0 true'])
    const other = pod('d', { containers: [{ name: 'app', image: 'y:1' }] })
    other.spec.initContainers = [{ name: 'startgate-pull' }]
    ask(other, 'startgate-pull')
    ledger.withdraw(a?.key ?? '')
    end('a')
    expect(step(1).granted).toEqual([])
    const heldBy = (which: Ledger) => which.usage().find(u => u.resource === 'pull' && u.scope === 'node/n')?.held
    expect(heldBy(ledger)).toBe(1)
    // The Lease of the one that is left tells a later leader of it.
    const later = new Ledger(settings)
    later.upsertNode(node())
    for (const rider of riders) later.adopt(rider, 0)
    later.step(1, 2)
    expect(heldBy(later)).toBe(1)
    gone('b')
    expect([step(2).granted, heldBy(ledger)]).toEqual([[], 1])
    gone('c')
    expect(step(3).granted).toEqual(['pull.d.1: 1'])
  })

  test('a grant names only the images that are not there yet', () => {
    ledger.upsertNode(node({ images: ['docker.io/library/x:1'] }))
    ask(pod('a', { containers: [{ name: 'app', image: 'y:1' }] }), 'startgate-pull')
    expect(step().grants[0]?.images).toEqual([imageKeyOf('docker.io/library/y:1')])
  })
})

test('usage shows the cluster, and every scope with slots held or waited for', () => {
  for (const uid of ['a', 'b']) ask(pod(uid))
  step()
  const start = ledger.usage().filter(u => u.resource === 'start')
  expect(start).toEqual([
    { scope: 'cluster', resource: 'start', held: 1, debt: 0, limit: Number.POSITIVE_INFINITY, waiting: 0 },
    { scope: 'node/n', resource: 'start', held: 1, debt: 0, limit: 1, waiting: 1 },
    { scope: 'namespace/shop', resource: 'start', held: 1, debt: 0, limit: Number.POSITIVE_INFINITY, waiting: 0 },
    {
      scope: 'namespace/shop/node/n',
      resource: 'start',
      held: 1,
      debt: 0,
      limit: Number.POSITIVE_INFINITY,
      waiting: 0,
    },
  ])
})
