import { isObject } from '../../core/is-object.ts'
import type { Pod } from '../../core/pod.ts'
import type { SequencedPod } from './sequence-model.ts'

/**
 * What sequencing does or cannot see that whoever wrote `pod` may not expect; one line each, for `kubectl apply` to
 * show.
 */
export function sequenceWarnings(pod: Pod, sequenced: SequencedPod): string[] {
  return [...forkingWarnings(pod, sequenced), ...moveWarnings(sequenced)]
}

/** Without one PID namespace the number in a PID file means nothing to the agent. */
function forkingWarnings({ spec }: Pod, { sequence }: SequencedPod): string[] {
  if (spec.shareProcessNamespace === true || spec.hostPID === true) return []
  const forking = Object.entries(sequence.readiness).filter(([, { type }]) => type === 'forking')
  return forking.map(
    ([name]) =>
      `startgate: ${name} counts as ready by a fresh PID file alone: set shareProcessNamespace: true to have its process checked`,
  )
}

function moveWarnings({ moved }: SequencedPod): string[] {
  return moved
    .filter(({ container: { lifecycle } }) => isObject(lifecycle) && isObject(lifecycle.preStop))
    .map(
      ({ container }) =>
        `startgate: preStop of ${container.name} runs at once on deletion, while its dependents still run`,
    )
}
