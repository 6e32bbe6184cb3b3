import { BlockList, isIPv6 } from 'node:net'
import { GATED_LABEL } from '../../core/names.ts'
import type { CheckFacts, EgressRule, NetworkPolicy, Peer } from './facts.ts'
import { optedIn } from './judge-namespaces.ts'
import { selects } from './label-selector.ts'
import { bad, judged, type Line, ok, warning } from './line.ts'

/** The lease service as network policies see it. */
interface Destination {
  namespaceLabels: Record<string, string>
  podLabels: Record<string, string>
  addresses: string[]
  port: number
}

const AGENTS = 'the agents (of a declared order)'
const REMEDY =
  'allow egress of pods with startgate.dev/gated: "true" to the lease service (docs/guides/restricted-networks.md)'

/**
 * NetworkPolicies of opted-in namespaces that keep gates from the lease service: their pods start ungated, late. Gates
 * that wait through their node's waiter are let through in any case, but agents ask by themselves.
 */
export function judgePolicies(facts: CheckFacts): Line[] {
  return judged(facts.policies, {
    id: 'network-policies',
    what: 'NetworkPolicies of the opted-in namespaces',
    absent: () => [],
    known: policies => {
      const namespaces = facts.namespaces.kind === 'known' ? optedIn(facts.namespaces.value) : []
      const names = new Set(namespaces.map(({ metadata }) => metadata.name ?? ''))
      const destination = destinationOf(facts)
      const isThroughWaiters = facts.config.kind === 'known' && facts.config.value.nodeWaiter !== null
      const lines = [...names].flatMap(name => {
        const own = policies.filter(({ metadata }) => metadata.namespace === name)
        return judgeNamespace(name, own, { destination, isThroughWaiters })
      })
      if (lines.length > 0) return lines.slice(0, 20)
      return names.size === 0 ? [] : [ok('network-policies', 'no NetworkPolicy keeps gates from the lease service')]
    },
  })
}

function destinationOf({ startgateNamespace, programs, config }: CheckFacts): Destination {
  const { pods, endpoints } = programs['lease-service']
  const pod = pods.kind === 'known' ? pods.value[0] : undefined
  return {
    namespaceLabels: { 'kubernetes.io/metadata.name': startgateNamespace },
    podLabels: pod?.metadata.labels ?? {
      'app.kubernetes.io/name': 'startgate',
      'app.kubernetes.io/component': 'lease-service',
    },
    addresses: endpoints.kind === 'known' ? endpoints.value.flatMap(({ addresses }) => addresses) : [],
    port: config.kind === 'known' ? config.value.leaseService.listenPort : 8443,
  }
}

function judgeNamespace(
  namespace: string,
  policies: readonly NetworkPolicy[],
  { destination, isThroughWaiters }: { destination: Destination; isThroughWaiters: boolean },
): Line[] {
  const egress = policies.filter(limitsEgress)
  // Policies add up: one that takes every gated pod and lets it through is enough for all of them.
  if (egress.some(policy => takesAllGated(policy) && letsThrough(policy, destination))) return []
  const denying = egress.filter(policy => !letsThrough(policy, destination))
  const forAll = denying.find(takesAllGated)
  if (forAll)
    return [
      (isThroughWaiters ? warning : bad)(
        'network-policy',
        `namespace ${namespace}: NetworkPolicy ${forAll.metadata.name} keeps ${isThroughWaiters ? AGENTS : 'gates'} from the lease service`,
        REMEDY,
      ),
    ]
  return denying
    .slice(0, 3)
    .map(({ metadata }) =>
      warning(
        'network-policy',
        `namespace ${namespace}: NetworkPolicy ${metadata.name} keeps ${isThroughWaiters ? AGENTS : 'the gates'} of the pods it selects from the lease service`,
        REMEDY,
      ),
    )
}

/** Where no type is given, a policy with egress rules limits it. Source: networking/v1, policyTypes. */
function limitsEgress({ spec }: NetworkPolicy): boolean {
  return spec?.policyTypes ? spec.policyTypes.includes('Egress') : (spec?.egress?.length ?? 0) > 0
}

function takesAllGated({ spec }: NetworkPolicy): boolean {
  return selects(spec?.podSelector ?? {}, { [GATED_LABEL]: 'true' })
}

function letsThrough({ spec }: NetworkPolicy, destination: Destination): boolean {
  return (spec?.egress ?? []).some(rule => ruleAllows(rule, destination))
}

function ruleAllows({ to, ports }: EgressRule, destination: Destination): boolean {
  const isPort =
    !ports?.length ||
    ports.some(({ protocol = 'TCP', port, endPort }) => {
      if (protocol !== 'TCP') return false
      if (port === undefined || port === 'https' || port === destination.port) return true
      return (
        typeof port === 'number' && endPort !== undefined && port <= destination.port && destination.port <= endPort
      )
    })
  return isPort && (!to?.length || to.some(peer => peerAllows(peer, destination)))
}

function peerAllows({ ipBlock, namespaceSelector, podSelector }: Peer, destination: Destination): boolean {
  if (ipBlock) return destination.addresses.some(address => isIn(address, ipBlock))
  // Without a namespace selector only pods of the policy's own namespace are meant.
  return (
    namespaceSelector !== undefined &&
    selects(namespaceSelector, destination.namespaceLabels) &&
    selects(podSelector ?? {}, destination.podLabels)
  )
}

function isIn(address: string, { cidr, except = [] }: NonNullable<Peer['ipBlock']>): boolean {
  return inRange(address, cidr) && !except.some(range => inRange(address, range))
}

function inRange(address: string, cidr: string): boolean {
  const [network = '', bits = ''] = cidr.split('/')
  const family = isIPv6(network) ? 'ipv6' : 'ipv4'
  try {
    const list = new BlockList()
    list.addSubnet(network, Number(bits), family)
    return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  } catch {
    // Not a range that could be read: the network plugin would not take it either.
    return false
  }
}
