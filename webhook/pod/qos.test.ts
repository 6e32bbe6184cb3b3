import { expect, test } from 'vitest'
import type { ResourceRequirements } from '../../core/pod.ts'
import { podOf } from '../testing/facts.ts'
import { qosClass } from './qos.ts'

const both = (cpu: string, memory: string): ResourceRequirements => ({
  requests: { cpu, memory },
  limits: { cpu, memory },
})
const cases: Record<string, { containers: ResourceRequirements[]; pod?: ResourceRequirements; want: string }> = {
  'nothing asked for': { containers: [{}, {}], want: 'BestEffort' },
  'zeros are nothing': { containers: [both('0', '0')], want: 'BestEffort' },
  'only a device': { containers: [{ limits: { 'nvidia.com/gpu': '1' } }], want: 'BestEffort' },
  'all limits are requests': { containers: [both('1', '1Gi'), both('500m', '64Mi')], want: 'Guaranteed' },
  'equal by value': { containers: [{ requests: { cpu: '0.5', memory: '1Gi' }, limits: { cpu: '500m', memory: '1024Mi' } }], want: 'Guaranteed' },
  'a missing request is its limit': { containers: [{ limits: { cpu: '1', memory: '1Gi' } }], want: 'Guaranteed' },
  'one container asks for nothing': { containers: [both('1', '1Gi'), {}], want: 'Burstable' },
  'only cpu': { containers: [{ limits: { cpu: '1' } }], want: 'Burstable' },
  'a request without a limit': { containers: [{ requests: { memory: '1Gi' } }], want: 'Burstable' },
  'the pod’s own count alone': { containers: [{ requests: { cpu: '1' } }], pod: both('1', '1Gi'), want: 'Guaranteed' },
  'an empty list on the pod does not': { containers: [both('1', '1Gi')], pod: {}, want: 'Guaranteed' },
} // biome-ignore format: a table

test.each(Object.entries(cases))('%s', (_, { containers, pod, want }) => {
  const [first = {}, ...rest] = containers
  const spec = {
    containers: rest.map((resources, i) => ({ name: `c${i}`, resources })).concat({ name: 'c', resources: first }),
    ...(pod && { resources: pod }),
  }
  expect(qosClass(podOf(spec))).toBe(want)
})

test('init containers count', () => {
  expect(qosClass(podOf({ initContainers: [{ name: 'i', resources: both('1', '1Gi') }] }))).toBe('Burstable')
})
