import type { AgentMessage } from '../../../core/lease-api.ts'
import type { Pod } from '../../../core/pod.ts'
import { RefusedError } from '../model/refusal.ts'
import type { AgentStream, Stream } from '../model/stream.ts'
import { sequenceOf } from '../pods/pod-sequence.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'
import { MAX_AGENT_STREAMS, MAX_SHARED_STREAMS, MAX_STREAMS } from '../streams/reconnect-policy.ts'
import { GateOut } from './gate-out.ts'
import type { RequestEvent, TermEvent } from './term-events.ts'
import { decideSoon, emit, type TermState } from './term-state.ts'

/** How long an earlier run's gate stays away, in case it lives. */
const ASK_AGAIN_MS = 1_000
const ANOTHER_RUN = 'another run of this pod has asked'

/** Takes in what gates and agents ask and tell. Throws RefusedError. */
export function takeRequest(state: TermState, event: RequestEvent): void {
  switch (event.kind) {
    case 'gate-asks':
      gateAsks(state, event)
      break
    case 'gate-hung-up':
      gateHungUp(state, event.stream)
      break
    case 'agent-asks':
      agentAsks(state, event)
      break
    case 'agent-hung-up':
      agentHungUp(state, event)
      break
    case 'agent-reports':
      requireAgent(event.pod)
      state.rates.take(event.pod)
      takeReports(state, event)
      break
    case 'pressure-told':
      state.rates.take(event.pod)
      takePressure(state, event)
      break
  }
}

/** Nothing is left of a request that failed half-way: its caller is told that it is refused, and hangs up nothing. */
export function giveUp(state: TermState, event: TermEvent): void {
  if (event.kind === 'gate-asks') gateHungUp(state, event.stream)
  if (event.kind === 'agent-asks') agentHungUp(state, event)
}

export function streamCount({ gates, agents }: TermState): number {
  return gates.size + agents.size
}

/** Of these, such as cost a connection each. */
function connectionCount(state: TermState): number {
  return streamCount(state) - state.gates.shared
}

function noRoom({ isShared }: Stream): string {
  const what = isShared
    ? `${MAX_SHARED_STREAMS} gates wait through waiters`
    : `${MAX_STREAMS} gates and agents are connected`
  return `${what}, as many as there may be`
}

function isFull(state: TermState, { isShared }: Stream): boolean {
  return isShared ? state.gates.shared >= MAX_SHARED_STREAMS : connectionCount(state) >= MAX_STREAMS
}

/** Puts a gate in line, or answers it again where its grant stands. */
function gateAsks(state: TermState, event: Extract<RequestEvent, { kind: 'gate-asks' }>): void {
  const { pod, gate, attempt, pressure, stream } = event
  const { ledger, gates, now } = state
  state.rates.take(pod)
  const ticket = ticketOf(pod, { gate, attempt })
  if ('refused' in ticket) throw new RefusedError(403, 'NO_SUCH_GATE', ticket.refused)
  const { key } = ticket
  const out = new GateOut(state, stream, key)
  if (isFull(state, stream) && !gates.has(key)) {
    out.end({ kind: 'retry', afterMs: gates.awayMs(key), reason: noRoom(stream) })
    return
  }
  state.asking.set(stream, out)
  for (const other of ledger.otherRuns(ticket)) gates.askAgain(other, ANOTHER_RUN, ASK_AGAIN_MS)
  gates.open(key, out)
  // Whoever comes back was made a while ago.
  if (ledger.askedAtMs(ticket) === undefined) state.autos.noteAsked(ticket.nodeName)
  const wasHeld = ledger.grantOf(key) !== undefined
  const granted = ledger.ask(ticket, now.monotonicMs, now.wallMs)
  // Its answer was lost, or a former leader gave it: made durable in our term, then said again.
  if (granted) emit(state, { kind: 'store', grant: { ...granted, term: state.inputs.term } })
  else if (wasHeld) emit(state, { kind: 'delete', key })
  if (pressure) takePressure(state, { pod, load: { pressure } })
  decideSoon(state)
}

function gateHungUp(state: TermState, stream: Stream): void {
  const out = state.asking.get(stream)
  // Another stream may have taken over meanwhile.
  if (!out || !state.gates.close(out.key, out)) return
  state.ledger.withdraw(out.key)
  decideSoon(state)
}

function agentHungUp(state: TermState, { podUid, stream }: { podUid: string; stream: AgentStream }): void {
  state.agents.close(podUid, state.agentsOut.get(stream) ?? stream)
}

/** Takes in an agent with all it knows, and shows it what its pod's status says. */
function agentAsks(state: TermState, event: Extract<RequestEvent, { kind: 'agent-asks' }>): void {
  const { pod, podUid, attempt, stream } = event
  const { agents, gates } = state
  // Before anything is kept for it: a refused caller has no stream to close.
  requireAgent(pod)
  state.rates.take(pod)
  const out = agentOut(state, stream)
  state.agentsOut.set(stream, out)
  agents.open(podUid, attempt, out)
  takeReports(state, event)
  // After it was told what its pod's status says, which is all it came for if it must go at once.
  if (agents.size > MAX_AGENT_STREAMS || connectionCount(state) > MAX_STREAMS) agents.makeRoom(uid => gates.awayMs(uid))
}

function takeReports(
  state: TermState,
  { pod, podUid, attempt, reports }: Extract<RequestEvent, { kind: 'agent-asks' | 'agent-reports' }>,
): void {
  state.ledger.report(podUid, attempt, reports, state.now.monotonicMs)
  state.sequences.tell(pod)
  decideSoon(state)
}

/** A gate tells how its node does: the one that the API says its pod is on. */
function takePressure(
  state: TermState,
  { pod, load }: Pick<Extract<RequestEvent, { kind: 'pressure-told' }>, 'pod' | 'load'>,
): void {
  const { metadata, spec } = pod
  state.pressures.take(spec.nodeName ?? '', metadata.uid ?? '', load, state.now.monotonicMs)
  decideSoon(state)
}

function requireAgent(pod: Pod): void {
  const { namespace, name } = pod.metadata
  if (sequenceOf(pod)) return
  const why =
    'has no agent in its spec with a sequence of its own containers and gates; make the pod anew, so that the webhook writes one'
  throw new RefusedError(403, 'NO_AGENT', `pod ${namespace}/${name} ${why}`)
}

function agentOut(state: TermState, stream: AgentStream): AgentStream {
  return {
    isOpen: () => stream.isOpen(),
    send: (message: AgentMessage) => emit(state, { kind: 'send', to: { stream, message } }),
    end: (message: AgentMessage) => emit(state, { kind: 'end', to: { stream, message } }),
  }
}
