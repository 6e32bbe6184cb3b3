import { setTimeout as sleep } from 'node:timers/promises'
import type { LeaseApi } from '../gate/lease-service/store/lease-store.kubernetes.ts'

/** How often the API server was asked. */
export interface ApiCalls {
  reads: number
  writes: number
}

/** The same API, each call taking `latencyMs` longer and counted in `calls`. */
export function apiWithLatency(api: LeaseApi, latencyMs: number, calls: ApiCalls): LeaseApi {
  const reading = async <T>(call: () => Promise<T>): Promise<T> => {
    calls.reads++
    await sleep(latencyMs)
    return call()
  }
  const writing = async <T>(call: () => Promise<T>): Promise<T> => {
    calls.writes++
    await sleep(latencyMs)
    return call()
  }
  return {
    listLeases: (...args) => reading(() => api.listLeases(...args)),
    getLease: (...args) => reading(() => api.getLease(...args)),
    createLease: (...args) => writing(() => api.createLease(...args)),
    replaceLease: (...args) => writing(() => api.replaceLease(...args)),
    deleteLease: (...args) => writing(() => api.deleteLease(...args)),
  }
}
