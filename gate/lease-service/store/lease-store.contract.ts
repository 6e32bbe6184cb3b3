import { expect, test } from 'vitest'
import type { Grant } from '../model/grant.ts'
import type { LeaseStore } from './lease-store.ts'

/** A grant for tests; the pod's UID is what tells one from another. */
export function grantFor(podUid: string, term = 1): Grant {
  return {
    key: `start.${podUid}.1`,
    resource: 'start',
    gate: 'startgate-start',
    attempt: 1,
    podUid,
    podName: `pod-${podUid}`,
    namespace: 'shop',
    nodeName: 'worker-1',
    containers: ['app'],
    slots: 1,
    images: [],
    priority: 0,
    createdAtMs: 0,
    term,
    grantedAtMs: 1,
    timeoutMs: 60_000,
    staleContainerIds: [],
  }
}

/** What every LeaseStore must do; run on the memory API in unit tests and on a real API server in e2e. */
export function leaseStoreContract(newStore: () => Promise<LeaseStore>): void {
  test('what was put is listed, by another process too', async () => {
    const store = await newStore()
    const version = await store.put(grantFor('a'))
    expect((await store.list()).stored).toEqual([{ grant: grantFor('a'), version }])
  })

  test("a new leader makes a former one's grant its own, and the former one can then no longer remove it", async () => {
    const store = await newStore()
    const old = await store.put(grantFor('a', 1))
    const mine = await store.put(grantFor('a', 2), old)
    expect(await store.remove('start.a.1', old)).toBe(false)
    expect((await store.list()).stored).toEqual([{ grant: grantFor('a', 2), version: mine }])
  })

  test("a former leader cannot write over a later one's grant, also where terms have started over in between", async () => {
    const store = await newStore()
    await store.put(grantFor('a', 2))
    for (const term of [1, 3]) {
      await expect(store.put(grantFor('a', term))).rejects.toMatchObject({ code: 'STALE_TERM' })
    }
  })

  test("putting again without knowing the version takes over one's own", async () => {
    const store = await newStore()
    await store.put(grantFor('a', 2))
    const version = await store.put(grantFor('a', 2))
    expect(await store.remove('start.a.1', version)).toBe(true)
    expect((await store.list()).stored).toEqual([])
  })

  test('removing what is gone is done', async () => {
    const store = await newStore()
    const version = await store.put(grantFor('a'))
    await store.remove('start.a.1', version)
    expect(await store.remove('start.a.1', version)).toBe(true)
  })
}
