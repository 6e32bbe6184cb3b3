import { timeoutOf } from '../limits/start-timeout.ts'
import { type Grant, isFree, type Resource, type Ticket, type Waiting } from '../model/grant.ts'
import { WaitingRows } from '../model/waiting-rows.ts'
import { staleContainerIds } from '../pods/container-status.ts'
import type { Admitted } from '../queue/admission.ts'
import { type Blocked, eachStanding } from '../queue/line-up.ts'
import { reasonOf } from '../queue/wait-reason.ts'
import type { LedgerState } from './ledger-state.ts'
import type { Step } from './step.ts'

/** Grants what may go now, and says of all others why they wait. `term`: of the grants. */
export function decide(state: LedgerState, step: Step, nowMs: number, term: number): void {
  const { triage, waiting, reservations, troubles, setAsides } = state
  state.lines = []
  state.rows = step.rows
  state.asked = waiting.tickets()
  const { free, lines, setAside } = triage.sortOut(state.asked, nowMs)
  const away = triage.away(reservations.tickets(nowMs), nowMs)
  state.known.wantImages(away.pull.length > 0 ? [...lines.pull, ...away.pull] : lines.pull)
  const grant = (ticket: Ticket): boolean => {
    const given = troubles.guard(ticket, nowMs, () => granted(state, ticket, nowMs, term))
    if (given) step.grants.push(given)
    // Its turn goes to the next one at once.
    else step.wakeAtMs = nowMs
    return given !== undefined
  }
  for (const ticket of free) grant(ticket)
  for (const resource of ['pull', 'start'] as const) {
    const line = { tickets: lines[resource], away: away[resource] }
    const { taken, passes, lines: left } = admit(state, resource, line, nowMs)
    const went = taken.filter(({ ticket }) => grant(ticket))
    for (const { ticket, oversizeIn } of went)
      for (const scope of oversizeIn) step.oversize.push({ key: ticket.key, slots: ticket.slots, scope })
    for (const { ticket, reason } of passes) if (grant(ticket)) step.passes.push({ key: ticket.key, reason })
    eachStanding(left, ({ ticket }) => setAsides.decided(ticket))
    state.lines = state.lines.concat(left)
  }
  const inLine = state.lines
  step.rows = new WaitingRows(inLine, setAside, (line, i) => waitingOf(state, inLine[line]?.blocked[i] as Blocked))
  state.rows = step.rows
}

/** A decision that fails is made once more without those whose limits cannot be told. Throws when that is no help. */
function admit(
  { admission, troubles, parts, known }: LedgerState,
  resource: Resource,
  line: { tickets: Ticket[]; away: Ticket[] },
  nowMs: number,
): Admitted {
  try {
    return admission.decide(resource, line, nowMs)
  } catch (error) {
    const isSound = (ticket: Ticket) =>
      troubles.guard(ticket, nowMs, () => parts.scopesOf(ticket, known.limits)) !== undefined
    const [tickets, away] = [line.tickets.filter(isSound), line.away.filter(isSound)]
    if (tickets.length === line.tickets.length && away.length === line.away.length) throw error
    return admission.decide(resource, { tickets, away }, nowMs)
  }
}

function granted(state: LedgerState, ticket: Ticket, nowMs: number, term: number): Grant {
  const { known, triage, parts, setAsides, waiting, holdings } = state
  const pod = known.podOf(ticket.podUid)
  const mode = known.modeOf(ticket.namespace)
  const isOff = known.isOff(ticket.namespace, pod)
  const isRider = !isOff && triage.rides(ticket)
  const needsNoSlot = isOff || triage.needsNoSlot(ticket)
  const grant: Grant = {
    ...ticket,
    slots: needsNoSlot ? 0 : ticket.slots,
    ...(isRider && { isRider }),
    term,
    grantedAtMs: 0,
    timeoutMs: timeoutOf(ticket, pod, known.limits),
    staleContainerIds: pod ? staleContainerIds(pod, ticket) : [],
    ...(mode === 'observe' && { isObserved: true as const }),
  }
  parts.progress.granted(ticket)
  triage.touch(ticket.podUid)
  setAsides.decided(ticket)
  if (isFree(grant)) waiting.remove(ticket.key)
  else holdings.add(grant, nowMs, false)
  return grant
}

function waitingOf({ holdings }: LedgerState, blocked: Blocked): Waiting {
  const { ticket, place, of, obstacle } = blocked
  const { key, resource, namespace } = ticket
  const { scope } = obstacle
  const estimateMs = obstacle.kind === 'frozen' ? undefined : holdings.estimate.waitMs(resource, place, scope)
  if (blocked.row && blocked.row.estimateMs === estimateMs) return blocked.row
  const row = { key, resource, namespace, cause: obstacle.kind, place, of, reason: reasonOf(blocked) }
  blocked.row = { ...row, ...(estimateMs !== undefined && { estimateMs }) }
  return blocked.row
}
