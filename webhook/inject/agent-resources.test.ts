import { expect, test } from 'vitest'
import type { ResourceRequirements } from '../../core/pod.ts'
import type { LimitRangeItem } from '../cluster/limit-range.ts'
import type { NamespaceFacts } from '../cluster/settings.ts'
import { NAMESPACE, podOf } from '../testing/facts.ts'
import { agentResources } from './agent-resources.ts'

const both = (cpu: string, memory: string): ResourceRequirements => ({
  requests: { cpu, memory },
  limits: { cpu, memory },
})
const BURSTABLE: ResourceRequirements = { requests: { cpu: '10m' }, limits: { memory: '1Gi' } }
const QUOTA = { hasResourceQuota: true }
const ranges = (...limitRanges: LimitRangeItem[]): Partial<NamespaceFacts> => ({ hasLimitRange: true, limitRanges })

interface Case {
  containers: ResourceRequirements[]
  namespace?: Partial<NamespaceFacts> | 'unknown'
  podLevel?: ResourceRequirements
  /** The resources, or a part of the sentence why there are none. */
  want: ResourceRequirements | string
}
const ZEROS = { requests: { cpu: '0', memory: '0' }, limits: { memory: '0' } }
const ALL_ZEROS = both('0', '0')
const LEAST = both('100m', '96Mi')

const cases: Record<string, Case> = {
  'BestEffort stays so': { containers: [{}, {}], want: {} },
  'a little in a Burstable pod': { containers: [BURSTABLE, {}], want: { requests: { cpu: '5m', memory: '32Mi' } } },
  'explicit zeros under a quota, of all that the containers have or a quota asks for': { containers: [BURSTABLE, {}], namespace: QUOTA, want: ALL_ZEROS },
  'in a BestEffort pod too, so that a refusal names the pod’s own containers': { containers: [{}], namespace: QUOTA, want: ALL_ZEROS },
  'zeros under a LimitRange that has nothing against them': { containers: [BURSTABLE], namespace: ranges({ type: 'Container', default: { memory: '64Mi' }, max: { memory: '2Gi' } }), want: ZEROS },
  'what it can start with, where zero is below the minimum': { containers: [BURSTABLE], namespace: ranges({ type: 'Container', min: { memory: '1Mi' } }), want: LEAST },
  'or where a ratio needs a request': { containers: [BURSTABLE], namespace: ranges({ type: 'Container', maxLimitRequestRatio: { memory: '2' } }), want: LEAST },
  'a copy of a container, where that is below the minimum too': { containers: [both('1', '1Gi'), { requests: { cpu: '1' } }], namespace: ranges({ type: 'Container', min: { memory: '1Gi' } }), want: both('1', '1Gi') },
  'nothing, where the pod’s maximum forbids it': { containers: [BURSTABLE], namespace: ranges({ type: 'Container', min: { memory: '1Mi' } }, { type: 'Pod', max: { memory: '1Gi' } }), want: 'min memory is 1Mi' },
  'a maximum of the pod that is exceeded anyway is not our business': { containers: [BURSTABLE], namespace: ranges({ type: 'Container', min: { memory: '1Mi' } }, { type: 'Pod', max: { memory: '1Mi' } }), want: LEAST },
  'nothing, with a minimum and a quota': { containers: [BURSTABLE], namespace: { ...QUOTA, ...ranges({ type: 'Container', min: { memory: '1Mi' } }) }, want: 'min memory is 1Mi' },
  'what it can start with in a Guaranteed pod': { containers: [both('2', '2Gi')], want: LEAST },
  'but not where a quota counts it': { containers: [both('2', '2Gi')], namespace: QUOTA, want: 'ResourceQuota' },
  'a quota of something else does not': { containers: [both('2', '2Gi')], namespace: { ...QUOTA, quotaCounts: ['requests.ephemeral-storage', 'pods'] }, want: LEAST },
  'one of either does': { containers: [both('2', '2Gi')], namespace: { ...QUOTA, quotaCounts: ['limits.memory'] }, want: 'ResourceQuota' },
  'nor over a maximum': { containers: [both('50m', '64Mi')], namespace: ranges({ type: 'Container', max: { cpu: '50m' } }), want: 'max cpu is 50m' },
  'storage limits are not its own': { containers: [both('2', '2Gi')], namespace: ranges({ type: 'PersistentVolumeClaim', max: { storage: '1' } }), want: LEAST },
  'none beside the pod’s own': { containers: [BURSTABLE], podLevel: both('1', '1Gi'), want: {} },
  'LimitRanges that are not known yet are not looked at': { containers: [both('2', '2Gi')], namespace: { hasLimitRange: true }, want: LEAST },
  'nor those of a namespace that is not known yet': { containers: [BURSTABLE], namespace: 'unknown', want: ZEROS },
} // biome-ignore format: a table

test.each(Object.entries(cases))('%s', (_, { containers, namespace = {}, podLevel, want }) => {
  const pod = podOf({
    containers: containers.map((resources, i) => ({ name: `c${i}`, resources })),
    ...(podLevel && { resources: podLevel }),
  })
  const facts = namespace === 'unknown' ? undefined : { ...NAMESPACE, ...namespace }
  const fit = agentResources(pod, facts)
  expect(fit).toEqual(
    typeof want === 'string'
      ? { kind: 'unfit', sentence: expect.stringContaining(want) }
      : { kind: 'fits', resources: want },
  )
})
