import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { AgentMessage, GateMessage } from '../../../core/lease-api.ts'
import type { Pod } from '../../../core/pod.ts'
import { NOTHING_LEARNED } from '../auto/learned.ts'
import { RESERVATION_AFTER_START_MS, RESERVATION_MS } from '../ledger/reconnect-reservations.ts'
import { grantFor } from '../store/lease-store.contract.ts'
import { createKubernetesStore } from '../store/lease-store.kubernetes.ts'
import { CONNECTED_PLACES, MAX_AGENT_STREAMS, MAX_STREAMS } from '../streams/reconnect-policy.ts'
import { madeNamespace, madeNode, madePod, madeReadyPod } from '../testing/made-pods.ts'
import { madeService, quiet } from '../testing/made-service.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import { PARKED_MS } from './parked-requests.ts'

const last = (heard: GateMessage[]): string | undefined => heard.at(-1)?.kind

test('one is granted, the next waits, and a Lease tells of the one', async () => {
  const { api, service, ask } = madeService([madePod('a'), madePod('b')])
  await service.startLeading(1)
  const [a, b] = [await ask('a'), await ask('b')]
  await quiet()
  expect([last(a), last(b), [...api.leases.keys()]]).toEqual(['granted', 'waiting', ['start.a.1']])
})

test('a read of the election Lease that fails once delays the answer and nothing else', async () => {
  const { world, service, ask } = madeService([madePod('a')])
  let calls = 0
  world.confirm = async () => {
    if (++calls === 1) throw new Error('no answer within 2000 ms')
    return true
  }
  await service.startLeading(1)
  const a = await ask('a')
  await expect.poll(() => last(a), { timeout: 10_000 }).toBe('granted')
  expect(world.lost).toBe(0)
})

test('a start that was overtaken by a stop and another start never grants beside it', async () => {
  const { world, service, ask } = madeService([madePod('a'), madePod('b')])
  const lists: (() => void)[] = []
  world.beforeList = () => new Promise<void>(resolve => lists.push(resolve))
  const first = service.startLeading(5)
  service.stopLeading()
  const second = service.startLeading(5)
  lists[1]?.()
  await second
  const [a, b] = [await ask('a'), await ask('b')]
  await quiet()
  lists[0]?.()
  await first
  await quiet()
  expect([last(a), last(b)]).toEqual(['granted', 'waiting'])
  // What the watch tells now must reach the one that b waits with.
  service.podChanged(madeReadyPod('a'))
  await quiet()
  expect(last(b)).toBe('granted')
})

test.each([false, true])(
  'Leases of a higher term are made its own by a leader that still leads after it has read them: %s',
  async isOurs => {
    const { api, world, service } = madeService([])
    await createKubernetesStore(api, 'startgate-system').put(grantFor('a', 9))
    const before = api.leases.get('start.a.1')?.metadata.resourceVersion
    world.confirm = async () => isOurs
    await service.startLeading(1)
    const hasWritten = api.leases.get('start.a.1')?.metadata.resourceVersion !== before
    expect([hasWritten, service.isLeading, world.lost]).toEqual(isOurs ? [true, true, 0] : [false, false, 1])
  },
)

test('a gate of an earlier run, of which nobody knows that it is dead, stands in line no more, and is told to come again if it is not', async () => {
  const { service, ask, world } = madeService([madePod('a')], { maxStarting: 0 })
  await service.startLeading(1)
  const [dead, alive] = [await ask('a'), await ask('a', { attempt: 2 })]
  service.nodeChanged({
    ...world.node,
    metadata: { ...world.node.metadata, annotations: { 'startgate.dev/max-starting-per-node': '1' } },
  })
  await quiet()
  expect([dead.at(-1), last(alive)]).toEqual([expect.objectContaining({ kind: 'retry', afterMs: 1_000 }), 'granted'])
})

test('a request that was given up while it waited for its review takes no place from the gate, which is back', async () => {
  const { service, ask } = madeService([madePod('a')], { maxStarting: 0 })
  await service.startLeading(1)
  const back = await ask('a')
  await ask('a', { hungUp: true })
  await quiet()
  expect([last(back), service.view.streamCount()]).toEqual(['waiting', 1])
})

