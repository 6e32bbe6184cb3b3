import { parseNamespaceAnnotations } from '../../core/annotations.ts'
import { AUTO } from '../../core/quantity.ts'
import type { CheckFacts, WaiterDaemonSet, WaiterFacts } from './facts.ts'
import { troubleOf } from './judge-programs.ts'
import { bad, judged, type Line, ok, warning } from './line.ts'

const ID = 'node-waiters'
const OFF = 'set the chart value nodeWaiter.enabled: false'

/** Whether each node has the waiter that its gates ask first. Without one each pod there is 5 s later. */
export function judgeWaiters(facts: CheckFacts): Line[] {
  const { waiters, startgateNamespace: namespace } = facts
  if (!waiters) return judgeAutoWithout(facts)
  return judged(waiters.daemonSet, {
    id: ID,
    what: 'the DaemonSet startgate-node-waiter',
    absent: () => [
      bad(
        ID,
        `there is no DaemonSet startgate-node-waiter in namespace ${namespace}, which gates wait through`,
        `helm upgrade startgate CHART, or ${OFF}`,
      ),
    ],
    known: found => [judgeCount(found, waiters, namespace)],
  })
}

/** Nobody tells how a node does, so `auto` finds nothing. */
function judgeAutoWithout({ config, namespaces }: CheckFacts): Line[] {
  if (config.kind !== 'known' || config.value.nodeWaiter) return []
  const { node, nodePools } = config.value.limits
  const isInChart = [node, ...nodePools].some(({ maxStarting }) => maxStarting === AUTO)
  const ours = namespaces.kind === 'known' ? namespaces.value : []
  const first = ours.find(
    ({ metadata }) => parseNamespaceAnnotations(metadata.annotations).settings.maxStartingPerNode === AUTO,
  )
  const where = isInChart ? 'the chart' : first && `namespace ${first.metadata.name}`
  if (!where) return []
  const sentence =
    `${where} says auto for starts on a node, and no waiter runs on the nodes to tell how they do: ` +
    'it is the usual number, as many as the node has cores and at least 2'
  const remedy = 'set the chart value nodeWaiter.enabled: true, or write a number in place of auto'
  return [warning(ID, sentence, remedy)]
}

function judgeCount({ status = {} }: WaiterDaemonSet, waiters: WaiterFacts, namespace: string): Line {
  const [wanted, available] = [status.desiredNumberScheduled ?? 0, status.numberAvailable ?? 0]
  if (wanted > 0 && available >= wanted) return ok(ID, `${available} of ${wanted} nodes have their waiter`)
  const isRefused = (status.currentNumberScheduled ?? 0) < wanted
  const [refusal] = isRefused && waiters.refusals.kind === 'known' ? waiters.refusals.value : []
  const why =
    refusal ?? (waiters.pods.kind === 'known' ? waiters.pods.value.flatMap(pod => troubleOf(pod) ?? []) : [])[0]
  const sentence =
    `${available} of ${wanted} nodes have their waiter; on the others gates ask by themselves, each pod 5 s later` +
    (why ? ` (${why.slice(0, 300)})` : '')
  return (available === 0 ? bad : warning)(ID, sentence, remedyFor(refusal, namespace))
}

/** A waiter is on its node's network, which neither `baseline` nor OpenShift's usual constraints admit. */
function remedyFor(refusal: string | undefined, namespace: string): string {
  if (refusal?.includes('PodSecurity'))
    return `kubectl label --overwrite namespace ${namespace} pod-security.kubernetes.io/enforce=privileged, or ${OFF}`
  if (refusal?.includes('security context constraint'))
    return `oc adm policy add-scc-to-user hostnetwork-v2 -n ${namespace} -z startgate-node-waiter, or ${OFF}`
  if (refusal !== undefined) return `let the API server admit these pods, or ${OFF}`
  return `kubectl describe pods -n ${namespace} -l app.kubernetes.io/component=node-waiter`
}
