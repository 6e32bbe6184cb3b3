import { beforeAll, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { pod } from '../harness/pod-templates.ts'
import { namespaceFor, openSession, type Session } from '../harness/session.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { expectOrder, isReady, isStarting, readPod, runs } from '../workloads/sequenced-pods.ts'
import { sequencedPod, startsIn } from '../workloads/sequenced-work.ts'

const SLACK = { 'max-starting': '50', 'max-starting-per-node': '50' }
const CONTAINERS = ['web', 'api', 'db']
const CHAIN = { dependsOn: 'web: [api]\napi: [db]\n' }
const NEVER = startsIn(3600)

let session: Session
beforeAll(async () => {
  session = await openSession()
})

interface Stage {
  /** What tells how long the kubelet needs for an ordinary pod like that; unless named, one that is ready. */
  twinImage?: string
  settings?: Record<string, string>
  containers?: Record<string, object>
  /** Waits until the pod is there; it stays there. */
  reach(namespace: TestNamespace): Promise<unknown>
}

/** Each stage of a sequenced pod's start, in its order. */
const stages: Record<string, Stage> = {
  'waits for a pull slot': {
    settings: { 'max-pulling': '0' },
    // Pulls of what every node has cost no slot, so nothing would wait.
    containers: { web: { image: 'absent.invalid/web:1' } },
    reach: namespace => runs(namespace, 'chain', 'startgate-pull'),
  },
  'has an image that nobody has': {
    containers: { web: { image: 'absent.invalid/web:1' } },
    // A pull that is under way may hold up the end of any pod.
    twinImage: 'absent.invalid/twin:1',
    reach: namespace => cannotPull(namespace, 'chain'),
  },
  'waits for its first start slot': {
    settings: { 'max-starting': '0' },
    reach: namespace => runs(namespace, 'chain', 'startgate-start-db'),
  },
  'starts its first container': {
    containers: { db: NEVER },
    reach: namespace => isStarting(namespace, 'chain', 'db'),
  },
  'starts a container in the middle': {
    containers: { api: NEVER },
    reach: namespace => isStarting(namespace, 'chain', 'api'),
  },
  'waits for its last start slot': {
    containers: { api: startsIn(8) },
    async reach(namespace) {
      await isStarting(namespace, 'chain', 'api')
      await namespace.set({ 'max-starting': '0' })
      return runs(namespace, 'chain', 'startgate-start')
    },
  },
  'starts its last container': {
    containers: { web: NEVER },
    reach: namespace => isStarting(namespace, 'chain', 'web'),
  },
  'is ready': { reach: namespace => isReady(namespace, 'chain') },
}

function cannotPull(namespace: TestNamespace, pod: string): Promise<unknown> {
  const seen = async () => {
    const { status } = await readPod(namespace, pod)
    const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
    return all.some(s => /ErrImagePull|ImagePullBackOff/.test(s.state?.waiting?.reason ?? ''))
  }
  return waitFor('an image cannot be pulled', seen, limits.podReady)
}

/** Ms from `kubectl delete` until the API server no longer has the pod. */
async function deleted({ kubectl, name: namespace }: TestNamespace, name: string): Promise<number> {
  const fromMs = performance.now()
  await kubectl.run(['delete', 'pod', name, '-n', namespace])
  return Math.round(performance.now() - fromMs)
}

test('a sequenced pod is deleted within 5 s at every stage of its start', async () => {
  const plain = await namespaceFor(session, { word: 'plain' })
  const twins = Object.values(stages).map(({ twinImage = APP_IMAGE }, i) => pod(`twin-${i}`, { image: twinImage }))
  await plain.apply(twins)
  const reached = await Promise.all(
    Object.entries(stages).map(async ([stage, { settings, containers, reach }]) => {
      const namespace = await namespaceFor(session, { word: 'stage', gated: true, settings: { ...SLACK, ...settings } })
      await namespace.apply([sequencedPod('chain', CONTAINERS, { ...CHAIN, ...(containers && { containers }) })])
      await reach(namespace)
      return { stage, namespace }
    }),
  )
  const isThere = ({ twinImage }: Stage, twin: string) =>
    twinImage === undefined ? isReady(plain, twin) : cannotPull(plain, twin)
  await Promise.all(Object.values(stages).map((stage, i) => isThere(stage, `twin-${i}`)))
  for (const [i, { stage, namespace }] of reached.entries()) {
    // The twin, an ordinary pod, tells how busy the machine is.
    const [ours, twins] = await Promise.all([deleted(namespace, 'chain'), deleted(plain, `twin-${i}`)])
    console.info(`  deleted while it ${stage}: ${ours} ms, an ordinary pod meanwhile ${twins} ms`)
    expect(ours, `deleted while it ${stage}`).toBeLessThan(Math.max(5_000, twins + 3_000))
  }
})

test('a graph of five containers starts each after all it depends on, and is deleted within 5 s', async () => {
  const namespace = await namespaceFor(session, { word: 'graph', gated: true, settings: SLACK })
  const edges: [string, string][] = [
    ['web', 'api'],
    ['api', 'db'],
    ['api', 'cache'],
    ['worker', 'db'],
  ]
  const dependsOn = 'web: [api]\napi: [db, cache]\nworker: [db]\n'
  await namespace.apply([sequencedPod('graph', ['web', 'worker', 'api', 'cache', 'db'], { dependsOn })])
  await isReady(namespace, 'graph')
  await expectOrder(namespace, 'graph', edges)
  await namespace.kubectl.run(['delete', 'pod', 'graph', '-n', namespace.name, '--timeout=5s'])
})

/** Ready at once; at its SIGTERM it says so, and once more when it has flushed. */
const flushes = (seconds: number) => `
now() { read -r up rest </proc/uptime; echo "\${up%.*}\${up#*.}0"; }
trap 'echo "stop $(now)"; sleep ${seconds}; echo "flushed $(now)"; exit 0' TERM
touch /state/ready
while :; do sleep 3600 & wait $!; done
`

test('a dependency that needs 4 s to flush gets them, after its dependents are gone', async () => {
  const namespace = await namespaceFor(session, { word: 'flush', gated: true, settings: SLACK })
  const containers = {
    db: { command: ['sh', '-c', flushes(4)] },
    // Together they need longer than the grace period of the pod as its author wrote it.
    web: { command: ['sh', '-c', flushes(3)] },
  }
  await namespace.apply([sequencedPod('flush', ['web', 'db'], { dependsOn: 'web: [db]\n', containers })])
  await isReady(namespace, 'flush')
  const follow = (container: string) =>
    session.kubectl.text(['logs', '-f', 'flush', '-n', namespace.name, '-c', container])
  const logs = Promise.all([follow('web'), follow('db')])
  const tookMs = await deleted(namespace, 'flush')
  const [web, db] = await logs
  const stamp = (log: string, word: string) => Number(new RegExp(`^${word} (\\d+)$`, 'm').exec(log)?.[1])
  console.info(`  deleted with flushes of 3 and 4 s: ${tookMs} ms`)
  expect(stamp(db, 'flushed') - stamp(db, 'stop')).toBeGreaterThanOrEqual(4_000)
  expect(stamp(db, 'stop')).toBeGreaterThanOrEqual(stamp(web, 'flushed'))
})