test('a pod that the watch does not show is asked for, and served as the API server has it', async () => {
  const pods = [madePod('a')]
  const { service, ask, world } = madeService(pods, { maxStarting: 0 })
  await service.startLeading(1)
  pods.push(madePod('late'))
  const late = await ask('late')
  await quiet()
  service.nodeChanged({
    ...world.node,
    metadata: { ...world.node.metadata, annotations: { 'startgate.dev/max-starting-per-node': '1' } },
  })
  await quiet()
  expect(late.map(({ kind }) => kind)).toEqual(['waiting', 'granted'])
  await expect(ask('none')).rejects.toMatchObject({ code: 'POD_GONE' })
})

test('a leader whose Leases are refused for a minute falls silent, so that gates take it for lost', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { api, service, ask, world } = madeService([madePod('a'), madePod('b')])
  const store = api.createLease.bind(api)
  let tries = 0
  api.createLease = () => {
    tries += 1
    return Promise.reject(new Error('exceeded quota'))
  }
  await service.startLeading(1)
  const [a, b] = [await ask('a'), await ask('b')]
  /** What is heard at the first beat after the next try, ten seconds later: by then a heartbeat is due. */
  const heardNext = async (): Promise<number> => {
    const [before, tried] = [a.length + b.length, tries]
    world.nowMs += 10_000
    await expect.poll(() => tries, { timeout: 5_000 }).toBeGreaterThan(tried)
    vi.advanceTimersByTime(1_000)
    return a.length + b.length - before
  }
  const heard: number[] = []
  while (world.nowMs < 100_000) heard.push(await heardNext())
  const isTold = heard.map(count => count > 0)
  expect([isTold.slice(0, 5), isTold.slice(-2)]).toEqual([Array(5).fill(true), [false, false]])
  api.createLease = store
  world.nowMs += 1_000
  // Both have waited for long by now, b also while a's grants could not be stored.
  await expect.poll(() => [last(a), last(b)], { timeout: 10_000 }).toContain('granted')
}, 60_000)

test('what is left of an earlier leadership does not end a later one of the same replica', async () => {
  const { api, service, ask, world } = madeService([madePod('a'), madePod('b')])
  await service.startLeading(1)
  const answers: ((isOurs: boolean) => void)[] = []
  world.confirm = () => new Promise(resolve => answers.push(resolve))
  const lost = await ask('a')
  await quiet()
  service.stopLeading()
  world.confirm = async () => true
  await service.startLeading(2)
  answers[0]?.(false)
  await quiet()
  const [again, b] = [await ask('a'), await ask('b')]
  // The earlier one has taken back what it wrote, which the later one had counted: it writes again.
  await expect.poll(() => last(again), { timeout: 10_000 }).toBe('granted')
  expect([last(lost), last(b), world.lost, service.isLeading]).toEqual(['retry', 'waiting', 0, true])
  expect([...api.leases.keys()]).toEqual(['start.a.1'])
})

test('what an earlier leadership was about to delete stays in a later term of the same replica, which counts it', async () => {
  const { api, service, ask, world } = madeService([madePod('a')])
  await service.startLeading(1)
  await ask('a')
  await quiet()
  const answers: ((isOurs: boolean) => void)[] = []
  world.confirm = () => new Promise(resolve => answers.push(resolve))
  service.podChanged(madePod('a', { phase: 'Succeeded' }))
  await quiet()
  service.stopLeading()
  await service.startLeading(2)
  expect(answers).toHaveLength(1)
  answers[0]?.(true)
  await quiet()
  expect([...api.leases.keys()]).toEqual(['start.a.1'])
})

test('a start whose term ended while it read serves nobody', async () => {
  const { world, service } = madeService([madePod('a')])
  world.beforeList = async () => {
    world.isLeader = false
  }
  await service.startLeading(1)
  expect(service.isLeading).toBe(false)
})

