import { pino } from 'pino'
import { expect, test } from 'vitest'
import { KubeError } from '../../../core/kube/kube-error.ts'
import type { Lease } from '../../../core/kube/lease.ts'
import { systemTimers } from '../../../core/timers.ts'
import { GrantWriter } from './grant-writer.ts'
import { grantFor } from './lease-store.contract.ts'
import { createKubernetesStore } from './lease-store.kubernetes.ts'
import { MemoryLeaseApi } from './lease-store.memory.ts'

function setUp(confirm: () => Promise<boolean> = async () => true, retryMs = 1) {
  const api = new MemoryLeaseApi()
  const clock = { nowMs: 0 }
  const said: string[] = []
  const waiters: (() => void)[] = []
  const say = (word: string): void => {
    said.push(word)
    for (const wake of waiters.splice(0)) wake()
  }
  const writer = new GrantWriter({
    store: createKubernetesStore(api, 'startgate-system'),
    confirmTerm: confirm,
    onDurable: grant => say(`durable ${grant.podUid}, stored: ${api.leases.has(grant.key)}`),
    onFailed: (grant, { kind }) => say(kind === 'unavailable' ? `failed ${grant.podUid}` : `${kind} ${grant.podUid}`),
    onTermLost: () => say('term lost'),
    monotonicMs: () => clock.nowMs,
    timers: systemTimers,
    log: pino({ level: 'silent' }),
    retryMs,
  })
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise<void>(resolve => setImmediate(resolve))
  }
  return { api, clock, said, writer, until }
}

test('a grant is answered only when it is stored', async () => {
  const { said, writer, until } = setUp()
  writer.submit(grantFor('a'))
  expect(said).toEqual([])
  await until(() => said.length > 0)
  expect(said).toEqual(['durable a, stored: true'])
})

test('it tells for how long nothing could be stored, until something is or nothing is tried any more', async () => {
  const { api, clock, said, writer, until } = setUp()
  const store = api.createLease.bind(api)
  const failAt = async (nowMs: number) => {
    clock.nowMs = nowMs
    const before = said.length
    writer.submit(grantFor('a'))
    await until(() => said.length > before)
    return writer.failingForMs()
  }
  api.createLease = () => Promise.reject(new Error('exceeded quota'))
  expect([await failAt(0), await failAt(15_000), await failAt(30_000)]).toEqual([0, 15_000, 30_000])
  clock.nowMs = 51_000
  expect([writer.failingForMs(), await failAt(52_000), await failAt(53_000)]).toEqual([0, 0, 1_000])
  api.createLease = store
  writer.submit(grantFor('b'))
  await until(() => said.includes('durable b, stored: true'))
  expect(writer.failingForMs()).toBe(0)
})

test('what gathers during a write shares one confirmation of the term', async () => {
  let confirmations = 0
  const { said, writer, until } = setUp(async () => ++confirmations > 0)
  for (const uid of ['a', 'b', 'c']) writer.submit(grantFor(uid))
  await until(() => said.length === 3)
  expect(confirmations).toBe(1)
})

test('a leader that has lost its term answers nothing and takes back what it wrote', async () => {
  const { api, said, writer, until } = setUp(async () => false)
  writer.submit(grantFor('a'))
  await until(() => said.length > 0)
  expect(said).toEqual(['term lost'])
  expect(api.leases.size).toBe(0)
})

test('a leader that has lost its term deletes nothing, for the next one may count it', async () => {
  let isOurs = true
  const { api, said, writer, until } = setUp(async () => isOurs)
  writer.submit(grantFor('a'))
  await until(() => said.length > 0)
  isOurs = false
  writer.release('start.a.1')
  await until(() => said.includes('term lost'))
  expect([...api.leases.keys()]).toEqual(['start.a.1'])
})

test('a term that cannot be read is asked for again before anything is answered', async () => {
  let calls = 0
  const { said, writer, until } = setUp(async () => {
    if (++calls < 3) throw new Error('etcdserver: request timed out')
    return true
  })
  writer.submit(grantFor('a'))
  await until(() => said.length > 0)
  expect([said, calls]).toEqual([['durable a, stored: true'], 3])
})

test('a write that fails brings its slots back', async () => {
  const { api, said, writer, until } = setUp()
  api.nextFault = 'before'
  writer.submit(grantFor('a'))
  await until(() => said.length > 0)
  expect(said).toEqual(['failed a'])
})

