import { pino } from 'pino'
import type { Node, Pod } from '../../core/pod.ts'
import type { FindWorkload } from '../lease-service/after/after-waits.ts'
import type { AutoLimits } from '../lease-service/auto/auto-limit.ts'
import type { ServiceDeps } from '../lease-service/leader/replica-deps.ts'
import type { NewLedger } from '../lease-service/leader/term-state.ts'
import { Ledger } from '../lease-service/ledger/ledger.ts'
import { Reporter } from '../lease-service/report/event-reporter.ts'
import { type AutoStore, createAutoStore } from '../lease-service/store/auto-store.ts'
import type { GrantWriter, GrantWriterDeps } from '../lease-service/store/grant-writer.ts'
import { createKubernetesStore } from '../lease-service/store/lease-store.kubernetes.ts'
import { silentMetrics } from '../lease-service/testing/made-pods.ts'
import type { SimApi } from './api.ts'
import type { Checker } from './checker.ts'
import { type SimLeases, simLeaseApi } from './leases.ts'
import type { SimPod } from './pod.ts'
import type { SimProcess } from './process.ts'
import type { Situations } from './situations.ts'
import type { Random, Timeline } from './timeline.ts'
import type { LimitTruth } from './truth.ts'

/** What of a leader may be replaced by something faulty that the checks must find. */
export interface LeaderFaults {
  newLedger?: NewLedger
  newWriter?: (deps: GrantWriterDeps) => GrantWriter
}

export interface ReplicaDeps {
  time: Timeline
  random: Random
  checker: Checker
  limits: LimitTruth
  situations: Situations
  leases: SimLeases
  api: SimApi
  findWorkload: FindWorkload
  term: number
  skewMs: () => number
  /** A quorum read of the election Lease. */
  isOurs: () => boolean
  podOf: (uid: string) => SimPod | undefined
  faults: LeaderFaults
  /** In worlds with `auto`, whose writes must not change what chance brings to all others. */
  autoRandom: Random | undefined
}

/** What the service in a replica gets from the replica itself. */
export interface ReplicaParts {
  process: SimProcess
  wallMs: () => number
  /** As the replica believes. */
  isLeader: () => boolean
  onTermLost: () => void
  /** The service has read all Leases. */
  onListed: () => void
  /** Has a ledger checked that leads from now on. */
  watched: (ledger: Ledger, autos: AutoLimits | undefined) => Ledger
  pods: () => Iterable<Pod>
  nodes: () => Iterable<Node>
  /** Of a pod that was read from the API server: what the service keeps of it. */
  kept: (pod: Pod) => Pod
}

const SILENT = pino({ level: 'silent' })
const METRICS = silentMetrics()

/** Test support. What the service in a replica is given: the world instead of a cluster, and time that is planned. */
export function serviceDepsOf(deps: ReplicaDeps, parts: ReplicaParts): ServiceDeps {
  const { limits, findWorkload, faults, random } = deps
  const { process, isLeader } = parts
  const clock = { monotonicMs: monotonicOf(deps), wallMs: parts.wallMs }
  const record = () => undefined
  return {
    ...{ clock, timers: process, settings: limits.settings, findWorkload, metrics: METRICS, log: SILENT },
    address: 'leader:1',
    ...clusterOf(deps, parts),
    confirmTerm: () => confirmTerm(deps, parts),
    onTermLost: parts.onTermLost,
    election: { isLeader, leader: () => undefined, isChanging: () => false },
    facts: { pods: parts.pods, nodes: parts.nodes },
    reporter: new Reporter({ ...{ record, failedOpen: record, clock, findWorkload }, waitingEventAfterMs: 10_000 }),
    random: () => random.next(),
    newLedger: (...args) => parts.watched(faults.newLedger?.(...args) ?? new Ledger(...args), args[1]?.autos),
    ...(deps.autoRandom && { newAutoStore: () => autoStoreOf(deps, parts, deps.autoRandom ?? random) }),
    ...(faults.newWriter && { newWriter: faults.newWriter }),
  }
}

/** Most have been up for a while when they are elected: the first reading of the clock is from before. */
function monotonicOf({ time, random }: ReplicaDeps): () => number {
  let begunMs: number | undefined = time.nowMs - random.pick([0, 60_000])
  return () => {
    const ms = begunMs ?? time.nowMs
    begunMs = undefined
    return ms
  }
}

/** What was found is written among the grants, and as badly. */
function autoStoreOf({ time, situations, leases }: ReplicaDeps, { process }: ReplicaParts, random: Random): AutoStore {
  const onListed = () => undefined
  return createAutoStore(simLeaseApi({ time, random, situations, leases, process, onListed }), 'startgate-system')
}

/** What it reads from the API server and writes there. */
function clusterOf(
  deps: ReplicaDeps,
  { process, onListed, kept }: ReplicaParts,
): Pick<ServiceDeps, 'store' | 'getPod' | 'conditions'> {
  const { time, random, situations, leases, api, podOf } = deps
  const leaseApi = simLeaseApi({ time, random, situations, leases, process, onListed })
  const read = (name: string): Pod | undefined => {
    const pod = api.read(name)
    return pod && kept(pod)
  }
  return {
    store: createKubernetesStore(leaseApi, 'startgate-system'),
    getPod: (_, name) => process.call(random.int(5, 50), () => read(name)),
    conditions: {
      put: ({ metadata }, condition) =>
        void process.call(random.int(10, 100), () => podOf(metadata.uid ?? '')?.setCondition(condition)),
      removePod: () => undefined,
    },
  }
}

/** Whether its term is still its own, by the election Lease. */
async function confirmTerm({ leases, random, isOurs }: ReplicaDeps, parts: ReplicaParts): Promise<boolean> {
  const { process, isLeader } = parts
  if (leases.isDown) return process.call(random.int(1_000, 2_000), () => Promise.reject(new Error('no answer')))
  return process.call(random.int(1, 50), () => isLeader() && isOurs())
}
