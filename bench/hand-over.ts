import { uptime } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { APP_IMAGE, loadImage } from '../e2e/cluster/cluster.ts'
import { redisImage } from '../e2e/cluster/debian-images.ts'
import type { Manifest } from '../e2e/harness/kubectl.ts'
import { waitersReady } from '../e2e/harness/node-waiters.ts'
import { pod } from '../e2e/harness/pod-templates.ts'
import { allReady } from '../e2e/harness/pod-waits.ts'
import { E2E_VALUES, openSession } from '../e2e/harness/session.ts'
import { TestNamespace } from '../e2e/harness/test-namespace.ts'
import { waitFor } from '../e2e/harness/wait-for.ts'
import { podPhase } from '../e2e/observer/pod-phase.ts'
import { makesGates } from '../e2e/workloads/gate-kinds.ts'
import { sequencedPod } from '../e2e/workloads/sequenced-work.ts'
import { byHand } from './by-hand.ts'
import { type Moments, stepTable } from './hand-over-trace.ts'
import { defined, HandOverWatch, type Place } from './hand-over-watch.ts'

const USAGE = 'usage: node bench/hand-over.ts [--pods 20] [--waiter on|off] [--gates init|sidecar]'
/** Each pod starts after the one before it on the one node, in a few seconds. */
const LIMIT = { ms: 600_000, why: 'as many pods as there are, one after another, some seconds each' }
/** For what the last gate's coming still causes: agents that boot, statuses. */
const QUIET_MS = 10_000
const START_GATE = 'startgate-start'

const type = 'string' as const
const { values } = parseArgs({ options: { pods: { type }, waiter: { type }, gates: { type } } })
const pods = Number(values.pods ?? 20)
const waiter = values.waiter ?? 'on'
const gates = values.gates === 'init' ? 'init' : 'sidecar'
const isKnown = ['on', 'off'].includes(waiter) && ['init', 'sidecar', undefined].includes(values.gates)
if (!Number.isInteger(pods) || pods < 2 || !isKnown) throw new Error(USAGE)

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const session = await openSession({ ...E2E_VALUES, nodeWaiter: { enabled: waiter === 'on' }, sequence: { gates } })
if (waiter === 'on') await waitersReady(session.kubectl)
const redis = await redisImage(session.cluster.env)
await loadImage(session.cluster, redis)
const node = session.workers[0] ?? ''
const watch = await HandOverWatch.start(session, node)

/** Containers stamp with the kernel's boot clock, which all nodes of a kind cluster and this process share. */
const bootedAtMs = Date.now() - uptime() * 1_000
/** Fields of a container that notifies, in place of a probe. */
const REDIS = {
  image: redis,
  command: ['redis-server', '--save', '', '--dir', '/state', '--protected-mode', 'no', '--supervised', 'systemd'],
  startupProbe: undefined,
}
/** What most that others wait for are: not ready before the next container's gate is there and is probed. */
const SLOW_REDIS = { ...REDIS, command: ['/busybox', 'sh', '-c', `/busybox sleep 4; exec ${quoted(REDIS.command)}`] }

function quoted(command: readonly string[]): string {
  return command.map(word => `'${word}'`).join(' ')
}
/** Frozen until all gates wait, so that nothing else goes on on the node meanwhile. */
const FROZEN = { 'max-starting': '0', 'max-starting-per-node': '1' }
const THAWED = { 'max-starting': '50' }
const MANY = { 'max-starting': '50', 'max-starting-per-node': '50' }

/** By pod and container: when it began and was ready by its own word. */
type Own = { begun: number; ready: number }

function stampsIn(log: string): Own {
  const at = (word: string) => bootedAtMs + Number(new RegExp(`^${word} (\\d+)$`, 'm').exec(log)?.[1] ?? Number.NaN)
  return { begun: at('start'), ready: at('ready') }
}

function redisStampsIn(log: string): Own {
  const at = (words: string) =>
    Date.parse(`${new RegExp(`(\\d+ \\w+ \\d{4} [\\d:.]+) . ${words}`).exec(log)?.[1] ?? ''}Z`)
  return { begun: at('oO0OoO0OoO0Oo Redis is starting'), ready: at('Ready to accept') }
}

/** The time by the node's log of the line in which a gate says that it may go; undefined where gates log nothing. */
async function heardAtMs(namespace: TestNamespace, name: string): Promise<number | undefined> {
  const log = await namespace.kubectl.text(['logs', name, '-n', namespace.name, '-c', START_GATE, '--timestamps'])
  const stamp = /^(\S+) .*"msg":"granted"/m.exec(log)?.[1]
  return stamp === undefined ? undefined : Date.parse(stamp)
}

