import fc from 'fast-check'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { GrantWriter } from './grant-writer.ts'
import { grantFor } from './lease-store.contract.ts'
import { createKubernetesStore } from './lease-store.kubernetes.ts'
import { MemoryLeaseApi } from './lease-store.memory.ts'

const KEYS = ['a', 'b', 'c', 'd']
/** How many turns of the event loop it takes, and whether it fails before it is carried out, or its answer is lost. */
interface Call {
  turns: number
  fault: 'before' | 'after' | undefined
}
const call = fc.record<Call>({
  turns: fc.nat(6),
  fault: fc.constantFrom(undefined, undefined, undefined, 'before' as const, 'after' as const),
})
const word = fc.record({
  kind: fc.constantFrom('asks' as const, 'ends' as const),
  uid: fc.constantFrom(...KEYS),
  pause: fc.nat(3),
})

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>(resolve => setImmediate(resolve))
}

/** Nothing here is called off. */
function later(act: () => void): () => void {
  void turns(5).then(act)
  return () => undefined
}

/** An API server whose calls go as `calls` say; notes which of one Lease were under way at once. */
class SlowApi extends MemoryLeaseApi {
  readonly overlaps: string[] = []
  readonly #calls: Iterator<Call>
  readonly #underWay = new Map<string, string>()

  constructor(calls: readonly Call[]) {
    super()
    this.#calls = calls.values()
  }

  async #during<T>(what: string, name: string, act: () => Promise<T>): Promise<T> {
    const other = this.#underWay.get(name)
    if (other) this.overlaps.push(`${what} of ${name} during ${other}`)
    this.#underWay.set(name, what)
    const { turns: before, fault } = this.#calls.next().value ?? { turns: 0, fault: undefined }
    await turns(before)
    try {
      if (fault === 'before') throw new Error('timeout')
      const result = await act()
      if (fault === 'after') throw new Error('timeout')
      return result
    } finally {
      this.#underWay.delete(name)
    }
  }

  override createLease(...[lease]: Parameters<MemoryLeaseApi['createLease']>) {
    return this.#during('create', lease.metadata.name ?? '', () => super.createLease(lease))
  }

  override replaceLease(...[lease]: Parameters<MemoryLeaseApi['replaceLease']>) {
    return this.#during('replace', lease.metadata.name ?? '', () => super.replaceLease(lease))
  }

  override deleteLease(...args: Parameters<MemoryLeaseApi['deleteLease']>) {
    return this.#during('delete', args[1], () => super.deleteLease(...args))
  }
}

/** A writer, whoever holds what, and what went wrong. */
class World {
  readonly wrong: string[] = []
  readonly api: SlowApi
  readonly #held = new Set<string>()
  readonly #told = new Set<string>()
  readonly #writer: GrantWriter

  constructor(calls: readonly Call[], terms: readonly string[]) {
    this.api = new SlowApi(calls)
    const said = terms.values()
    this.#writer = new GrantWriter({
      store: createKubernetesStore(this.api, 'startgate-system'),
      confirmTerm: async () => {
        await turns(2)
        if (said.next().value === 'unknown') throw new Error('timeout')
        return true
      },
      onDurable: ({ key }) => this.#durable(key),
      onFailed: ({ key }) => this.#claim(this.#held.delete(key), `${key} failed and held nothing`),
      onTermLost: () => this.wrong.push('term lost'),
      monotonicMs: () => 0,
      timers: { after: (_ms, act) => later(act) },
      log: pino({ level: 'silent' }),
    })
  }

  #claim(holds: boolean, otherwise: string): void {
    if (!holds) this.wrong.push(otherwise)
  }

  #durable(key: string): void {
    this.#told.add(key)
    this.#claim(this.api.leases.has(key), `${key} is told and has no Lease`)
    this.#claim(this.#held.has(key), `${key} is told and holds nothing`)
  }

  asks(uid: string): void {
    const grant = grantFor(uid)
    this.#held.add(grant.key)
    this.#writer.submit(grant)
  }

  ends(uid: string): void {
    const { key } = grantFor(uid)
    if (!this.#held.delete(key)) return
    this.#told.delete(key)
    this.#writer.release(key)
  }

  /** To be called when all is calm. `mayLeave`: a write whose answer was lost leaves a Lease for who compares them. */
  check(mayLeave: boolean): void {
    const { leases } = this.api
    for (const key of this.#held) this.#claim(leases.has(key) && this.#told.has(key), `${key} holds, and was not told`)
    for (const key of leases.keys()) {
      this.#claim(mayLeave || this.#held.has(key), `${key} is left`)
      this.#claim(this.#held.has(key) || !this.#writer.knows(key), `${key} is left for ever`)
    }
  }
}

test('whatever is asked and ends while calls are slow or fail: who holds has a Lease, and nobody else', async () => {
  const terms = fc.array(fc.constantFrom('ours', 'ours', 'ours', 'unknown'), { maxLength: 20 })
  const all = [fc.array(word, { maxLength: 40 }), fc.array(call, { maxLength: 60 }), terms] as const
  await fc.assert(
    fc.asyncProperty(...all, async (words, calls, said) => {
      const world = new World(calls, said)
      for (const { kind, uid, pause } of words) {
        world[kind](uid)
        await turns(pause)
      }
      await turns(400)
      world.check(calls.some(({ fault }) => fault !== undefined))
      expect(world.wrong.concat(world.api.overlaps)).toEqual([])
    }),
    { numRuns: 100 },
  )
})
