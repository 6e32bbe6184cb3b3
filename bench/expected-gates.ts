import type { Kubectl, Manifest } from '../e2e/harness/kubectl.ts'
import { TestNamespace } from '../e2e/harness/test-namespace.ts'
import { waitFor } from '../e2e/harness/wait-for.ts'

const LIMIT = { ms: 360_000, why: 'a kubelet tells which images its node has every 5 minutes at least' }

/** A pod, and how many init containers it has in the end, by what it is called. */
export type Expected = Readonly<Record<string, { pod: Manifest; initContainers: number }>>

/**
 * Waits until the webhook makes of pods what they are to be: only once the nodes have told that they have an image does
 * its pod get no pull gate. Nothing is started.
 */
export async function untilGatesAre(kubectl: Kubectl, expected: Expected): Promise<void> {
  const namespace = await TestNamespace.create(kubectl, 'bench-gates', { gated: true })
  for (const [what, { pod, initContainers }] of Object.entries(expected)) {
    const isRight = async () => {
      const made = (await namespace.dryRun(pod)) as { spec: { initContainers?: object[] } }
      return (made.spec.initContainers?.length ?? 0) === initContainers
    }
    await waitFor(`${what} gets ${initContainers} init containers`, isRight, LIMIT)
  }
  await namespace.remove()
}
