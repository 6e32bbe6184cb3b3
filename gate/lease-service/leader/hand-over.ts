import { setImmediate } from 'node:timers/promises'
import type { NamespaceFold } from '../../../core/namespace-settings.ts'
import type { Namespace, Node, Pod } from '../../../core/pod.ts'
import type { NodeFold } from '../pods/node-facts.ts'
import { StartedPod } from '../started/started-pod.ts'
import type { Leadership } from './leader-term.ts'

/**
 * What a replica knows when it begins to lead. Read on after a pause, `pods` shows the latest of each, and what came
 * meanwhile.
 */
export interface KnownFacts {
  nodes: Iterable<[Node, NodeFold]>
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
export async function handIn(
  leadership: Pick<Leadership, 'nodeChanged' | 'namespaceChanged' | 'podChanged'>,
  { nodes, namespaces, pods }: KnownFacts,
  isCurrent: () => boolean,
): Promise<void> {
  for (const [node, fold] of nodes) leadership.nodeChanged(node, fold)
  for (const { namespace, fold } of namespaces) leadership.namespaceChanged(namespace, fold)
  let handedIn = 0
  for (const pod of pods) {
    // Nothing of it starts or waits.
    if (pod instanceof StartedPod) continue
    leadership.podChanged(pod)
    if (++handedIn % PODS_AT_ONCE === 0) await setImmediate()
    if (!isCurrent()) return
  }
}
