import { uptime } from 'node:os'
import { loadImage } from '../e2e/cluster/cluster.ts'
import { redisImage } from '../e2e/cluster/debian-images.ts'
import { execOnNode } from '../e2e/cluster/nodes.ts'
import type { Manifest } from '../e2e/harness/kubectl.ts'
import { E2E_VALUES, openSession, type Session } from '../e2e/harness/session.ts'
import { TestNamespace } from '../e2e/harness/test-namespace.ts'
import { limits } from '../e2e/harness/time-limits.ts'
import { waitFor } from '../e2e/harness/wait-for.ts'
import { makesGates } from '../e2e/workloads/gate-kinds.ts'
import { isReady, orderOf, runs, type SeenPod, shellIn } from '../e2e/workloads/sequenced-pods.ts'
import { sequencedPod } from '../e2e/workloads/sequenced-work.ts'
import { byHand } from './by-hand.ts'
import { quantiles } from './quantiles.ts'

/**
 * Each figure is the median of so many pairs, ours and the one written by hand in turns; one more before them warms up.
 * The gates stay (`sidecar`) or end (`init`): usage: node bench/sequence.ts [init|sidecar].
 */
const PAIRS = 5
const LENGTHS = [2, 4]

function chainOf(length: number): { containers: string[]; dependsOn: string } {
  const containers = Array.from({ length }, (_, i) => `c${i}`)
  const edges = containers.slice(1).map((later, i) => `${later}: [c${i}]\n`)
  return { containers, dependsOn: edges.join('') }
}

/** From the first container's start to the last one's, by their own stamps, in ms. */
async function span(namespace: TestNamespace, manifest: Manifest, containers: string[]): Promise<number> {
  const { name } = manifest.metadata
  await namespace.apply([manifest])
  await isReady(namespace, name)
  const order = await orderOf(namespace, name, containers)
  await remove(namespace, name)
  return order.startOf(containers.at(-1) ?? '') - order.startOf(containers[0] ?? '')
}

const remove = (namespace: TestNamespace, name: string) =>
  namespace.kubectl.run(['delete', 'pod', name, '-n', namespace.name, '--now'])

const REDIS = ['redis-server', '--save', '', '--dir', '/state', '--protected-mode', 'no']

function redisFields(image: string, isOurs: boolean): Record<string, object> {
  const probe = { exec: { command: ['redis-cli', 'ping'] }, periodSeconds: 1, failureThreshold: 60 }
  const command = isOurs ? [...REDIS, '--supervised', 'systemd'] : REDIS
  return { redis: { image, command, startupProbe: isOurs ? undefined : probe } }
}

/** From redis' own line that it is ready, written beside its READY=1, to the next container's start, in ms. */
async function afterReady(namespace: TestNamespace, manifest: Manifest): Promise<number> {
  await namespace.apply([manifest])
  const { name } = manifest.metadata
  await isReady(namespace, name)
  const said = /(\d+ \w+ \d{4} [\d:.]+) \* Ready to accept/.exec(await namespace.log(name, 'redis'))?.[1]
  const order = await orderOf(namespace, name, ['app'])
  await remove(namespace, name)
  // Containers stamp with the clock of the kernel, which all nodes of a kind cluster and this process share.
  const bootedAtMs = Date.now() - uptime() * 1000
  return bootedAtMs + order.startOf('app') - Date.parse(`${said}Z`)
}

/** Memory of all processes of the agent's container in KiB: what is resident, and what no other process shares. */
async function agentMemory(session: Session, { metadata, spec, status }: SeenPod): Promise<string> {
  const agent = status?.initContainerStatuses?.find(s => s.name === 'startgate')
  const id = agent?.containerID?.split('//')[1]
  if (!id) throw new Error(`pod ${metadata.name} has no running agent`)
  const script = `for p in /proc/[0-9]*; do grep -qs ${id} $p/cgroup && cat $p/smaps_rollup; done; true`
  const { stdout } = await execOnNode(session.cluster, spec.nodeName ?? '', ['sh', '-c', script])
  const mib = (field: RegExp) =>
    ([...stdout.matchAll(field)].reduce((sum, found) => sum + Number(found[1]), 0) / 1024).toFixed(1)
  return `RSS ${mib(/^Rss:\s+(\d+)/gm)} MiB, its own ${mib(/^Private_(?:Clean|Dirty):\s+(\d+)/gm)} MiB`
}

