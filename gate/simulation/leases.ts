import { KubeError } from '../../core/kube/kube-error.ts'
import type { LeaseApi } from '../lease-service/store/lease-store.kubernetes.ts'
import { MemoryLeaseApi } from '../lease-service/store/lease-store.memory.ts'
import { isLearned } from './autos.ts'
import type { SimProcess } from './process.ts'
import type { Situations } from './situations.ts'
import type { Random, Timeline } from './timeline.ts'

/** Test support. The Leases as the API server has them: what outlives a leader. */
export class SimLeases {
  readonly api = new MemoryLeaseApi()
  /** Nothing is read or written before. */
  downUntilMs = 0
  readonly #time: Timeline

  constructor(time: Timeline) {
    this.#time = time
  }

  get isDown(): boolean {
    return this.#time.nowMs < this.downUntilMs
  }

  /** Of grants. */
  keys(): IteratorObject<string> {
    return this.api.leases.keys().filter(name => !isLearned(name))
  }
}

export interface SimLeaseApiDeps {
  time: Timeline
  random: Random
  situations: Situations
  leases: SimLeases
  process: SimProcess
  /** Just when they are read. */
  onListed: () => void
}

/** Test support. How one process reaches the Leases: any call may be slow, fail, or end without an answer. */
export function simLeaseApi(deps: SimLeaseApiDeps): LeaseApi {
  const { random, leases, process, onListed } = deps
  const { api } = leases
  const read = <T>(act: () => Promise<T>): Promise<T> =>
    leases.isDown ? process.call(random.int(1_000, 2_000), () => noAnswer()) : process.call(random.int(5, 50), act)
  return {
    listLeases: () =>
      read(() => {
        onListed()
        return api.listLeases()
      }),
    getLease: (namespace, name) => read(() => api.getLease(namespace, name)),
    createLease: lease => write(deps, () => api.createLease(lease)),
    replaceLease: lease => write(deps, () => api.replaceLease(lease)),
    deleteLease: (...args) => write(deps, () => api.deleteLease(...args)),
  }
}

function write<T>(deps: SimLeaseApiDeps, act: () => Promise<T>): Promise<T> {
  const { time, random, situations, leases, process } = deps
  if (leases.isDown || random.chance(0.07)) {
    situations.note('the outcome of a write was unknown')
    carryOutLater(deps, act)
    return process.call(random.int(leases.isDown ? 1_000 : 0, 5_000), noAnswer)
  }
  const ms = random.int(5, random.chance(0.1) ? 5_000 : 100)
  if (random.chance(0.05)) {
    situations.note('a write failed')
    return process.call(ms, () =>
      Promise.reject(new KubeError('etcd is slow', { status: 500, reason: 'InternalError' })),
    )
  }
  return new Promise((resolve, reject) => {
    time.after(ms, () => {
      if (process.isOver && random.chance(0.5)) return
      if (process.isOver) situations.note('a write outlived its leader')
      time.stir()
      act().then(
        lease => process.do(() => resolve(lease)),
        error => process.do(() => reject(error)),
      )
    })
  })
}

function noAnswer(): Promise<never> {
  return Promise.reject(new Error('no answer within 5000 ms'))
}

/** Maybe when another one leads, or never; by the API server's rules for conditional writes. */
function carryOutLater<T>({ time, random, situations, leases }: SimLeaseApiDeps, act: () => Promise<T>): void {
  if (random.chance(0.4)) return
  time.after(Math.max(0, leases.downUntilMs - time.nowMs) + random.int(0, 4_000), () => {
    time.stir()
    act().then(
      () => situations.note('a write of unknown outcome was carried out'),
      () => undefined,
    )
  })
}
