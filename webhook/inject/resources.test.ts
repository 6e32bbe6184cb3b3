import { expect, test } from 'vitest'
import type { Container, ResourceRequirements } from '../../core/pod.ts'
import type { LimitRangeItem } from '../cluster/limit-range.ts'
import type { NamespaceFacts } from '../cluster/settings.ts'
import { NAMESPACE, podOf } from '../testing/facts.ts'
import { gateResources, isTooSmallForNode, sequenceGateResources, waiterGateResources } from './resources.ts'

const of = (cpu: string, memory: string): ResourceRequirements => ({
  requests: { cpu, memory },
  limits: { cpu, memory },
})
const burstable = (memory: string): ResourceRequirements => ({
  requests: { cpu: '10m', memory: '16Mi' },
  limits: { cpu: '1', memory },
})
const zero = (...names: string[]) => Object.fromEntries(names.map(name => [name, '0']))
const QUOTA = { hasResourceQuota: true }
/** One that is there, and what it says is not known yet. */
const RANGE = { hasLimitRange: true }
const ranges = (...limitRanges: LimitRangeItem[]): Partial<NamespaceFacts> => ({ ...RANGE, limitRanges })
const DEFAULT_64MI = ranges({ type: 'Container', default: { memory: '64Mi' }, defaultRequest: { memory: '64Mi' } })

interface Case {
  containers: ResourceRequirements[]
  init?: Container[]
  namespace?: Partial<NamespaceFacts> | 'unknown'
  podLevel?: ResourceRequirements
  want: object
}
const fits = (resources: ResourceRequirements) => ({ kind: 'fits', resources })
const UNFIT = { kind: 'unfit', sentence: expect.stringContaining('96Mi') }
const unfit = (why: string) => ({ kind: 'unfit', sentence: expect.stringContaining(why) })
const LEAST = of('100m', '96Mi')
/** What a gate of a Burstable pod has whose containers all have limits. */
const little = (cpu: string) => ({ requests: zero('cpu', 'memory'), limits: { cpu, memory: '96Mi' } })

