import { APP_IMAGE } from '../e2e/cluster/cluster.ts'
import { leaseServices, signal } from '../e2e/faults/node-processes.ts'
import { pod } from '../e2e/harness/pod-templates.ts'
import { podIs } from '../e2e/harness/pod-waits.ts'
import { openSession } from '../e2e/harness/session.ts'
import { TestNamespace } from '../e2e/harness/test-namespace.ts'
import { limits } from '../e2e/harness/time-limits.ts'
import { waitFor } from '../e2e/harness/wait-for.ts'
import { Observer } from '../e2e/observer/observer.ts'
import { watchLeases } from './lease-watch.ts'

/** Each ends a leader, whose container the kubelet then starts later each time. */
const ROUNDS = { TERM: 3, KILL: 5 }

const session = await openSession()
const observer = await Observer.start(session.cluster.kubeconfig)
const leases: { name: string; atMs: number }[] = []
const stopLeases = await watchLeases(session.cluster.kubeconfig, ({ metadata: { name } }) => {
  leases.push({ name, atMs: performance.now() })
})

interface Failover {
  /** From the signal to a leader until the Lease of the next grant, which a later leader must have written; in s. */
  seconds: number
  /** Of these the time until there was a slot to grant: kubectl had to raise the limit. */
  preparing: number
}

async function nextGrant(name: 'TERM' | 'KILL'): Promise<Failover> {
  const namespace = await TestNamespace.create(session.kubectl, 'bench-failover', {
    gated: true,
    settings: { 'max-starting': '0' },
  })
  await namespace.apply([pod('next', { image: APP_IMAGE })])
  const waiting = { phase: 'pending', gate: 'startgate-start' } as const
  const { metadata } = await podIs(observer, [namespace.name, 'next'], waiting, limits.gateRunning)
  const replicas = await leaseServices(session.cluster, session.kubectl)
  const [leader] = replicas
  if (!leader || replicas.length < 2) throw new Error('no second replica that could take over')
  const startMs = performance.now()
  await signal(session.cluster, leader, name)
  await namespace.set({ 'max-starting': '1' })
  const preparedMs = performance.now()
  const lease = await waitFor(
    'a grant',
    () => leases.find(l => l.name.startsWith(`start.${metadata.uid}`)),
    limits.podReady,
  )
  await namespace.remove()
  await waitFor(
    'both replicas serve',
    async () => (await leaseServices(session.cluster, session.kubectl)).length > 1,
    limits.rollout,
  )
  return { seconds: (lease.atMs - startMs) / 1_000, preparing: (preparedMs - startMs) / 1_000 }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
say('from the end of a leader to the next grant')
for (const [name, target] of [
  ['TERM', 2],
  ['KILL', 10],
] as const) {
  const rounds: string[] = []
  for (let round = 0; round < ROUNDS[name]; round++) {
    const { seconds, preparing } = await nextGrant(name)
    rounds.push(`${seconds.toFixed(1)} (${preparing.toFixed(1)})`)
  }
  say(`  SIG${name}: ${rounds.join(', ')} s (issue 5: at most ${target}; in brackets: until a slot was free)`)
}
await stopLeases()
await observer.stop()