test('a start whose term ended while it read what nodes had found touches no Lease of the leader after it', async () => {
  const { world, api, service } = madeService([madePod('a')], undefined, {
    newAutoStore: () => ({
      load: async () => {
        world.isLeader = false
        return NOTHING_LEARNED
      },
      save: async () => undefined,
    }),
  })
  await createKubernetesStore(api, 'startgate-system').put(grantFor('a', 6))
  const versions = () => [...api.leases.values()].map(({ metadata }) => metadata.resourceVersion)
  const before = versions()
  await service.startLeading(5)
  expect(versions()).toEqual(before)
})

test('the last good value of a namespace outlives a change of leader', async () => {
  const { service, ask } = madeService([madePod('a')])
  service.namespaceChanged(madeNamespace({ 'startgate.dev/max-starting': '0' }))
  service.namespaceChanged(madeNamespace({ 'startgate.dev/max-starting': 'many' }))
  await service.startLeading(1)
  await service.startLeading(2)
  const a = await ask('a')
  await quiet()
  expect(a.at(-1)).toMatchObject({ kind: 'waiting', reason: expect.stringContaining('max-starting: 0') })
})

test('the last good value of a node too', async () => {
  const { world, service, ask } = madeService([madePod('a')])
  const annotate = (value: string) => {
    const { metadata, ...node } = madeNode()
    const annotations = { 'startgate.dev/max-starting-per-node': value }
    world.node = { ...node, metadata: { ...metadata, annotations } }
    service.nodeChanged(world.node)
  }
  await service.startLeading(1)
  annotate('0')
  annotate('many')
  await service.startLeading(2)
  const a = await ask('a')
  await quiet()
  expect(a.at(-1)).toMatchObject({ kind: 'waiting', reason: expect.stringContaining('max-starting-per-node: 0') })
})

test('a namespace with annotations that cannot be read is counted, until they can, or it is gone', async () => {
  const { service } = madeService([madePod('a')])
  await service.startLeading(1)
  const counted = (annotations: Record<string, string>) => {
    service.namespaceChanged(madeNamespace(annotations))
    return service.view.badAnnotations()
  }
  const bad = { 'startgate.dev/max-starting': 'many', 'startgate.dev/weight': '2' }
  const row = { kind: 'Namespace', name: 'shop', count: 2 }
  expect([counted(bad), counted({}), counted(bad)]).toEqual([[row], [], [row]])
  service.namespaceGone('shop')
  expect(service.view.badAnnotations()).toEqual([])
})

test('a gate whose grant ends before it hears of it is told to ask again', async () => {
  const pod = madePod('a')
  pod.spec.initContainers = [{ name: 'startgate-pull' }, { name: 'startgate-start' }]
  const { world, service, ask } = madeService([pod])
  await service.startLeading(1)
  // The second run of the init containers: the first gate takes the start slots.
  const pull = await ask('a', { gate: 'startgate-pull', attempt: 2 })
  await quiet()
  expect(last(pull)).toBe('granted')
  const terminated = { exitCode: 0, containerID: 'c1', message: '{"attempt":2}' }
  const status = { name: 'startgate-pull', ready: true, restartCount: 0, containerID: 'c1', state: { terminated } }
  service.podChanged({ ...pod, status: { phase: 'Pending', initContainerStatuses: [status] } })
  await quiet()
  // Then the user's init containers take as long as the start timeout, and the answer is slow.
  const answered = Promise.withResolvers<boolean>()
  world.confirm = () => answered.promise
  const start = await ask('a', { attempt: 2 })
  world.nowMs += 120_001
  service.podChanged({ ...pod, status: { phase: 'Pending', initContainerStatuses: [status] } })
  await quiet()
  answered.resolve(true)
  expect(start.at(-1)).toMatchObject({ kind: 'retry', afterMs: 0 })
  const again = await ask('a', { attempt: 2 })
  await quiet()
  expect(last(again)).toBe('granted')
})