const cases: Record<string, Case> = {
  'Guaranteed: what it needs, whatever the app has': { containers: [of('1', '1Gi'), of('2', '2Gi')], want: fits(LEAST) },
  'Guaranteed: more memory than the pod, and it is said': { containers: [of('1', '32Mi')], want: { ...fits(LEAST), raised: "gates raise the pod's memory request to 96Mi" } },
  'Guaranteed, but the pod as a whole has as much: nothing to say': { containers: [of('1', '48Mi'), of('1', '48Mi')], want: fits(LEAST) },
  'Guaranteed: never more cpu than the pod': { containers: [of('10m', '1Gi'), of('10m', '1Gi')], want: fits(of('20m', '96Mi')) },
  'Guaranteed, after a sidecar: the total is said': { containers: [of('1', '32Mi')], init: [{ name: 's', restartPolicy: 'Always', resources: of('1', '32Mi') }], want: { ...fits(LEAST), raised: "gates raise the pod's memory request to 128Mi" } },
  'Guaranteed, with a large init container: nothing to say': { containers: [of('1', '32Mi')], init: [{ name: 'i', resources: of('1', '1Gi') }], want: fits(LEAST) },
  'Burstable: requests nothing, limited where all are': { containers: [{ requests: { cpu: '1', memory: '1Gi' } }], want: fits({ requests: zero('cpu', 'memory') }) },
  'Burstable: memory as needed, cpu as the app': { containers: [{ ...burstable('1Gi'), limits: { cpu: '2', memory: '1Gi' } }, burstable('4Gi')], want: fits(little('2')) },
  'Burstable: a limit that not all have is none': { containers: [burstable('1Gi'), { limits: { cpu: '1' } }], want: fits({ requests: zero('cpu', 'memory'), limits: { cpu: '1' } }) },
  'Burstable: a memory limit below what it needs is raised': { containers: [burstable('32Mi')], want: fits(little('1')) },
  'Burstable: ephemeral storage is not requested either': { containers: [{ limits: { 'ephemeral-storage': '1Gi', cpu: '1' }, requests: { cpu: '1m' } }], want: fits({ requests: zero('cpu', 'ephemeral-storage'), limits: { cpu: '1', 'ephemeral-storage': '1Gi' } }) },
  'a limit of zero is none': { containers: [{ limits: zero('memory'), requests: { cpu: '1' } }], want: fits({ requests: zero('cpu', 'memory') }) },
  'devices are left out': { containers: [{ limits: { cpu: '1', 'nvidia.com/gpu': '1' } }], want: fits({ requests: zero('cpu'), limits: { cpu: '1' } }) },
  'a little cpu is raised where nobody counts it': { containers: [{ limits: { cpu: '10m' } }], want: fits({ requests: zero('cpu'), limits: { cpu: '100m' } }) },
  'BestEffort: nothing': { containers: [{}], want: fits({}) },

  'a quota: limits up to the pod’s, zero for what the app has not': { containers: [{ limits: { cpu: '10m' } }], namespace: QUOTA, want: fits({ requests: zero('cpu', 'memory'), limits: { cpu: '10m', memory: '0' } }) },
  'a quota: BestEffort says zero, so that a refusal names the app': { containers: [{}], namespace: QUOTA, want: fits({ requests: zero('cpu', 'memory'), limits: zero('cpu', 'memory') }) },
  'a quota: memory, if the pod has as much': { containers: [of('1', '48Mi'), of('1', '48Mi')], namespace: QUOTA, want: fits(LEAST) },
  'a quota: it does not fit otherwise': { containers: [of('1', '48Mi')], namespace: QUOTA, want: unfit('under a ResourceQuota') },
  'a quota: nor where only the limit is counted': { containers: [burstable('48Mi')], namespace: QUOTA, want: unfit('under a ResourceQuota') },
  'a quota of something else: more than the pod has': { containers: [of('50m', '48Mi')], namespace: { ...QUOTA, quotaCounts: ['requests.cpu', 'pods'] }, want: { ...fits(of('50m', '96Mi')), raised: expect.stringContaining('96Mi') } },
  'a quota of requests: the limit may be more': { containers: [burstable('48Mi')], namespace: { ...QUOTA, quotaCounts: ['memory'] }, want: fits(little('1')) },
  'but not the request': { containers: [of('1', '48Mi')], namespace: { ...QUOTA, quotaCounts: ['memory'] }, want: unfit('under a ResourceQuota') },

  'a LimitRange’s default below what it needs': { containers: [{ limits: { memory: '64Mi' }, requests: { memory: '64Mi' } }], namespace: DEFAULT_64MI, want: fits({ requests: zero('memory'), limits: { memory: '96Mi' } }) },
  'with defaults that make the pod Guaranteed, and it is said': { containers: [of('100m', '64Mi')], namespace: DEFAULT_64MI, want: { ...fits(LEAST), raised: expect.stringContaining('96Mi') } },
  'but not over a maximum': { containers: [burstable('64Mi')], namespace: ranges({ type: 'Container', max: { memory: '64Mi' } }), want: unfit('max memory is 64Mi') },
  'nor over the pod’s': { containers: [burstable('64Mi')], namespace: ranges({ type: 'Pod', max: { memory: '64Mi' } }), want: unfit('max memory of a pod is 64Mi') },
  'nor with a quota that counts it': { containers: [burstable('64Mi')], namespace: { ...DEFAULT_64MI, ...QUOTA }, want: unfit('under a ResourceQuota') },
  'a LimitRange’s minimum and ratio': { containers: [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '10m', memory: '256Mi' } }], namespace: ranges({ type: 'Container', min: { cpu: '5m', memory: '128Mi' }, maxLimitRequestRatio: { memory: '4', cpu: '100' } }), want: fits({ requests: { cpu: '10m', memory: '128Mi' }, limits: { cpu: '1', memory: '128Mi' } }) },
  'a ratio of the pod': { containers: [burstable('64Mi')], namespace: ranges({ type: 'Pod', maxLimitRequestRatio: { memory: '4' } }), want: unfit('maxLimitRequestRatio of memory of a pod') },
  'a default for what the app has set to none': { containers: [{ limits: zero('memory'), requests: { cpu: '1' } }], namespace: DEFAULT_64MI, want: fits({ requests: zero('cpu', 'memory'), limits: { memory: '96Mi' } }) },
  'zeros keep defaults out of a BestEffort pod': { containers: [{ limits: zero('memory') }], namespace: DEFAULT_64MI, want: fits({ requests: zero('memory'), limits: zero('memory') }) },

  'what judges is not known: a copy of a container that has enough': { containers: [of('1', '95Mi'), of('2', '96Mi')], namespace: RANGE, want: fits(of('2', '96Mi')) },
  'of one with enough cpu, where there is a choice': { containers: [of('10m', '1Gi'), of('100m', '1Gi')], namespace: 'unknown', want: fits(of('100m', '1Gi')) },
  'a copy of nothing': { containers: [{}], namespace: RANGE, want: fits({}) },
  'nothing is raised there': { containers: [burstable('32Mi')], namespace: 'unknown', want: UNFIT },
  'the pod’s own resources are shared': { containers: [of('1', '1Gi')], podLevel: of('2', '2Gi'), want: fits({}) },
  'copied under a LimitRange, whose defaults could exceed them': { containers: [of('1', '32Mi'), of('1', '1Gi')], podLevel: of('2', '2Gi'), namespace: ranges(), want: fits(of('1', '1Gi')) },
  'and must be enough': { containers: [{}], podLevel: of('1', '64Mi'), want: UNFIT },
} // biome-ignore format: a table