test('a gate that asks again during a write that then fails is not answered: its slots have come back', async () => {
  const { api, said, writer, until } = setUp()
  api.nextFault = 'before'
  writer.submit(grantFor('a'))
  await Promise.resolve()
  await Promise.resolve()
  writer.submit(grantFor('a'))
  await until(() => said.length > 0)
  writer.submit(grantFor('b'))
  await until(() => said.includes('durable b, stored: true'))
  expect([said, api.leases.size]).toEqual([['failed a', 'durable b, stored: true'], 1])
})

test('a grant that ends while it is being written leaves no Lease behind and is not answered', async () => {
  const { api, said, writer, until } = setUp()
  writer.submit(grantFor('a'))
  writer.submit(grantFor('b'))
  await Promise.resolve()
  await Promise.resolve()
  writer.release('start.a.1')
  await until(() => said.includes('durable b, stored: true') && api.leases.size === 1)
  expect(said).toEqual(['durable b, stored: true'])
})

test("a former leader's grant is stamped with the new term before it is answered again", async () => {
  const { api, said, writer, until } = setUp()
  const store = createKubernetesStore(api, 'startgate-system')
  const version = await store.put(grantFor('a', 1))
  writer.adopt(grantFor('a', 1), version)
  writer.submit(grantFor('a', 2))
  await until(() => said.length > 0)
  expect((await store.list()).stored[0]?.grant.term).toBe(2)
})

test('a Lease that cannot be deleted now is deleted later', async () => {
  const { api, said, writer, until } = setUp()
  writer.submit(grantFor('a'))
  await until(() => said.length > 0)
  api.nextFault = 'before'
  writer.release('start.a.1')
  await until(() => api.leases.size === 0)
})

test('a release during a write that fails leaves no trace for the next grant of that key', async () => {
  const { api, said, writer, until } = setUp()
  api.nextFault = 'before'
  writer.submit(grantFor('a'))
  await Promise.resolve()
  await Promise.resolve()
  writer.release('start.a.1')
  await until(() => api.nextFault === undefined)
  writer.submit(grantFor('a'))
  await until(() => said.length > 0)
  expect([said, api.leases.size]).toEqual([['durable a, stored: true'], 1])
})

test('an object of a higher term, left from before terms started over, is written over by who surely leads', async () => {
  const { api, said, writer, until } = setUp()
  await createKubernetesStore(api, 'startgate-system').put(grantFor('a', 9))
  writer.submit(grantFor('a', 1))
  await until(() => said.length > 0)
  expect(said).toEqual(['durable a, stored: true'])
})

/** Longer than any test: where the writer waited for it, the test would time out. */
const FOREVER_MS = 3_600_000

const failing = (status: number) => new KubeError('no', { status, reason: 'Unknown' })

/** Fails what concerns the grants of these pods, and those only. */
function failFor(api: MemoryLeaseApi, faults: Record<string, KubeError>): void {
  const [create, remove] = [api.createLease.bind(api), api.deleteLease.bind(api)]
  const faultOf = (name = '') => faults[name.split('.')[1] ?? '']
  api.createLease = async (lease: Lease) => {
    const fault = faultOf(lease.metadata.name)
    if (fault) throw fault
    return create(lease)
  }
  api.deleteLease = async (namespace, name, preconditions) => {
    const fault = faultOf(name)
    if (fault) throw fault
    return remove(namespace, name, preconditions)
  }
}

test.each([400, 413, 422])(
  'a Lease that the API server refuses with %i is its own trouble: no other waits for it, and it mutes nobody',
  async status => {
    const { api, clock, said, writer, until } = setUp(undefined, FOREVER_MS)
    failFor(api, { bad: failing(status) })
    for (const nowMs of [0, 60_000, 120_000]) {
      clock.nowMs = nowMs
      writer.submit(grantFor('bad'))
      await until(() => said.splice(0).includes('refused bad'))
      writer.submit(grantFor(`good-${nowMs}`))
      await until(() => said.includes(`durable good-${nowMs}, stored: true`))
      expect(writer.failingForMs()).toBe(0)
    }
  },
)

test.each([401, 403, 429, 500, 503, 0])('one key that fails with %i delays no other', async status => {
  const { api, said, writer, until } = setUp(undefined, FOREVER_MS)
  failFor(api, { bad: failing(status) })
  writer.submit(grantFor('bad'))
  await until(() => said.includes('failed bad'))
  writer.submit(grantFor('good'))
  await until(() => said.includes('durable good, stored: true'))
})

test('a Lease that cannot be deleted delays no grant', async () => {
  const { api, said, writer, until } = setUp(undefined, FOREVER_MS)
  writer.submit(grantFor('bad'))
  await until(() => said.length > 0)
  failFor(api, { bad: failing(403) })
  writer.release('start.bad.1')
  await until(() => true)
  writer.submit(grantFor('good'))
  await until(() => said.includes('durable good, stored: true'))
})

