import type { Manifest } from '../e2e/harness/kubectl.ts'
import { type SequencedWork, sequencedPod } from '../e2e/workloads/sequenced-work.ts'

interface Container {
  name: string
  startupProbe?: object
}

/**
 * What a careful author writes without startgate: native sidecars with startup probes, in order; the last is the app.
 */
export function byHand(name: string, containers: string[], work: SequencedWork = {}): Manifest {
  const made = sequencedPod(name, containers, work)
  const spec = made.spec as { containers: Container[] }
  const moved = spec.containers.slice(0, -1).map(container => ({ ...container, restartPolicy: 'Always' }))
  return { ...made, spec: { ...spec, initContainers: moved, containers: spec.containers.slice(-1) } }
}
