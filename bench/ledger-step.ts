import { parseArgs } from 'node:util'
import { threadCpuMs } from '../core/clock.ts'
import type { Pod } from '../core/pod.ts'
import type { Workload } from '../gate/lease-service/after/workload-readiness.ts'
import { Ledger } from '../gate/lease-service/ledger/ledger.ts'
import { type ClusterSettings, DEFAULT_SETTINGS } from '../gate/lease-service/limits/cluster-settings.ts'
import type { Grant, Ticket } from '../gate/lease-service/model/grant.ts'
import { ticketOf } from '../gate/lease-service/pods/ticket-from-pod.ts'
import { madeHerd, madeNodes, startedPod } from './made-herd.ts'
import { median } from './quantiles.ts'

/* CPU time of one decision on many who wait on many nodes, two slots each, of which some come back at each step. */

const STEPS = 24
const CNI = { kind: 'node-daemonset', namespace: 'kube-system', name: 'cni' } as const

export interface LedgerHerd {
  nodes: number
  gatesPerNode: number
  /** Slots that come back before each step. */
  freed: number
  /** All pods come after a DaemonSet, which is ready on all nodes. */
  isAfter: boolean
}

/** Median of the steps, in ms. */
function benchLedgerStep({ nodes, gatesPerNode, freed, isAfter }: LedgerHerd): number {
  const pods = madeHerd(nodes * gatesPerNode, nodes)
  const ledger = filledLedger(pods, nodes, isAfter)
  const byUid = new Map(pods.map(pod => [pod.metadata.uid, pod]))
  const running: Pod[] = []
  const begin = ({ key, podUid }: Grant): void => {
    const pod = byUid.get(podUid)
    if (!pod) return
    ledger.withdraw(key)
    ledger.upsertPod(startedPod(pod, false))
    running.push(pod)
  }
  ledger.step(0, 1).grants.forEach(begin)
  const times = Array.from({ length: STEPS }, (_, i) => {
    for (const pod of running.splice(0, freed)) ledger.upsertPod(startedPod(pod, true))
    const beganMs = threadCpuMs()
    const { grants } = ledger.step((i + 1) * 100, 1)
    const ms = threadCpuMs() - beganMs
    grants.forEach(begin)
    return ms
  })
  return median(times)
}

function filledLedger(pods: readonly Pod[], nodes: number, isAfter: boolean): Ledger {
  const names = madeNodes(nodes).map(({ metadata }) => metadata.name ?? '')
  const cni: Workload = {
    metadata: { namespace: CNI.namespace, name: CNI.name, uid: 'cni' },
    readyOnNodes: new Map(names.map(name => [name, true])),
  }
  const settings: ClusterSettings = {
    ...{ ...DEFAULT_SETTINGS, node: { maxStarting: 2 } },
    ...(isAfter && { after: [CNI] }),
  }
  const ledger = new Ledger(settings, { findWorkload: () => cni }, 0)
  for (const node of madeNodes(nodes)) ledger.upsertNode(node)
  for (const name of new Set(pods.map(({ metadata }) => metadata.namespace ?? '')))
    ledger.setNamespace(name, { mode: 'enforce' })
  for (const pod of pods) {
    ledger.upsertPod(pod)
    ledger.ask(ticketOf(pod, { gate: 'startgate-start', attempt: 1 }) as Ticket, 0)
  }
  return ledger
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '5000' },
      'gates-per-node': { type: 'string', default: '20' },
      freed: { type: 'string', default: '100' },
      after: { type: 'boolean', default: false },
    },
  })
  const [nodes = 0, gatesPerNode = 0, freed = 0] = [values.nodes, values['gates-per-node'], values.freed].map(Number)
  const ms = benchLedgerStep({ nodes, gatesPerNode, freed, isAfter: values.after })
  process.stdout.write(`CPU time of a step, median of ${STEPS}: ${ms.toFixed(1)} ms\n`)
}
