import fc from 'fast-check'
import { expect, test } from 'vitest'
import { restrictedViolations } from '../../charts/pod-security.ts'
import { applied } from '../patch/patch.ts'
import { FACTS, podOf } from '../testing/facts.ts'
import { mutate } from './mutate.ts'

const securityContext = fc.record(
  {
    privileged: fc.boolean(),
    allowPrivilegeEscalation: fc.boolean(),
    runAsNonRoot: fc.boolean(),
    runAsUser: fc.constantFrom(0, 1000),
    capabilities: fc.constantFrom({ drop: ['ALL'] }, { add: ['NET_ADMIN'], drop: ['ALL'] }, { add: ['SYS_ADMIN'] }),
    seccompProfile: fc.constantFrom({ type: 'RuntimeDefault' }, { type: 'Unconfined' }),
    procMount: fc.constantFrom('Default', 'Unmasked'),
  },
  { requiredKeys: [] },
)
const container = fc.record({ image: fc.constantFrom('a', 'b', 'c'), securityContext }, { requiredKeys: ['image'] })
const pods = fc
  .record({ own: fc.array(container, { minLength: 1, maxLength: 3 }), inits: fc.array(container), securityContext })
  .map(({ own, inits, securityContext: ofPod }) =>
    podOf({
      securityContext: ofPod,
      initContainers: inits.map((init, i) => ({ name: `i${i}`, ...init })),
      containers: own.map((app, i) => ({ name: `c${i}`, ...app })),
    }),
  )

test('what restricted Pod Security says of a gated pod is what it says of the pod without us', () => {
  fc.assert(
    fc.property(pods, pod => {
      const outcome = mutate(pod, 'shop', FACTS)
      const gated = outcome.kind === 'patched' ? applied(pod, outcome.operations) : undefined
      expect(gated && restrictedViolations(gated.spec)).toEqual(restrictedViolations(pod.spec))
    }),
    { numRuns: 500 },
  )
})