test('when nothing can be stored at all, it pauses, so that a server in trouble is not stormed', async () => {
  const { api, said, writer, until } = setUp(undefined, FOREVER_MS)
  let calls = 0
  api.createLease = async () => {
    calls++
    throw failing(503)
  }
  for (const uid of ['a', 'b']) {
    writer.submit(grantFor(uid))
    await until(() => said.includes(`failed ${uid}`))
  }
  writer.submit(grantFor('c'))
  for (let turn = 0; turn < 30; turn++) await new Promise<void>(resolve => setImmediate(resolve))
  expect(calls).toBe(2)
})

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>(resolve => setImmediate(resolve))
}

/** Calls of one method of `api` for Leases of this name: they go on when they are let go. */
function holdUp(
  api: MemoryLeaseApi,
  method: 'createLease' | 'replaceLease' | 'deleteLease',
  key: string,
): { letGo: () => void } {
  const call = api[method].bind(api) as (...args: unknown[]) => Promise<never>
  const held: (() => void)[] = []
  api[method] = async (...args: unknown[]) => {
    const [first, second] = args as [string | Lease, string | undefined]
    const name = typeof first === 'string' ? second : first.metadata.name
    if (name === key) await new Promise<void>(resolve => held.push(resolve))
    return call(...args)
  }
  return { letGo: () => held.splice(0).forEach(resolve => void resolve()) }
}

test('a Lease that is slow to be written holds up its own batch only', async () => {
  const { api, said, writer, until } = setUp()
  const { letGo } = holdUp(api, 'createLease', 'start.slow.1')
  writer.submit(grantFor('slow'))
  await turns()
  writer.submit(grantFor('good'))
  await until(() => said.includes('durable good, stored: true'))
  letGo()
  await until(() => said.includes('durable slow, stored: true'))
})

test('no grant waits for Leases to be deleted, but for one of its own key', async () => {
  const { api, said, writer, until } = setUp()
  for (const uid of ['a', 'b']) writer.submit(grantFor(uid))
  await until(() => said.length === 2)
  const { letGo } = holdUp(api, 'deleteLease', 'start.a.1')
  writer.release('start.a.1')
  await turns()
  said.length = 0
  for (const uid of ['a', 'c']) writer.submit(grantFor(uid))
  await until(() => said.length > 0)
  await turns()
  expect(said).toEqual(['durable c, stored: true'])
  letGo()
  await until(() => said.length > 1)
  expect(said.at(-1)).toBe('durable a, stored: true')
})

test('no Lease is deleted while it is being written', async () => {
  const { api, writer, until } = setUp()
  const version = await createKubernetesStore(api, 'startgate-system').put(grantFor('a', 1))
  writer.adopt(grantFor('a', 1), version)
  const { letGo } = holdUp(api, 'replaceLease', 'start.a.1')
  writer.submit(grantFor('a', 2))
  await turns()
  writer.release('start.a.1')
  await turns()
  expect(api.leases.size).toBe(1)
  letGo()
  await until(() => api.leases.size === 0)
})

test('of a thousand grants few are written at a time, and many share a confirmation', async () => {
  let confirmations = 0
  const { api, said, writer, until } = setUp(async () => ++confirmations > 0)
  const create = api.createLease.bind(api)
  let [running, most] = [0, 0]
  api.createLease = async lease => {
    most = Math.max(most, ++running)
    await new Promise<void>(resolve => setImmediate(resolve))
    running--
    return create(lease)
  }
  for (let i = 0; i < 1_000; i++) writer.submit(grantFor(`pod-${i}`))
  await until(() => said.length === 1_000)
  expect([most, confirmations]).toEqual([32, 16])
})

test('two batches that find the term lost take back what each wrote', async () => {
  const { api, said, writer, until } = setUp(async () => false)
  for (let i = 0; i < 100; i++) writer.submit(grantFor(`pod-${i}`))
  await until(() => api.leases.size === 0 && said.length === 2)
  expect(said).toEqual(['term lost', 'term lost'])
})

test('what waits to be deleted when the term ends is left to the next leader', async () => {
  const { api, said, writer, until } = setUp()
  for (let i = 0; i < 40; i++) writer.submit(grantFor(`pod-${i}`))
  await until(() => said.length === 40)
  const remove = api.deleteLease.bind(api)
  api.deleteLease = async (...args) => {
    await new Promise<void>(resolve => setImmediate(resolve))
    writer.stop()
    return remove(...args)
  }
  for (let i = 0; i < 40; i++) writer.release(`start.pod-${i}.1`)
  await until(() => api.leases.size < 40)
  await turns()
  expect(api.leases.size).toBe(24)
})
