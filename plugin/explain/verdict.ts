import type { Pod } from '../../core/pod.ts'
import { eligibility, skipSentence } from '../../webhook/mutate/eligibility.ts'
import { failOpenAfter, type ImageTrouble, imageTrouble, isGated, isOurs, runningGates } from '../cluster/gates.ts'
import type { PodFacts } from './facts.ts'
import { asNamespaceFacts } from './namespace-facts.ts'

/** How the pod stands with startgate. */
export interface PodVerdict {
  kind: 'not-gated' | 'waits' | 'image' | 'started' | 'not-scheduled' | 'between' | 'ended'
  sentence: string
  /** What to do, where something can be done. */
  advice: string[]
}

/** What to say first. */
export function podVerdict(facts: PodFacts): PodVerdict {
  const { pod } = facts
  if (!isGated(pod)) return notGated(facts)
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed')
    return { kind: 'ended', sentence: `it has ended (${pod.status.phase})`, advice: [] }
  const trouble = imageTrouble(pod)
  if (trouble) return withoutImage(pod, trouble)
  if (pod.spec.nodeName === undefined)
    return { kind: 'not-scheduled', sentence: 'it is not on a node yet, so no gate runs', advice: scheduling(facts) }
  const gates = runningGates(pod)
  if (gates.length > 0)
    return waits(
      facts,
      gates.map(({ name }) => name),
    )
  const containers = pod.status?.containerStatuses ?? []
  if (containers.length > 0 && containers.every(({ state, started, ready }) => state?.running && (started || ready)))
    return { kind: 'started', sentence: 'it has started; startgate holds nothing back', advice: [] }
  return { kind: 'between', sentence: 'no gate runs at the moment: the kubelet starts or pulls something', advice: [] }
}

/** An image step only pulls earlier what the pod's own container would be refused too. */
function withoutImage({ spec }: Pod, { container, image, reason, message, owner }: ImageTrouble): PodVerdict {
  const said = `${reason}: ${message.slice(0, 300)}`
  if (owner === 'startgate')
    return {
      kind: 'image',
      sentence: `the kubelet cannot get the image of ${container}: ${said}`,
      advice: [
        "look at the chart's image.repository: the nodes must be able to pull it in this namespace without a pull secret",
      ],
    }
  const users = [...(spec.initContainers ?? []), ...spec.containers].filter(c => !isOurs(c) && c.image === image)
  const names = users.map(({ name }) => name).join(', ')
  return {
    kind: 'image',
    sentence: `the kubelet cannot get the pod's own image ${image}${names && `, of ${names}`} (pulled by ${container}): ${said}`,
    advice: [
      "look at the image's name and tag, at its registry, and at imagePullSecrets of the pod and of its service account: startgate's own image is not what is missing",
    ],
  }
}

function waits({ pod, state }: PodFacts, gates: string[]): PodVerdict {
  const waiting = state.kind === 'known' ? state.state.waiting.items : []
  const after = failOpenAfter(pod)
  const sentence = `it waits in ${gates.join(', ')}`
  if (waiting.length > 0 || state.kind === 'unknown') return { kind: 'waits', sentence, advice: [] }
  const advice = [
    'look at its log: kubectl logs POD -c GATE; "no contact" means that something keeps it from the lease service (kubectl startgate check)',
    ...(after === undefined
      ? []
      : [
          after === 'never'
            ? 'it fails closed: it waits on until it has contact'
            : `without contact it lets its pod go after ${after} and a random time`,
        ]),
  ]
  return { kind: 'waits', sentence: `${sentence}, and the leader does not show it in any line at the moment`, advice }
}

function scheduling({ pod }: PodFacts): string[] {
  const why = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')?.message
  return why ? [why.slice(0, 300)] : []
}

function notGated(facts: PodFacts): PodVerdict {
  const { pod, namespace, namespaceObject, config } = facts
  const known = namespaceObject.kind === 'known' ? asNamespaceFacts(namespaceObject.value) : undefined
  const settings =
    config.kind === 'known'
      ? {
          ownNamespace: config.value.namespace,
          skippedNamespaces: config.value.skippedNamespaces,
          allowOptOut: config.value.webhook.allowOptOut,
        }
      : { ownNamespace: 'startgate-system', skippedNamespaces: [], allowOptOut: true }
  const verdict = eligibility({ pod, namespace, facts: known, settings })
  if (verdict.kind === 'skip') {
    const reasons = verdict.reasons.map(reason => `${reason}: ${skipSentence(reason)}`)
    return { kind: 'not-gated', sentence: `it is not gated: ${reasons.join('; ')}`, advice: [] }
  }
  return {
    kind: 'not-gated',
    sentence: 'it has no gates, though it would be gated today',
    advice: [
      'it was created before its namespace was opted in, or the webhook was not reached or could not fit a gate:',
      `kubectl get events -n ${namespace} --field-selector source=startgate-webhook; kubectl startgate check`,
    ],
  }
}