test.each(Object.entries(cases))('%s', (_, { containers, init, namespace = {}, podLevel, want }) => {
  const pod = podOf({
    containers: containers.map((resources, i) => ({ name: `c${i}`, resources })),
    ...(init && { initContainers: init }),
    ...(podLevel && { resources: podLevel }),
  })
  const facts = namespace === 'unknown' ? undefined : { ...NAMESPACE, ...namespace }
  expect(gateResources(pod, facts)).toEqual(want)
})

const SHELL = (cpu: string): ResourceRequirements => of(cpu, '32Mi')
const waiters: Record<string, Case> = {
  'as much as Node needs, where that costs the pod nothing': { containers: [of('1', '1Gi')], want: fits(LEAST) },
  'a shell’s where it would: nothing is raised': { containers: [of('1', '48Mi')], want: fits(SHELL('100m')) },
  'Burstable: a limit that costs nothing': { containers: [burstable('32Mi')], want: fits(little('1')) },
  'BestEffort: nothing': { containers: [{}], want: fits({}) },
  'a quota that counts limits': { containers: [burstable('48Mi')], namespace: QUOTA, want: fits({ requests: zero('cpu', 'memory'), limits: { cpu: '1', memory: '32Mi' } }) },
  'a LimitRange’s maximum': { containers: [burstable('64Mi')], namespace: ranges({ type: 'Container', max: { memory: '64Mi' } }), want: fits({ requests: zero('cpu', 'memory'), limits: { cpu: '1', memory: '32Mi' } }) },
  'a copy, where what judges is not known': { containers: [of('1', '48Mi')], namespace: 'unknown', want: fits(of('1', '48Mi')) },
  'the pod’s own are shared': { containers: [{}], podLevel: of('1', '64Mi'), want: fits({}) },
  'a pod of less than a shell needs, and it is said': { containers: [of('1', '16Mi')], want: { ...fits(SHELL('100m')), raised: "gates raise the pod's memory request to 32Mi" } },
} // biome-ignore format: a table

test.each(Object.entries(waiters))(
  'a gate that waits through its node: %s',
  (_, { containers, namespace = {}, podLevel, want }) => {
    const all = containers.map((resources, i) => ({ name: `c${i}`, resources }))
    const pod = podOf({ containers: all, ...(podLevel && { resources: podLevel }) })
    const facts = namespace === 'unknown' ? undefined : { ...NAMESPACE, ...namespace }
    expect(waiterGateResources(pod, facts)).toEqual(want)
    expect(isTooSmallForNode(pod)).toBe(podLevel !== undefined)
  },
)

const shells: Record<string, Omit<Case, 'want' | 'init'> & { want: ResourceRequirements }> = {
  'Guaranteed: a little': { containers: [of('1', '1Gi'), of('4', '4Gi')], want: of('100m', '32Mi') },
  'never more than what it stands before': { containers: [of('10m', '16Mi'), of('1', '1Gi')], want: of('10m', '16Mi') },
  'Burstable: requests nothing, and cpu as that one, for sidecars run already': { containers: [burstable('1Gi'), { limits: { cpu: '4', memory: '1Gi' } }], want: { requests: zero('cpu', 'memory'), limits: { cpu: '1', memory: '32Mi' } } },
  'a copy, where what judges is not known': { containers: [burstable('1Gi')], namespace: 'unknown', want: burstable('1Gi') },
  'what a LimitRange demands': { containers: [burstable('1Gi')], namespace: ranges({ type: 'Container', min: { memory: '16Mi' } }), want: { requests: { cpu: '0', memory: '16Mi' }, limits: { cpu: '1', memory: '32Mi' } } },
  'none beside the pod’s own': { containers: [of('1', '1Gi')], podLevel: of('2', '2Gi'), want: {} },
} // biome-ignore format: a table

test.each(Object.entries(shells))(
  'before the first container, a shell: %s',
  (_, { containers, namespace = {}, podLevel, want }) => {
    const all = containers.map((resources, i) => ({ name: `c${i}`, resources }))
    const pod = podOf({ containers: all, ...(podLevel && { resources: podLevel }) })
    const facts = namespace === 'unknown' ? undefined : { ...NAMESPACE, ...namespace }
    expect(sequenceGateResources(pod, facts)(all[0] ?? { name: '' })).toEqual(want)
  },
)
