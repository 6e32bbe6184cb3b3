import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { KubeError } from './kube-error.ts'
import { createLeaderElector } from './leader-elector.ts'
import type { Lease } from './lease.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const refused = () => new KubeError('down', { status: 0, reason: 'ConnectionRefused' })

/** The API server's side of one Lease. `mode`: `down` answers no one, `hangs` never answers. */
class FakeApi {
  mode: 'up' | 'down' | 'hangs' = 'up'
  lease: Lease | undefined
  #version = 0

  getLease = async (): Promise<Lease> => {
    await this.#answer()
    if (!this.lease) throw new KubeError('', { status: 404, reason: 'NotFound' })
    return structuredClone(this.lease)
  }
  createLease = (lease: Lease): Promise<Lease> => this.#write(lease, undefined, 'AlreadyExists')
  replaceLease = (lease: Lease): Promise<Lease> => this.#write(lease, lease.metadata.resourceVersion, 'Conflict')

  async #write(lease: Lease, version: string | undefined, reason: string): Promise<Lease> {
    await this.#answer()
    if (this.lease?.metadata.resourceVersion !== version) throw new KubeError('', { status: 409, reason })
    this.lease = { ...lease, metadata: { ...lease.metadata, uid: 'u1', resourceVersion: `${++this.#version}` } }
    return structuredClone(this.lease)
  }

  async #answer(): Promise<void> {
    if (this.mode === 'down') throw refused()
    if (this.mode === 'hangs') await new Promise(() => undefined)
  }
}

