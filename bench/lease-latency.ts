import { createKubeClient } from '../core/kube/client.ts'
import { openSession } from '../e2e/harness/session.ts'
import { TestNamespace } from '../e2e/harness/test-namespace.ts'
import { quantiles } from './quantiles.ts'

const LEASES = 400
/** As many as the lease service writes at once. */
const AT_ONCE = 16

const session = await openSession()
const namespace = await TestNamespace.create(session.kubectl, 'bench-leases')
const client = createKubeClient({ kubeconfig: session.cluster.kubeconfig })
const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Times in ms of one call for each of many Leases, so many at once. */
async function times(atOnce: number, call: (name: string) => Promise<unknown>): Promise<number[]> {
  const names = Array.from({ length: LEASES }, (_, i) => `bench-${i}`).values()
  const took: number[] = []
  const worker = async (): Promise<void> => {
    for (const name of names) {
      const startMs = performance.now()
      await call(name)
      took.push(performance.now() - startMs)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return took
}

say(`Leases on the real API server, ${LEASES} of each`)
for (const atOnce of [1, AT_ONCE]) {
  const of = { namespace: namespace.name }
  const calls: Record<string, (name: string) => Promise<unknown>> = {
    create: name => client.createLease({ metadata: { ...of, name }, spec: { holderIdentity: 'bench' } }),
    get: name => client.getLease(namespace.name, name),
    delete: name => client.deleteLease(namespace.name, name),
  }
  for (const [verb, call] of Object.entries(calls)) {
    const startMs = performance.now()
    const { p50, p99 } = quantiles(await times(atOnce, call))
    const rate = (LEASES * 1_000) / (performance.now() - startMs)
    say(
      `  ${verb.padEnd(6)} ${String(atOnce).padStart(2)} at once   p50 ${p50.toFixed(1)} ms   p99 ${p99.toFixed(1)} ms   ${rate.toFixed(0)} a second`,
    )
  }
}
await namespace.remove()
