import type { Node } from '../../../core/pod.ts'
import { AUTO } from '../../../core/quantity.ts'
import type { AutoLimit } from '../auto/auto-limit.ts'
import { autoBoundsOf } from '../auto/bounds.ts'
import type { AutoFacts } from '../auto/node-autos.ts'
import type { Step } from '../ledger/step.ts'
import { autoMaxOn } from '../limits/node-auto.ts'
import type { LimitFacts } from '../limits/scope.ts'
import { startEndOf } from '../pods/start-end.ts'
import type { TermState } from './term-state.ts'

/** What cloud providers call a kind of machine by. */
export const INSTANCE_TYPE = 'node.kubernetes.io/instance-type'

/** A node is there, or is another than it was. */
export function showAutoNode({ autos, ledger }: TermState, { metadata: { name = '', labels } }: Node): void {
  const cores = ledger.limits.nodes.get(name)?.cores ?? 1
  autos.setNode(name, { kind: labels?.[INSTANCE_TYPE] ?? `${cores} cores`, cores })
}

/** Takes in the figures that have come since the last time. Tells whether some limit is another. */
export function advanceAutos({ autos, ledger, now }: TermState): boolean {
  const { limits } = ledger
  const maxOn = writtenMax(limits)
  let startsOn: ReturnType<typeof ledger.nodeStarts> | undefined
  return autos.advance(now.monotonicMs, (nodeName): AutoFacts | undefined => {
    const max = maxOn(nodeName)
    if (max === undefined) return undefined
    startsOn ??= ledger.nodeStarts()
    return { ...startsOn(nodeName), bounds: autoBoundsOf(limits.nodes.get(nodeName)?.cores ?? 1, max) }
  })
}

/** The automatic limits of nodes that figures have come of and that some `auto` concerns. */
export function autoRows({ autos, ledger }: TermState): [nodeName: string, limit: AutoLimit][] {
  const maxOn = writtenMax(ledger.limits)
  return [...autos.found()].filter(([nodeName]) => maxOn(nodeName) !== undefined)
}

/** The most that `auto` may come to on a node; undefined where nobody wrote one that concerns it. */
function writtenMax(limits: LimitFacts): (nodeName: string) => number | undefined {
  const isForNamespace = limits.namespaces.values().some(({ maxStartingPerNode }) => maxStartingPerNode === AUTO)
  return nodeName => {
    const { max, isOwn } = autoMaxOn(nodeName, limits)
    return isOwn || isForNamespace ? max : undefined
  }
}

/** How starts ended that a step says have. */
export function noteEnds({ autos, pods }: TermState, { releases, timeouts }: Step): void {
  for (const { grant } of timeouts)
    if (grant.resource === 'start') autos.noteEnded(grant.nodeName, { timedOut: 1 }, grant.namespace)
  for (const release of releases) {
    const { nodeName, namespace, podUid } = release.grant
    autos.noteEnded(nodeName, startEndOf(release, pods.get(podUid)), namespace)
  }
}
