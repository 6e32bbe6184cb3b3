import type { Node } from '../../../core/pod.ts'
import { AUTO } from '../../../core/quantity.ts'
import { autoBoundsOf } from '../auto/bounds.ts'
import type { AutoFacts } from '../auto/node-autos.ts'
import type { Step } from '../ledger/step.ts'
import { autoMaxOn } from '../limits/node-auto.ts'
import { startEndOf } from '../pods/start-end.ts'
import type { TermState } from './term-state.ts'

/** What cloud providers call a kind of machine by. */
export const INSTANCE_TYPE = 'node.kubernetes.io/instance-type'

/** A node is there, or is another than it was. */
export function showAutoNode({ autos, ledger }: TermState, { metadata: { name = '', labels } }: Node): void {
  const cores = ledger.limits.nodes.get(name)?.cores ?? 1
  autos.setNode(name, { kind: labels?.[INSTANCE_TYPE] ?? `${cores} cores`, cores })
}

/** Takes in the figures of the last second. */
export function advanceAutos({ autos, ledger, now }: TermState): void {
  const { limits } = ledger
  let startsOn: ReturnType<typeof ledger.nodeStarts> | undefined
  const isForNamespace = limits.namespaces.values().some(({ maxStartingPerNode }) => maxStartingPerNode === AUTO)
  autos.advance(now.monotonicMs, (nodeName): AutoFacts | undefined => {
    const { max, isOwn } = autoMaxOn(nodeName, limits)
    if (!isOwn && !isForNamespace) return undefined
    startsOn ??= ledger.nodeStarts()
    return { ...startsOn(nodeName), bounds: autoBoundsOf(limits.nodes.get(nodeName)?.cores ?? 1, max) }
  })
}

/** How starts ended that a step says have. */
export function noteEnds({ autos, pods }: TermState, { releases, timeouts }: Step): void {
  for (const { grant } of timeouts) if (grant.resource === 'start') autos.noteEnded(grant.nodeName, { timedOut: 1 })
  for (const release of releases)
    autos.noteEnded(release.grant.nodeName, startEndOf(release, pods.get(release.grant.podUid)))
}
