import type { TestNamespace } from '../harness/test-namespace.ts'
import type { Limit } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { sequencedPod } from './sequenced-work.ts'
import { CONTAINERS, PROBED_CHAIN } from './slow-chain.ts'

/** What the gates of a sequence are: init containers that end, or sidecars that stay. */
export type GateKind = 'init' | 'sidecar'

const LOOKED: Limit = { ms: 60_000, why: 'each replica of the webhook looks each 10 s who leads' }
/** Each replica has been asked, as good as surely: the API server takes one or the other. */
const TIMES_IN_A_ROW = 8

interface MadePod {
  spec: { initContainers?: { name: string; restartPolicy?: string }[] }
}

/** The gates that an agent opens, of a pod as the API server has it. */
export function gateKinds({ spec }: MadePod): GateKind[] {
  const gates = (spec.initContainers ?? []).filter(({ name }) => name.startsWith('startgate-start'))
  return gates.map(({ restartPolicy }) => (restartPolicy === 'Always' ? 'sidecar' : 'init'))
}

/** Waits until the webhook makes gates of this kind: after an install it first has to see the leader. */
export async function makesGates({ kubectl, name }: TestNamespace, kind: GateKind): Promise<void> {
  const dryRun = ['create', '-n', name, '--dry-run=server', '-o', 'json', '-f', '-']
  const probe = JSON.stringify(sequencedPod('kinds', CONTAINERS, PROBED_CHAIN))
  let inARow = 0
  const isMade = async () => {
    const kinds = gateKinds(JSON.parse((await kubectl.run(dryRun, probe)).stdout) as MadePod)
    inARow = kinds.length === CONTAINERS.length && kinds.every(found => found === kind) ? inARow + 1 : 0
    return inARow >= TIMES_IN_A_ROW
  }
  await waitFor(`the webhook makes gates of kind ${kind}`, isMade, LOOKED)
}
