import type { Socket } from 'node:net'
import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Pressure } from '../../core/pressure.ts'
import type { GateConfig } from '../pod/config.ts'
import type { LeaseClient } from '../pod/lease-client.ts'
import { type WaitDeps, waitUnlessWithdrawn } from '../pod/wait.ts'
import { deadlineMs, type WaitState } from '../pod/waiting.ts'
import { TAKES_NO_WAITERS } from './connect-link.ts'
import { beatLine, directLine, logLine, verdictLine } from './down-lines.ts'
import { hangUp } from './hang-up.ts'
import type { Caller } from './hello.ts'
import type { VouchedGate } from './leader-links.ts'
import { NotServedError } from './vouch.ts'

export interface SessionDeps {
  /** `host:port` of the lease service's Service. */
  address: string
  /** Whose gate this is, by its token. Throws NotServedError; anything else may go well at another time. */
  vouch: (caller: Caller, fromIp: string) => Promise<VouchedGate>
  clientOf: (gate: VouchedGate) => LeaseClient
  /** This node cannot reach the lease service; the gate's own network may. */
  isCutOff: () => boolean
  readPressure: () => Promise<Pressure>
  clock: Clock
  random: () => number
  newNonce: () => string
}

export interface SessionEvents {
  /** Its token is good, and that of this pod. False: it is not to be waited for, and the connection is closed. */
  onVouched: (podUid: string) => boolean
  /** It was told to ask by itself. */
  onRefused: () => void
}

/** One gate's connection, once its line is read. */
export interface GateSession {
  beat(): void
  /** Called when the gate has hung up. */
  withdraw(): void
}

/** Bytes for a gate that does not read: some hundred lines. */
const MOST_UNSENT = 65_536

/** Waits for a gate with the very program of the direct gate, gate/pod/wait.ts, and tells it what comes of that. */
export function startSession(socket: Socket, caller: Caller, deps: SessionDeps, on: SessionEvents): GateSession {
  const withdrawn = new AbortController()
  const { gate, podUid, attempt } = caller
  const say = (line: string): void => {
    if (socket.writableLength > MOST_UNSENT) socket.destroy()
    else if (socket.writable) socket.write(`${line}\n`)
  }
  const config: GateConfig = { ...caller, address: deps.address, serverName: '', caPem: '' }
  let state: WaitState | undefined
  const beat = (): void => {
    if (state) say(beatLine(deadlineMs(state, config) - deps.clock.monotonicMs()))
  }
  const log = (fields: Record<string, unknown>, msg: string): void =>
    say(logLine(deps.clock.wallMs(), { gate, podUid, attempt, ...fields }, msg))
  const client = vouchedClient(caller, deps, {
    fromIp: socket.remoteAddress ?? '',
    onVouched: () => on.onVouched(podUid),
    // With the patience that it has now: this waiter may end before the next beat.
    onContact: () => {
      say('contact')
      beat()
    },
    onRefused: reason => {
      say(directLine(reason))
      hangUp(socket)
      on.onRefused()
      withdrawn.abort()
    },
  })
  const wait: WaitDeps = {
    ...deps,
    config,
    attempt,
    client,
    isLost: caller.isLost,
    before: caller,
    version: caller.version,
    onReason: (reason, place) => log({ ...place, reason }, 'waiting'),
    onState: next => {
      state = next
    },
  }
  void waitUnlessWithdrawn(wait, withdrawn.signal).then(verdict => {
    if (!verdict) return
    log({ ...verdict }, verdict.verdict === 'granted' ? 'granted' : 'failing open: the pod goes on without a slot')
    say(verdictLine({ ...verdict, attempt }))
    hangUp(socket)
  })
  beat()
  return { beat, withdraw: () => withdrawn.abort() }
}

interface Heard {
  fromIp: string
  onVouched: () => boolean
  onContact: () => void
  onRefused: (reason: string) => void
}

/** Looks at the gate's token before it first asks, within the gate's patience like all else. */
function vouchedClient(caller: Caller, { vouch, clientOf, isCutOff }: SessionDeps, heard: Heard): LeaseClient {
  let client: LeaseClient | undefined
  let isContacted = false
  return {
    ask: async (address, body, signal, onMessage) => {
      try {
        if (!client) {
          const vouched = await vouch(caller, heard.fromIp)
          if (!heard.onVouched()) return 'this pod asks too often'
          client = clientOf(vouched)
        }
      } catch (error) {
        if (error instanceof NotServedError) heard.onRefused(error.message)
        return messageOf(error)
      }
      const reason = await client.ask(address, body, signal, message => {
        const isFirst = !isContacted && message.kind !== 'leader'
        isContacted ||= isFirst
        onMessage(message)
        if (isFirst) heard.onContact()
      })
      // The former in an upgrade from a version without waiters, or back to it: the gate itself is served by either.
      if (reason === TAKES_NO_WAITERS || isCutOff()) heard.onRefused(reason)
      return reason
    },
  }
}
