import { imageTrouble } from '../cluster/gates.ts'
import type { CheckFacts } from './facts.ts'
import { bad, judged, type Line, ok } from './line.ts'

/**
 * Gated pods that cannot get startgate's own image: nothing else of startgate is wrong then, and nothing starts. A pod
 * whose own image is missing is its author's affair, and `explain` tells it.
 */
export function judgeImages({ pendingPods }: CheckFacts): Line[] {
  return judged(pendingPods, {
    id: 'gate-image',
    what: 'gated pods that are pending',
    absent: () => [],
    known: pods => {
      const troubled = pods.flatMap(({ metadata, ...pod }) => {
        const trouble = imageTrouble({ metadata, ...pod })
        return trouble?.owner === 'startgate' ? [{ ...trouble, pod: `${metadata.namespace}/${metadata.name}` }] : []
      })
      const [first] = troubled
      if (!first) return [ok('gate-image', `no pending pod lacks the image of its gates (${pods.length} looked at)`)]
      return [
        bad(
          'gate-image',
          `${troubled.length} pods cannot get the image of a container of startgate's, as ${first.pod}: ${first.container}: ${first.reason}: ${first.message.slice(0, 200)}`,
          "look at the chart's image.repository: nodes must be able to pull it in every namespace without a pull secret",
        ),
      ]
    },
  })
}
