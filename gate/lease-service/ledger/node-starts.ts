import { scopeRef } from '../limits/scope-ref.ts'
import { eachStanding } from '../queue/line-up.ts'
import type { LedgerState } from './ledger-state.ts'

/** What starts on a node. */
export interface NodeStarts {
  /** Start slots held. */
  held: number
  /** Those of them whose containers were seen running. */
  running: number
  /** Somebody waits for whom an automatic limit there has no room. */
  isShort: boolean
}

/** Of each node, as the last step left it. What is told at once for all costs as much as there are grants and waits. */
export function nodeStarts({ holdings, lines, parts }: LedgerState): (nodeName: string) => NodeStarts {
  const running = holdings.runningByNode()
  const short = new Set<string>()
  eachStanding(lines, ({ ticket, obstacle }) => void (obstacle.scope.isAuto && short.add(ticket.nodeName)))
  return nodeName => ({
    held: parts.usage.held('start', scopeRef({ kind: 'node', node: nodeName }).id),
    running: running.get(nodeName) ?? 0,
    isShort: short.has(nodeName),
  })
}