async function pairs(take: (isOurs: boolean, name: string) => Promise<number>): Promise<[number, number]> {
  const times: [number[], number[]] = [[], []]
  for (let pair = 0; pair <= PAIRS; pair++) {
    const both = [await take(false, `hand-${pair}`), await take(true, `ours-${pair}`)] as const
    if (pair > 0) for (const i of [0, 1] as const) times[i].push(both[i])
  }
  return [quantiles(times[0]).p50, quantiles(times[1]).p50]
}

const gates = process.argv[2] === 'init' ? 'init' : 'sidecar'
const session = await openSession({ ...E2E_VALUES, sequence: { gates } })
const image = await redisImage(session.cluster.env)
await loadImage(session.cluster, image)
const plain = await TestNamespace.create(session.kubectl, 'bench-plain')
const settings = { 'max-starting': '50', 'max-starting-per-node': '50' }
const gated = await TestNamespace.create(session.kubectl, 'bench-gated', { gated: true, settings })
await makesGates(gated, gates)
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const row = ([hand, ours]: [number, number]) =>
  `by hand ${Math.round(hand)} ms   startgate ${Math.round(ours)} ms   added ${Math.round(ours - hand)} ms   ratio ${(ours / hand).toFixed(2)}`

say(
  `a pod with native sidecars written by hand against one with depends-on, gates of kind ${gates}; medians of ${PAIRS} in turns`,
)
const spans: [number, number][] = []
for (const length of LENGTHS) {
  const { containers, dependsOn } = chainOf(length)
  const one = (isOurs: boolean, name: string) =>
    isOurs
      ? span(gated, sequencedPod(name, containers, { dependsOn }), containers)
      : span(plain, byHand(name, containers), containers)
  const both = await pairs(one)
  spans.push(both)
  say(`chain of ${length}, first start → last start, each 1 s to start, probed each second: ${row(both)}`)
}
const [short = [0, 0], long = [0, 0]] = spans
const edges = (LENGTHS[1] ?? 0) - (LENGTHS[0] ?? 0)
say(`an edge more: ${row([(long[0] - short[0]) / edges, (long[1] - short[1]) / edges])}`)

const notify = { dependsOn: 'app: [redis]\n', readiness: 'redis: notify\n' }
const ready = await pairs((isOurs, name) => {
  const containers = redisFields(image, isOurs)
  return isOurs
    ? afterReady(gated, sequencedPod(name, ['redis', 'app'], { ...notify, containers }))
    : afterReady(plain, byHand(name, ['redis', 'app'], { containers }))
})
say(`redis is ready (READY=1; by hand: a startup probe each second) → the next starts: ${row(ready)}`)

await gated.set({ 'max-starting': '0' })
await gated.apply([sequencedPod('memory', ['app', 'db'], { dependsOn: 'app: [db]\n' })])
say(`agent while it waits: ${await agentMemory(session, await runs(gated, 'memory', 'startgate-start-db'))}`)
await gated.set({ 'max-starting': '50' })
const started = await isReady(gated, 'memory')
const processes = () => shellIn(gated, ['memory', 'startgate'], 'cat /proc/[0-9]*/comm')
// What Node 24 calls its main thread.
const hasShrunk = async () => !/node|MainThread/.test(await processes())
await waitFor('the agent shrinks', hasShrunk, limits.podReady)
say(`agent after all is ready: ${await agentMemory(session, started)}`)
await plain.remove()
await gated.remove()
