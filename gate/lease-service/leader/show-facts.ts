import type { NamespaceFold } from '../../../core/namespace-settings.ts'
import type { Namespace, Node, Pod } from '../../../core/pod.ts'
import type { Timers } from '../../../core/timers.ts'
import type { NodeFold } from '../pods/node-facts.ts'
import { StartedPod } from '../started/started-pod.ts'
import type { FactEvent } from './term-events.ts'

/**
 * What a replica knows when it begins to lead. Read on after a pause, `pods` shows the latest of each, and what came
 * meanwhile.
 */
export interface KnownFacts {
  nodes: Iterable<{ node: Node; fold: NodeFold }>
  namespaces: Iterable<{ namespace: Namespace; fold: NamespaceFold }>
  pods: Iterable<Pod>
}

/** Takes some 20 ms. */
const PODS_AT_ONCE = 500

/**
 * Shows a leadership what there is, with pauses in which all else gets its turn, renewals above all. It must be told of
 * what changes meanwhile: with that, each object has been shown in its latest state at the end, perhaps twice. Ends
 * early when `isCurrent` says no.
 */
export async function showFacts(
  { show, timers }: { show: (event: FactEvent) => void; timers: Timers },
  { nodes, namespaces, pods }: KnownFacts,
  isCurrent: () => boolean,
): Promise<void> {
  for (const each of nodes) show({ kind: 'node-shown', ...each })
  for (const each of namespaces) show({ kind: 'namespace-shown', ...each })
  let shown = 0
  for (const pod of pods) {
    // Nothing of it starts or waits.
    if (pod instanceof StartedPod) continue
    show({ kind: 'pod-shown', pod })
    if (++shown % PODS_AT_ONCE === 0) await new Promise<void>(resolve => timers.soon(resolve))
    if (!isCurrent()) return
  }
}
