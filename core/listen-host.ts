import { existsSync } from 'node:fs'

/** The address that takes connections of both families, or of IPv4 where the kernel has no IPv6 (`ipv6.disable=1`). */
export function listenHost(hasIpv6: boolean = existsSync('/proc/net/if_inet6')): string {
  return hasIpv6 ? '::' : '0.0.0.0'
}