test('a grant of a pod that ended while nobody led is given back', async () => {
  const { api, service, ask } = madeService([madePod('b')])
  const store = createKubernetesStore(api, 'startgate-system')

  await store.put(grantFor('gone'))
  await service.startLeading(2)
  const b = await ask('b')
  await quiet()
  expect([last(b), [...api.leases.keys()]]).toEqual(['granted', ['start.b.1']])
})

test('a gate that asks again after a change of leader finds its grant, in the new term', async () => {
  const { api, service, ask } = madeService([madePod('a')])
  await service.startLeading(1)
  await ask('a')
  await quiet()
  await service.startLeading(2)
  const again = await ask('a')
  await quiet()
  expect([last(again), api.leases.get('start.a.1')?.spec?.leaseTransitions]).toEqual(['granted', 2])
})

test('a Lease left by a write of unknown outcome, whose slot went to another, is not answered by the next leader', async () => {
  const { api, service, ask } = madeService([madePod('a'), madePod('b')])
  const store = createKubernetesStore(api, 'startgate-system')
  const nodeName = madePod('a').spec.nodeName ?? ''
  for (const name of ['a', 'b']) await store.put({ ...grantFor(name), podName: name, nodeName })
  await service.startLeading(2)
  const a = await ask('a')
  await quiet()
  expect([last(a), [...api.leases.keys()]]).toEqual(['waiting', ['start.b.1']])
})

test('a Lease that nobody holds is deleted, but not by a leader that has lost its term: it may be of the next one', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { api, world, service } = madeService([])
  await service.startLeading(1)
  await createKubernetesStore(api, 'startgate-system').put(grantFor('a', 2))
  const keysAfterNext = async (isOurs: boolean) => {
    world.confirm = async () => isOurs
    vi.advanceTimersByTime(30_000)
    await quiet()
    return [...api.leases.keys()]
  }
  expect([await keysAfterNext(false), await keysAfterNext(true)]).toEqual([['start.a.1'], []])
})

const gate = { name: 'startgate-start', ready: false, restartCount: 0 }
const waitingPod = (name: string) =>
  madePod(name, { phase: 'Pending', initContainerStatuses: [{ ...gate, state: { running: {} } }] })

test('after a change of leader the younger who comes back first waits for the older, whose gate runs', async () => {
  const { service, ask } = madeService([waitingPod('a'), waitingPod('b'), waitingPod('c')])
  await service.startLeading(1)
  const c = await ask('c')
  const b = await ask('b')
  await quiet()
  expect([last(b), last(c)]).toEqual(['waiting', 'waiting'])
  const a = await ask('a')
  await quiet()
  expect([last(a), last(b), last(c)]).toEqual(['granted', 'waiting', 'waiting'])
})

test.each([
  ['has just begun', 0, RESERVATION_AFTER_START_MS],
  ['has stood by', 3_600_000, RESERVATION_MS],
])('an older one that does not come back costs that time once: a leader that %s', async (_, ageMs, keptMs) => {
  const { world, service, ask } = madeService([waitingPod('a'), waitingPod('b')])
  world.nowMs += ageMs
  await service.startLeading(1)
  const b = await ask('b')
  world.nowMs += keptMs - 1
  await quiet()
  expect(last(b)).toBe('waiting')
  world.nowMs += 1
  await expect.poll(() => last(b), { timeout: 2 * RESERVATION_MS }).toBe('granted')
})

test('a turn is kept in a line of its own: who needs another limit goes', async () => {
  const other = waitingPod('b')
  other.spec.nodeName = 'worker-2'
  const { service, ask } = madeService([waitingPod('a'), other])
  await service.startLeading(1)
  const b = await ask('b')
  await quiet()
  expect(last(b)).toBe('granted')
})

