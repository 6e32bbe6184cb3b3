import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { APP_IMAGE } from '../e2e/cluster/cluster.ts'
import { lineLog } from '../e2e/cluster/line-log.ts'
import { installStartgate } from '../e2e/harness/install.ts'
import type { Manifest } from '../e2e/harness/kubectl.ts'
import { waitersReady } from '../e2e/harness/node-waiters.ts'
import { pod } from '../e2e/harness/pod-templates.ts'
import { allReady } from '../e2e/harness/pod-waits.ts'
import { E2E_VALUES, joinCluster } from '../e2e/harness/session.ts'
import { TestNamespace } from '../e2e/harness/test-namespace.ts'
import { Observer } from '../e2e/observer/observer.ts'
import { dropPulledImages } from '../e2e/workloads/cold-images.ts'
import { ownSecurityContext } from '../webhook/inject/gate.ts'
import { type Comparison, type CostRun, costRow, orderOf } from './cost-figures.ts'
import { machineCpuSeconds } from './cpu-time.ts'
import { untilGatesAre } from './expected-gates.ts'
import { describeMachine } from './machine.ts'
import { writeResult } from './results.ts'

const USAGE = 'usage: node bench/cost.ts [--rounds 3] [--pods 16,64] [--waiter on,off] [--of start,pull]'
const LIMIT = { ms: 300_000, why: '64 trivial pods on two cores that also run the cluster' }
/** For pods that end and what the kubelet does after them. */
const COOL_DOWN_MS = 15_000
const IDLE_MS = 20_000
/** That of the gates, by the chart's values. */
const USER = 65_532
/** After the last start, for the ends of grants. */
const TAIL_MS = 2_000

const text = { type: 'string' } as const
const { values } = parseArgs({ options: { rounds: text, pods: text, waiter: text, of: text } })
const rounds = Number(values.rounds ?? 3)
const sizes = (values.pods ?? '16,64').split(',').map(Number)
const waiters = (values.waiter ?? 'on,off').split(',')
const compared = (values.of ?? 'start,pull').split(',')
const isCount = (count: number): boolean => Number.isInteger(count) && count > 0
const areOf = (words: string[], known: string[]): boolean => words.every(word => known.includes(word))
if (![rounds, ...sizes].every(isCount) || !areOf(waiters, ['on', 'off']) || !areOf(compared, ['start', 'pull']))
  throw new Error(USAGE)

interface Kind {
  gated: boolean
  /** Init containers that do nothing. */
  trivial: number
  /** Those may do no more than a gate may: the runtime has to set that up for them, too. */
  confined?: boolean
  /** Its image may have to be pulled, for all that is known: it gets a pull gate and an image step too. */
  pulls: boolean
}

const KINDS = {
  bare: { gated: false, trivial: 0, pulls: false },
  trivial: { gated: false, trivial: 1, pulls: false },
  'trivial, confined': { gated: false, trivial: 1, pulls: false, confined: true },
  gated: { gated: true, trivial: 0, pulls: false },
  'bare, asks the registry': { gated: false, trivial: 0, pulls: true },
  'three trivial, one asks': { gated: false, trivial: 3, pulls: true },
  'gated with a pull gate': { gated: true, trivial: 0, pulls: true },
} satisfies Record<string, Kind>
type KindName = keyof typeof KINDS

const ALL: { key: string; title: string; of: Record<keyof Comparison, KindName> }[] = [
  {
    key: 'start',
    title: 'a start gate : one trivial init container',
    of: { bare: 'bare', trivial: 'trivial', gated: 'gated' },
  },
  {
    key: 'start',
    title: 'a start gate : one trivial init container with the security context of a gate',
    of: { bare: 'bare', trivial: 'trivial, confined', gated: 'gated' },
  },
  {
    key: 'pull',
    title: 'pull gate, image step and start gate : three trivial init containers',
    of: { bare: 'bare, asks the registry', trivial: 'three trivial, one asks', gated: 'gated with a pull gate' },
  },
]
const COMPARISONS = ALL.filter(({ key }) => compared.includes(key))
const NAMES = [...new Set(COMPARISONS.flatMap(({ of: { bare, trivial, gated } }) => [bare, trivial, gated]))]

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const log = lineLog(process.stderr, '  ')
const session = await joinCluster()
const observer = await Observer.start(session.cluster.kubeconfig)
await dropPulledImages(session.cluster)
const pulled = await session.cluster.registry.pushTestImage('cost', { megabytes: 1, unique: false })

