import { lookup as dnsLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'

/**
 * Finds the lease service's Service by turns: by the address that the kubelet wrote into the environment, which is
 * there while the cluster's DNS is not up yet, and by DNS, which knows when the Service was made anew. `resolve` is for
 * the second.
 */
export function serviceLookup(ip: string | undefined, resolve: LookupFunction = dnsLookup): LookupFunction {
  const family = ip === undefined ? 0 : isIP(ip)
  if (ip === undefined || family === 0) return resolve
  let turns = 0
  return (hostname, options, callback) => {
    if (turns++ % 2 === 1) resolve(hostname, options, callback)
    else if (options.all) callback(null, [{ address: ip, family }])
    else callback(null, ip, family)
  }
}
