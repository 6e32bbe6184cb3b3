import { systemClock as clock } from '../../../core/clock.ts'
import type { KubeClient } from '../../../core/kube/client.ts'
import { createListWatch } from '../../../core/kube/list-watch.ts'
import { keyOf } from '../../../core/kube/store.ts'
import type { Logger } from '../../../core/log.ts'
import { GATED_LABEL } from '../../../core/names.ts'
import type { Namespace, Node, Pod } from '../../../core/pod.ts'
import { projectNamespace, projectNode, projectPod } from '../pods/pod-projection.ts'
import { sharedText } from '../pods/shared-text.ts'
import { retainPods } from '../started/retain-pods.ts'
import type { Replica } from './replica.ts'

export interface WatchesOptions {
  service: () => Replica
  maxStartTimeoutMs: number
}

/**
 * What a replica sees of the cluster: of each object no more than is read, of a pod past starting hardly more than its
 * name.
 */
export function createWatches(client: KubeClient, log: Logger, { service, maxStartTimeoutMs }: WatchesOptions) {
  const common = { client, log, clock, random: Math.random }
  const texts = sharedText()
  const pods = createListWatch<Pod>({
    ...common,
    path: '/api/v1/pods',
    labelSelector: `${GATED_LABEL}=true`,
    onChange: pod => service().podChanged(pod, pods.get(keyOf(pod))),
    onDelete: pod => service().podUnseen(pod),
    project: pod => projectPod(pod, texts),
    retain: retainPods({ texts, clock, maxStartTimeoutMs }),
  })
  const nodes = createListWatch<Node>({
    ...common,
    path: '/api/v1/nodes',
    onChange: node => service().nodeChanged(node),
    onDelete: node => service().nodeGone(node.metadata.name ?? ''),
    project: node => projectNode(node, texts),
  })
  const namespaces = createListWatch<Namespace>({
    ...common,
    path: '/api/v1/namespaces',
    onChange: namespace => service().namespaceChanged(namespace),
    onDelete: namespace => service().namespaceGone(namespace.metadata.name ?? ''),
    project: projectNamespace,
  })
  const start = async (): Promise<void> => {
    for (const watch of [pods, nodes, namespaces]) watch.start()
    await Promise.all([pods.synced, nodes.synced, namespaces.synced])
  }
  const ageMs = (): number => Math.max(pods.lastEventAgeMs(), nodes.lastEventAgeMs(), namespaces.lastEventAgeMs())
  /** A pod that was read from the API, as the watch would show it. */
  const read = (pod: Pod | undefined): Pod | undefined => pod && projectPod(pod, texts)
  /** To be called now and then: pods get past starting by time alone, too. */
  const shrink = (): void => {
    pods.retainAgain()
    for (const pod of pods.values()) service().podKept(pod)
  }
  return { pods, nodes, start, ageMs, read, shrink }
}