function contender(api: FakeApi, identity: string, handOver?: () => Promise<void>) {
  const calls: string[] = []
  const elector = createLeaderElector({
    client: api,
    namespace: 'startgate-system',
    name: 'startgate-leader',
    identity,
    address: `${identity}:8443`,
    clock: { wallMs: () => Date.now(), monotonicMs: () => Date.now() },
    random: () => 0.5,
    log: pino({ level: 'silent' }),
    onStartedLeading: term => void calls.push(`started ${term}`),
    onStoppedLeading: () => {
      calls.push('stopped')
      return handOver?.()
    },
    onNewLeader: leader => void calls.push(`leader ${leader.address} ${leader.term}`),
  })
  return { calls, ...elector }
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

test('the first leads, the second waits and knows where the first is', async () => {
  const api = new FakeApi()
  const [a, b] = [contender(api, 'a'), contender(api, 'b')]
  a.start()
  await pass(10)
  b.start()
  await pass(30_000)
  expect(a.calls).toEqual(['started 1', 'leader a:8443 1'])
  expect(b.calls).toEqual(['leader a:8443 1'])
  expect([a.isLeader(), b.isLeader(), b.leader()?.address]).toEqual([true, false, 'a:8443'])
})

test('resign() stops leading, waits for the work to end, and lets the next one lead within a second', async () => {
  const api = new FakeApi()
  const work = Promise.withResolvers<void>()
  const [a, b] = [contender(api, 'a', () => work.promise), contender(api, 'b')]
  a.start()
  await pass(10)
  b.start()
  await pass(1_000)
  const resigning = a.resign()
  await pass(1_000)
  expect([a.isLeader(), b.isLeader(), a.calls.at(-1)]).toEqual([false, false, 'stopped'])
  work.resolve()
  await resigning
  await pass(1_000)
  expect(b.calls).toEqual(['leader a:8443 1', 'started 2', 'leader b:8443 2'])
})

test('who has resigned expects another leader at once, and tells where it is, also when the Lease could not be released', async () => {
  const api = new FakeApi()
  const work = Promise.withResolvers<void>()
  const [a, b] = [contender(api, 'a', () => work.promise), contender(api, 'b')]
  const known = () => [a.leader()?.address, a.isChanging()]
  a.start()
  await pass(10)
  b.start()
  await pass(1_500)
  vi.spyOn(api, 'replaceLease').mockRejectedValueOnce(refused())
  const resigning = a.resign()
  await pass(10)
  const meanwhile = known()
  work.resolve()
  await resigning
  const after = known()
  await pass(3_000)
  expect([meanwhile, after, known()]).toEqual(Array(3).fill([undefined, true]))
  await pass(6_000)
  expect([known(), a.calls]).toEqual([
    ['b:8443', false],
    ['started 1', 'leader a:8443 1', 'stopped', 'leader b:8443 2'],
  ])
})

test('silence of the leader is told after two periods, the end of it after the lease duration', async () => {
  const api = new FakeApi()
  const [a, b] = [contender(api, 'a'), contender(api, 'b')]
  a.start()
  await pass(10)
  b.start()
  await pass(5_000)
  const before = b.isChanging()
  const killed = structuredClone(api.lease)
  vi.spyOn(api, 'replaceLease').mockRejectedValueOnce(refused())
  api.mode = 'up'
  await a.resign()
  api.lease = killed
  await pass(3_000)
  expect([before, b.isChanging(), b.leader()?.address]).toEqual([false, true, 'a:8443'])
  await pass(5_000)
  expect([b.isLeader(), b.isChanging()]).toEqual([true, false])
})

describe('a leader that reaches no API server', () => {
  test.each(['down', 'hangs'] as const)('is told after renewDeadline that it leads no more (%s)', async mode => {
    const api = new FakeApi()
    const a = contender(api, 'a')
    a.start()
    await pass(2_500)
    api.mode = mode
    await pass(5_000)
    expect(a.isLeader()).toBe(true)
    await pass(1_000)
    expect([a.isLeader(), a.calls.filter(call => call === 'stopped').length]).toEqual([false, 1])
  })

  test('leads again in a new term, even if nobody else came', async () => {
    const api = new FakeApi()
    const a = contender(api, 'a')
    a.start()
    await pass(10)
    api.mode = 'down'
    await pass(7_000)
    api.mode = 'up'
    await pass(1_000)
    expect(a.calls).toEqual(['started 1', 'leader a:8443 1', 'stopped', 'started 2', 'leader a:8443 2'])
  })
})

test('a stalled process is no leader, before any timer of it has run', async () => {
  const api = new FakeApi()
  const a = contender(api, 'a')
  a.start()
  await pass(10)
  vi.setSystemTime(Date.now() + 6_000)
  expect([a.isLeader(), await a.confirmTerm()]).toEqual([false, false])
})

describe('confirmTerm', () => {
  test('is true while the Lease is held in this term', async () => {
    const api = new FakeApi()
    const a = contender(api, 'a')
    expect(await a.confirmTerm()).toBe(false)
    a.start()
    await pass(10)
    expect(await a.confirmTerm()).toBe(true)
  })

  const changes: Record<string, (api: FakeApi) => void> = {
    'another one took it': api => Object.assign(api.lease?.spec ?? {}, { holderIdentity: 'b', leaseTransitions: 2 }),
    'it is of a later term': api => Object.assign(api.lease?.spec ?? {}, { leaseTransitions: 2 }),
    'it was deleted and made anew': api => Object.assign(api.lease?.metadata ?? {}, { uid: 'u2' }),
    'it was deleted': api => Object.assign(api, { lease: undefined }),
  }
  test.each(Object.entries(changes))('is false when %s', async (_, change) => {
    const api = new FakeApi()
    const a = contender(api, 'a')
    a.start()
    await pass(10)
    change(api)
    expect(await a.confirmTerm()).toBe(false)
    expect(a.isLeader()).toBe(api.lease?.metadata.uid === 'u2')
  })

  test('rejects when nobody answers: that says nothing of the term', async () => {
    const api = new FakeApi()
    const a = contender(api, 'a')
    a.start()
    await pass(10)
    api.mode = 'down'
    await expect(a.confirmTerm()).rejects.toThrow()
    expect(a.isLeader()).toBe(true)
  })
})

test('a label put on the Lease costs one conflict, not the leadership', async () => {
  const api = new FakeApi()
  const a = contender(api, 'a')
  a.start()
  await pass(10)
  Object.assign(api.lease?.metadata ?? {}, { resourceVersion: '99', labels: { by: 'hand' } })
  await pass(10_000)
  expect(a.calls).toEqual(['started 1', 'leader a:8443 1'])
  expect(api.lease?.metadata.labels).toEqual({ by: 'hand' })
})
