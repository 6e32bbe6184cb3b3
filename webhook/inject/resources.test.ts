import { expect, test } from 'vitest'
import type { ResourceRequirements } from '../../core/pod.ts'
import type { NamespaceFacts } from '../settings.ts'
import { NAMESPACE, podOf } from '../test-facts.ts'
import { gateResources } from './resources.ts'

const of = (cpu: string, memory: string): ResourceRequirements => ({
  requests: { cpu, memory },
  limits: { cpu, memory },
})
const burstable = (memory: string): ResourceRequirements => ({
  requests: { cpu: '10m', memory: '16Mi' },
  limits: { cpu: '1', memory },
})
const QUOTA = { hasResourceQuota: true }
const RANGE = { hasLimitRange: true }

interface Case {
  containers: ResourceRequirements[]
  namespace?: Partial<NamespaceFacts> | 'unknown'
  podLevel?: ResourceRequirements
  want: object
}
const fits = (resources: ResourceRequirements) => ({ kind: 'fits', resources })
const UNFIT = { kind: 'unfit', sentence: expect.stringContaining('96Mi') }

const cases: Record<string, Case> = {
  'a copy of the first container': { containers: [of('1', '1Gi'), of('2', '2Gi')], want: fits(of('1', '1Gi')) },
  'of one with enough memory': { containers: [of('1', '95Mi'), of('2', '96Mi')], want: fits(of('2', '96Mi')) },
  'of one with enough cpu, where there is a choice': { containers: [of('10m', '1Gi'), of('100m', '1Gi')], want: fits(of('100m', '1Gi')) },
  'no limit is enough': { containers: [{ requests: { memory: '8Mi' } }], want: fits({ requests: { memory: '8Mi' } }) },
  'a limit of zero is none': { containers: [of('0', '0')], want: fits(of('0', '0')) },
  'nothing stays nothing': { containers: [{}], namespace: RANGE, want: fits({}) },
  'devices are left out': { containers: [{ limits: { cpu: '1', 'nvidia.com/gpu': '1' } }], want: fits({ requests: { cpu: '1' }, limits: { cpu: '1' } }) },
  'Burstable: only the limit is raised': { containers: [burstable('32Mi')], want: fits(burstable('96Mi')) },
  'of the largest, when none is enough': { containers: [burstable('32Mi'), { ...burstable('64Mi'), requests: { cpu: '20m' } }], want: fits({ requests: { cpu: '20m', memory: '64Mi' }, limits: { cpu: '1', memory: '96Mi' } }) },
  'Guaranteed: the request too, and it is said': { containers: [of('1', '32Mi')], want: { kind: 'fits', resources: of('1', '96Mi'), raised: expect.stringContaining('96Mi') } },
  'Guaranteed, but the pod as a whole has as much: nothing to say': { containers: [of('1', '48Mi'), of('1', '48Mi')], want: { kind: 'fits', resources: of('1', '96Mi') } },
  'Guaranteed: cpu stays': { containers: [of('10m', '1Gi')], want: fits(of('10m', '1Gi')) },
  'a little cpu is raised where nobody counts it': { containers: [{ limits: { cpu: '10m' } }], want: fits({ requests: { cpu: '10m' }, limits: { cpu: '100m' } }) },
  'but not under a quota that would count it': { containers: [{ limits: { cpu: '10m' } }], namespace: QUOTA, want: fits({ requests: { cpu: '10m' }, limits: { cpu: '10m' } }) },
  'nor under a LimitRange': { containers: [{ limits: { cpu: '10m' } }], namespace: RANGE, want: fits({ requests: { cpu: '10m' }, limits: { cpu: '10m' } }) },
  'under a quota memory is raised if the pod has as much': { containers: [of('1', '48Mi'), of('1', '48Mi')], namespace: QUOTA, want: { kind: 'fits', resources: of('1', '96Mi') } },
  'under a quota it does not fit otherwise': { containers: [of('1', '48Mi')], namespace: QUOTA, want: UNFIT },
  'under a LimitRange it does not fit at all': { containers: [of('1', '48Mi'), of('1', '48Mi')], namespace: RANGE, want: UNFIT },
  'nor where that is not known': { containers: [burstable('32Mi')], namespace: 'unknown', want: UNFIT },
  'the pod’s own resources are shared': { containers: [of('1', '1Gi')], podLevel: of('2', '2Gi'), want: fits({}) },
  'copied under a LimitRange, whose defaults could exceed them': { containers: [of('1', '32Mi'), of('1', '1Gi')], podLevel: of('2', '2Gi'), namespace: RANGE, want: fits(of('1', '1Gi')) },
  'and must be enough': { containers: [{}], podLevel: of('1', '64Mi'), want: UNFIT },
} // biome-ignore format: a table

test.each(Object.entries(cases))('%s', (_, { containers, namespace = {}, podLevel, want }) => {
  const pod = podOf({
    containers: containers.map((resources, i) => ({ name: `c${i}`, resources })),
    ...(podLevel && { resources: podLevel }),
  })
  const facts = namespace === 'unknown' ? undefined : { ...NAMESPACE, ...namespace }
  expect(gateResources(pod, facts)).toEqual(want)
})