describe('a gate that asks while nobody leads', () => {
  const asked = (made: ReturnType<typeof madeService>) => {
    const { world, ask } = made
    Object.assign(world, { isLeader: false, isChanging: true, leader: { address: 'dead:1', term: 1 } })
    return ask('a')
  }
  test('is served once this replica leads', async () => {
    const made = madeService([madePod('a')])
    const a = asked(made)
    await quiet()
    made.world.isLeader = true
    await made.service.startLeading(2)
    await quiet()
    expect(last(await a)).toBe('granted')
  })
  test('is told the way once another one leads', async () => {
    const made = madeService([madePod('a')])
    const a = asked(made)
    await quiet()
    Object.assign(made.world, { isChanging: false, leader: { address: 'next:1', term: 2 } })
    expect(await a).toEqual([{ kind: 'leader', address: 'next:1', term: 2 }])
  })
  test('is sent away in the end', async () => {
    const made = madeService([madePod('a')])
    const a = asked(made)
    Object.assign(made.world, { leader: undefined })
    const refused = expect(a).rejects.toThrow('no replica leads')
    made.world.nowMs += PARKED_MS
    await refused
  })
})

test('gates beyond the first thousand places are told to come back, and hold up nobody while away', async () => {
  const pods = Array.from({ length: CONNECTED_PLACES + 3 }, (_, i) => madePod(`pod-${String(i).padStart(5, '0')}`))
  const { service, ask } = madeService(pods)
  await service.startLeading(1)
  const heard = new Map<string, GateMessage[]>()
  for (const { metadata } of pods) heard.set(metadata.name ?? '', await ask(metadata.name ?? ''))
  await quiet()
  const kinds = [...heard.values()].map(last)
  // One holds the slot, a thousand wait, two go.
  expect([kinds[0], kinds[1], kinds[CONNECTED_PLACES], ...kinds.slice(-2)]).toEqual([
    'granted',
    'waiting',
    'waiting',
    'retry',
    'retry',
  ])
  const [lastPod] = pods.slice(-1)
  expect(heard.get(lastPod?.metadata.name ?? '')?.at(-1)).toMatchObject({ kind: 'retry', afterMs: 5_000 })
  // An older one that is away blocks nobody.
  for (const pod of pods.slice(0, -2)) service.podChanged({ ...pod, status: { ...pod.status, phase: 'Succeeded' } })
  await quiet()
  const [back] = pods.slice(-1)
  const answer = await ask(back?.metadata.name ?? '')
  await quiet()
  expect(last(answer)).toBe('granted')
})

test('gates and agents together never have more streams than the leader has room for', async () => {
  const gated = Array.from({ length: MAX_STREAMS }, (_, i) => madePod(`pod-${String(i).padStart(5, '0')}`))
  const sequenced = Array.from({ length: MAX_AGENT_STREAMS + 2 }, (_, i) => withUid(sequencedPod(), `agent-${i}`))
  const { service, ask } = madeService([...gated, ...sequenced])
  await service.startLeading(1)
  const agent = async (podUid: string): Promise<string[]> => {
    const heard: string[] = []
    const hear = ({ kind }: AgentMessage) => void heard.push(kind)
    const identity = { namespace: 'shop', podName: podUid, podUid }
    const stream = { isOpen: () => true, send: hear, end: hear }
    await service.connectAgent(identity, { podUid, attempt: 1, nonce: 'nonce-0001', reports: [] }, stream)
    return heard
  }
  const heard = [] as string[][]
  for (const { metadata } of sequenced) heard.push(await agent(metadata.uid ?? ''))
  expect(service.view.streamCount()).toBe(MAX_AGENT_STREAMS)
  // Each is told what its pod's status says, also the first, which went for the last.
  expect(heard.filter(([first]) => first !== 'containers')).toEqual([])
  expect(heard.map(kinds => kinds.at(-1)).filter(kind => kind === 'retry')).toHaveLength(2)
  let most = 0
  for (const { metadata } of gated) {
    await ask(metadata.name ?? '')
    if (service.view.streamCount() > most) most = service.view.streamCount()
  }
  await quiet()
  expect(Math.max(most, service.view.streamCount())).toBeLessThanOrEqual(MAX_STREAMS)
}, 60_000)

function withUid(pod: Pod, uid: string): Pod {
  return { ...pod, metadata: { ...pod.metadata, name: uid, uid } }
}