function podOf(name: string, { trivial, pulls, confined }: Kind, index: number): Manifest {
  const image = pulls ? pulled : APP_IMAGE
  const work = { image, node: session.workers[index % session.workers.length] ?? '', probe: 'none' as const }
  const made = pod(name, work)
  const spec = made.spec as { containers: Record<string, unknown>[]; initContainers?: object[] }
  for (const container of spec.containers) Object.assign(container, policyOf(pulls))
  if (trivial > 0)
    spec.initContainers = Array.from({ length: trivial }, (_, i) => ({
      ...{
        name: `trivial-${i}`,
        command: ['true'],
        ...(confined && { securityContext: ownSecurityContext({ settings: { runAsUser: USER } }) }),
      },
      // One of them in the image step's place.
      ...(pulls && i === 1 ? { image, ...policyOf(true) } : { image: APP_IMAGE, ...policyOf(false) }),
    }))
  return made
}

/** With Always the kubelet asks the registry, of which an image step takes the place. */
const policyOf = (pulls: boolean) => ({ imagePullPolicy: pulls ? 'Always' : 'IfNotPresent' })

/** CPU seconds a second that the idle cluster uses. */
async function idleLoad(): Promise<number> {
  await sleep(COOL_DOWN_MS)
  const [began, beganMs] = [machineCpuSeconds(), performance.now()]
  await sleep(IDLE_MS)
  return (machineCpuSeconds() - began) / ((performance.now() - beganMs) / 1_000)
}

type Measured = Omit<CostRun, 'idleBefore' | 'idleAfter'>

/** Starts so many pods, until all of them run. */
async function start(kind: KindName, pods: number, round: number): Promise<Measured> {
  const of = KINDS[kind]
  const options = of.gated ? { gated: true, settings: { 'max-starting-per-node': '50' } } : {}
  const namespace = await TestNamespace.create(session.kubectl, 'bench-cost', options)
  const all = Array.from({ length: pods }, (_, i) => podOf(`p${i}`, of, i))
  const [began, beganMs] = [machineCpuSeconds(), performance.now()]
  await namespace.apply(all)
  await allReady(observer, namespace.name, pods, LIMIT)
  await sleep(TAIL_MS)
  const [cpuSeconds, tookMs] = [machineCpuSeconds() - began, performance.now() - beganMs]
  await namespace.remove()
  return { kind, pods, round, cpuSeconds, tookSeconds: tookMs / 1_000 }
}

/** All kinds and sizes, each round in another order; the idle time between two counts for both. */
async function runRounds(): Promise<CostRun[]> {
  const runs: CostRun[] = []
  let idleBefore = await idleLoad()
  for (let round = 1; round <= rounds; round++)
    for (const pods of sizes)
      for (const kind of orderOf(NAMES, round)) {
        const measured = await start(kind, pods, round)
        const idleAfter = await idleLoad()
        runs.push({ ...measured, idleBefore, idleAfter })
        log(JSON.stringify(runs.at(-1)))
        idleBefore = idleAfter
      }
  return runs
}

const starts = waiters.length * rounds * sizes.length * NAMES.length
say(`${starts} starts, about ${Math.ceil(1.3 * starts)} minutes`)
const machine = await describeMachine(session.kubectl)
const kept: object[] = []
for (const waiter of waiters) {
  await installStartgate(session.cluster, { log, values: { ...E2E_VALUES, nodeWaiter: { enabled: waiter === 'on' } } })
  if (waiter === 'on') await waitersReady(session.kubectl)
  await untilGatesAre(session.kubectl, {
    gated: { pod: podOf('probe', KINDS.gated, 0), initContainers: 1 },
    'gated with a pull gate': { pod: podOf('probe', KINDS['gated with a pull gate'], 0), initContainers: 3 },
  })
  const runs = await runRounds()
  kept.push(...runs.map(run => ({ waiter, ...run })))
  await writeResult('cost', { title: 'CPU seconds of starts', machine, runs: kept })
  say(`\nCPU seconds a pod over the whole start, node waiter ${waiter}; medians of ${rounds} rounds`)
  for (const { title, of } of COMPARISONS) {
    say(`\n${title}\n`)
    say('| pods | bare | with trivial ones | gated | added by gating : by trivial ones |')
    say('| --- | --- | --- | --- | --- |')
    for (const pods of sizes) say(costRow(runs, of, pods))
  }
}
await observer.stop()