/** Pods on one node that has one slot: each hands it to the next. */
async function betweenPods(word: string, make: (name: string, i: number) => Manifest, read: (log: string) => Own) {
  const container = word === 'notify' ? 'redis' : 'app'
  const namespace = await TestNamespace.create(session.kubectl, `bench-${word}`, { gated: true, settings: FROZEN })
  const names = Array.from({ length: pods }, (_, i) => `p${i}`)
  await namespace.apply(names.map(make))
  const waiting = () => watch.observer.pods(namespace.name).filter(p => podPhase(p, Date.now()).gate === START_GATE)
  await waitFor(`${pods} gates wait`, () => waiting().length === pods, LIMIT)
  await sleep(QUIET_MS)
  await namespace.set(THAWED)
  await ready(namespace, pods)
  const own = await Promise.all(names.map(async name => ({ name, ...read(await namespace.log(name, container)) })))
  const inTurn = own.sort((a, b) => a.begun - b.begun)
  const traced: Moments[] = []
  for (const [i, next] of inTurn.slice(1).entries()) {
    const before = inTurn[i]
    if (!before) continue
    const later = { pod: next.name, container, gate: START_GATE }
    const heard = await heardAtMs(namespace, next.name)
    const seen = watch.moments(namespace.name, { pod: before.name, container }, later)
    traced.push({ ...seen, ...defined({ ready: before.ready, begun: next.begun, heard }) })
  }
  await namespace.remove()
  return traced
}

type Edge = 'startup probe' | 'READY=1' | 'READY=1 after 4 s' | 'by hand'

/** The two containers of a pod whose second starts after the first. */
function edgePod(edge: Edge, name: string, i: number): Manifest {
  const spec = { nodeSelector: { 'kubernetes.io/hostname': node } }
  // Probes look each second from a container's start on: each pod at another moment.
  const env = [{ name: 'START_SECONDS', value: String(1 + i / pods) }]
  if (edge === 'by hand') return byHand(name, ['first', 'app'], { spec, containers: { first: { env } } })
  const dependsOn = 'app: [first]\n'
  if (edge === 'startup probe')
    return sequencedPod(name, ['first', 'app'], { spec, dependsOn, containers: { first: { env } } })
  return sequencedPod(name, ['first', 'app'], {
    spec,
    dependsOn,
    readiness: 'first: notify\n',
    containers: { first: edge === 'READY=1' ? REDIS : SLOW_REDIS },
  })
}

/** Pods one after another, in each of which `app` starts after `first`. */
async function withinPods(edge: Edge): Promise<Moments[]> {
  const isOurs = edge !== 'by hand'
  const options = isOurs ? { gated: true, settings: MANY } : {}
  const namespace = await TestNamespace.create(session.kubectl, 'bench-edge', options)
  if (isOurs) await makesGates(namespace, gates)
  const isNotified = edge.startsWith('READY=1')
  const read = isNotified ? redisStampsIn : stampsIn
  const traced: Moments[] = []
  for (let i = 0; i < pods; i++) {
    const name = `p${i}`
    await namespace.apply([edgePod(edge, name, i)])
    await ready(namespace, i + 1)
    const first = read(await namespace.log(name, 'first'))
    const second = stampsIn(await namespace.log(name, 'app'))
    const later: Place & { gate?: string } = { pod: name, container: 'app', ...(isOurs && { gate: START_GATE }) }
    const { told, ...seen } = watch.moments(namespace.name, { pod: name, container: 'first' }, later)
    // Of one that says so itself the watch shows nothing.
    const moments = { ...seen, ...(!isNotified && { told }), ready: first.ready, begun: second.begun }
    traced.push(defined(moments))
  }
  await namespace.remove()
  return traced
}

const ready = (namespace: TestNamespace, count: number) => allReady(watch.observer, namespace.name, count, LIMIT)

function tell(title: string, traced: readonly Moments[]): void {
  say(`\n${title} (${traced.length} of them)\n`)
  say(stepTable(traced))
}

say(`on one node, the cluster to itself, node waiter ${waiter}; p95 by the nearest rank`)
const probed = (name: string, i: number) => pod(name, { image: APP_IMAGE, node, startSeconds: 1 + i / pods })
tell('A pod hands its slot to the next, readiness probed each second', await betweenPods('probe', probed, stampsIn))
const notifying = (name: string) =>
  sequencedPod(name, ['redis'], {
    readiness: 'redis: notify\n',
    spec: { nodeSelector: { 'kubernetes.io/hostname': node } },
    containers: { redis: REDIS },
  })
tell('The same by notification (redis says READY=1)', await betweenPods('notify', notifying, redisStampsIn))
tell(
  `A dependency in a pod, by a startup probe each second, sequence.gates: ${gates}`,
  await withinPods('startup probe'),
)
tell('The same pod written by hand: a native sidecar with a startup probe', await withinPods('by hand'))
tell(`A dependency in a pod by READY=1, sequence.gates: ${gates}`, await withinPods('READY=1'))
tell('The same where the dependency starts for 4 s', await withinPods('READY=1 after 4 s'))
await watch.stop()
