import type { ClientRequest } from 'node:http'

/**
 * For the TCP connection alone, which the kernel of the busiest service takes at once. Where none comes nobody is
 * there: a replica has gone whose address this node's kube-proxy still knows. Lets a lost packet be sent again twice,
 * after 1 and 3 s.
 */
const CONNECT_MS = 4_000

/** Ends `call` with an error that says so when it has no connection to `address` within CONNECT_MS. */
export function limitConnecting(call: ClientRequest, address: string): void {
  const timer = setTimeout(
    () => call.destroy(new Error(`no connection to ${address} within ${CONNECT_MS / 1000} s`)),
    CONNECT_MS,
  )
  const end = () => clearTimeout(timer)
  call.once('socket', socket => socket.once('connect', end))
  call.once('close', end)
}
