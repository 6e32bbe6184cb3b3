import type { NetConnectOpts } from 'node:net'

export const SYSTEM_BUS_ADDRESS = 'unix:path=/run/dbus/system_bus_socket'

/**
 * Where a D-Bus address leads: the first of its parts that is a unix path, an abstract socket or TCP; undefined when
 * there is none. Source: D-Bus specification, "Server Addresses".
 */
export function busEndpoint(address: string): NetConnectOpts | undefined {
  for (const part of address.split(';')) {
    const [transport = '', ...rest] = part.split(':')
    const keys = new Map(
      rest
        .join(':')
        .split(',')
        .map(pair => pair.split('=', 2).map(unescaped) as [string, string]),
    )
    const path = keys.get('path')
    const abstract = keys.get('abstract')
    const port = Number(keys.get('port'))
    if (transport === 'unix' && path) return { path }
    if (transport === 'unix' && abstract) return { path: `\0${abstract}` }
    if (transport === 'tcp' && port > 0 && port < 65_536) return { host: keys.get('host') ?? '127.0.0.1', port }
  }
  return undefined
}

/** `%2c` and the like; what is no escape stays. */
function unescaped(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
