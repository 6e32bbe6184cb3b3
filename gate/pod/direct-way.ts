import type { GateConfig } from './config.ts'
import { createLeaseClient } from './lease-client.ts'
import { measureLoad, readPressure } from './node-pressure.ts'
import type { WaitDeps } from './wait.ts'

/** How a gate without a waiter on its node asks the lease service, and tells it of the node. */
export function directWay(config: GateConfig): Pick<WaitDeps, 'client' | 'readPressure' | 'tellLoad'> {
  const client = createLeaseClient(config)
  return {
    client,
    readPressure,
    tellLoad: async (address, signal) =>
      client.tellPressure(address, { podUid: config.podUid, ...(await measureLoad()) }, signal),
  }
}
