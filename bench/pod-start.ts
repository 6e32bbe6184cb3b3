import { APP_IMAGE } from '../e2e/cluster/cluster.ts'
import { execOnNode } from '../e2e/cluster/nodes.ts'
import { pod } from '../e2e/harness/pod-templates.ts'
import { openSession, type Session } from '../e2e/harness/session.ts'
import { TestNamespace } from '../e2e/harness/test-namespace.ts'
import { waitFor } from '../e2e/harness/wait-for.ts'
import { Observer } from '../e2e/observer/observer.ts'
import { quantiles } from './quantiles.ts'

const PAIRS = 10
const LIMIT = { ms: 90_000, why: 'one pod on an idle cluster' }

/** Time in ms from `kubectl apply` until the watch shows the pod's container running. */
async function startTime(observer: Observer, namespace: TestNamespace, name: string): Promise<number> {
  const startMs = performance.now()
  await namespace.apply([pod(name, { image: APP_IMAGE })])
  const runs = () =>
    observer
      .pods(namespace.name)
      .some(p => p.metadata.name === name && p.status?.containerStatuses?.[0]?.state?.running)
  await waitFor(`${name} runs`, runs, LIMIT)
  const tookMs = performance.now() - startMs
  await namespace.kubectl.run(['delete', 'pod', name, '-n', namespace.name, '--wait=false', '--now'])
  return tookMs
}

/** Memory in KiB of a gate that waits, as its kernel tells: all of it, and what it shares with no other process. */
async function gateMemory(session: Session, observer: Observer): Promise<{ rssKib: number; privateKib: number }> {
  const namespace = await TestNamespace.create(session.kubectl, 'bench-memory', {
    gated: true,
    settings: { 'max-starting': '0' },
  })
  await namespace.apply([pod('waits', { image: APP_IMAGE })])
  const found = await waitFor(
    'a waiting gate',
    () => observer.pods(namespace.name).find(p => p.status?.initContainerStatuses?.some(s => s.state?.running)),
    LIMIT,
  )
  const node = session.cluster.nodes.find(n => n.name === found.spec.nodeName)
  const script =
    'sleep 5; for p in /proc/[0-9]*; do grep -qs gate.mjs $p/cmdline && grep -hE "^(Rss|Private_Clean|Private_Dirty):" $p/smaps_rollup; done; true'
  const { stdout } = await execOnNode(session.cluster, node?.name ?? '', ['sh', '-c', script])
  await namespace.remove()
  const kib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(stdout)?.[1] ?? Number.NaN)
  return { rssKib: kib('Rss'), privateKib: kib('Private_Clean') + kib('Private_Dirty') }
}

const session = await openSession()
const observer = await Observer.start(session.cluster.kubeconfig)
const plain = await TestNamespace.create(session.kubectl, 'bench-plain')
const gated = await TestNamespace.create(session.kubectl, 'bench-gated', { gated: true })
const times = { plain: [] as number[], gated: [] as number[] }
for (let pair = 0; pair <= PAIRS; pair++) {
  const [a, b] = [await startTime(observer, plain, `p${pair}`), await startTime(observer, gated, `p${pair}`)]
  // The first pair warms up.
  if (pair === 0) continue
  times.plain.push(a)
  times.gated.push(b)
}
const [a, b] = [quantiles(times.plain).p50, quantiles(times.gated).p50]
const memory = await gateMemory(session, observer)
await observer.stop()
await plain.remove()
await gated.remove()
const say = (line: string): void => void process.stdout.write(`${line}\n`)
say(`kubectl apply → running, image there, nobody else waits, median of ${PAIRS} in turns`)
say(
  `  without ${Math.round(a)} ms   gated ${Math.round(b)} ms   added ${Math.round(b - a)} ms   ratio ${(b / a).toFixed(2)}`,
)
say(
  `a waiting gate: RSS ${(memory.rssKib / 1024).toFixed(1)} MiB, of which its own ${(memory.privateKib / 1024).toFixed(1)} MiB`,
)
