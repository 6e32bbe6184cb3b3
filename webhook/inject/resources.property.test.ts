import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Pod, ResourceRequirements } from '../../core/pod.ts'
import type { LimitRangeItem } from '../cluster/limit-range.ts'
import { mutate } from '../mutate/mutate.ts'
import { applied } from '../patch/patch.ts'
import { amountOf, effectiveAmount, sidecarAmount } from '../pod/pod-totals.ts'
import { qosClass } from '../pod/qos.ts'
import { FACTS, NAMESPACE, podOf } from '../testing/facts.ts'

const list = fc.record(
  { cpu: fc.constantFrom('5m', '100m', '500m', '2'), memory: fc.constantFrom('16Mi', '64Mi', '100M', '1Gi') },
  { requiredKeys: [] },
)
const container = fc
  .record({ requests: list, limits: list, isExact: fc.boolean() })
  .map(({ requests, limits, isExact }): ResourceRequirements => (isExact ? { limits } : { requests, limits }))
const inits = fc.array(
  fc.record({ resources: container, restartPolicy: fc.constantFrom('Always') }, { requiredKeys: ['resources'] }),
  { maxLength: 2 },
)
const pods = fc.record({ app: fc.array(container, { minLength: 1, maxLength: 3 }), inits }).map(made =>
  podOf({
    initContainers: made.inits.map((init, i) => ({ name: `i${i}`, image: 'i', ...init })),
    containers: made.app.map((resources, i) => ({ name: `c${i}`, image: 'c', resources })),
  }),
)
const bound = fc.constantFrom('50m', '1', '32Mi', '64Mi', '96Mi', '2Gi')
const bounds = fc.dictionary(fc.constantFrom('cpu', 'memory'), bound)
const item: fc.Arbitrary<LimitRangeItem> = fc.record(
  { type: fc.constantFrom('Container', 'Pod'), min: bounds, max: bounds, default: bounds },
  { requiredKeys: ['type'] },
)

function gated(pod: Pod, namespace: Partial<typeof NAMESPACE>): Pod | undefined {
  const outcome = mutate(pod, 'shop', { ...FACTS, namespace: { ...NAMESPACE, ...namespace } })
  return outcome.kind === 'patched' && !outcome.raised ? applied(pod, outcome.operations) : undefined
}

/** An in-place resize: all that the app containers have, a tenth of it. */
function resized({ spec, ...pod }: Pod): Pod {
  const less = (list: Record<string, string> | undefined) =>
    list && Object.fromEntries(Object.keys(list).map(name => [name, name === 'cpu' ? '1m' : '1Mi']))
  const containers = spec.containers.map(c => ({
    ...c,
    resources: { requests: less(c.resources?.requests), limits: less(c.resources?.limits) } as ResourceRequirements,
  }))
  return { ...pod, spec: { ...spec, containers } as Pod['spec'] }
}

test('the pod asks for what the app asks for, also after the app was resized, unless it is said', () => {
  const needed = { cpu: 0.1, memory: 96 * 2 ** 20 }
  fc.assert(
    fc.property(pods, fc.boolean(), fc.constantFrom('cpu', 'memory'), (pod, hasResourceQuota, name) => {
      const after = gated(pod, { hasResourceQuota })
      if (!after) return
      expect(effectiveAmount(after, 'requests', name)).toBe(effectiveAmount(pod, 'requests', name))
      const [now, without] = [after, pod].map(p => effectiveAmount(resized(p), 'requests', name))
      const own = qosClass(pod) === 'Guaranteed' ? sidecarAmount(pod, 'requests', name) + needed[name] : 0
      expect(now).toBeLessThanOrEqual(Math.max(without ?? 0, own))
    }),
    { numRuns: 500 },
  )
})

test('a quota counts nothing more, the QoS class stays, and no request is above its limit', () => {
  const names = fc.constantFrom('cpu', 'memory')
  fc.assert(
    fc.property(pods, fc.array(item, { maxLength: 2 }), names, (pod, limitRanges, name) => {
      const after = gated(pod, { hasResourceQuota: true, hasLimitRange: true, limitRanges })
      if (!after) return
      expect(qosClass(after)).toBe(qosClass(pod))
      expect(effectiveAmount(after, 'requests', name)).toBe(effectiveAmount(pod, 'requests', name))
      expect(effectiveAmount(after, 'limits', name)).toBe(effectiveAmount(pod, 'limits', name))
      const limited = (after.spec.initContainers ?? []).filter(
        c => c.name.startsWith('startgate') && amountOf(c, 'limits', name) > 0,
      )
      expect(limited.filter(c => amountOf(c, 'requests', name) > amountOf(c, 'limits', name))).toEqual([])
    }),
    { numRuns: 500 },
  )
})
