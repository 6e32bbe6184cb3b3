import { expect, test } from 'vitest'
import { podOf } from '../testing/facts.ts'
import { asPod, podFault } from './pod-shape.ts'

const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']))
const web = (changes: object) => ({ containers: [{ name: 'a' }, { name: 'web', ...changes }] }) as never

const bad: Record<string, [value: unknown, want: string]> = {
  'no object': ['pod', 'the pod is "pod"; use an object'],
  'no spec': [{ metadata: {} }, 'spec is missing; use an object'],
  'no containers': [{ metadata: {}, spec: { containers: null } }, 'spec.containers is null; use a list'],
  'the second container': [podOf(web({ image: 7 })), 'spec.containers[1].image is 7; use a string'],
  'one without a name': [podOf(web({ name: {} })), 'spec.containers[1].name is {…}; use a string'],
  'deeper': [podOf(web({ env: [{ name: 'A' }, { name: [] }] })), 'spec.containers[1].env[1].name is […]; use a string'],
  'a probe': [podOf(web({ startupProbe: { periodSeconds: '5' } })), 'spec.containers[1].startupProbe.periodSeconds is "5"; use a number'],
  'a label': [podOf({}, { labels: { 'a.b/c': true } } as never), 'metadata.labels["a.b/c"] is true; use a string'],
  'too many labels': [podOf({}, { labels: entries(5_001) }), 'metadata.labels has 5001 entries; use at most 5000'],
  'a long quantity': [podOf(web({ resources: { limits: { cpu: '1'.repeat(65) } } })), 'spec.containers[1].resources.limits["cpu"] has 65 characters; use at most 64'],
  'the first of several': [podOf({ ...(web({ image: 7 }) as object), volumes: 3 as never }), 'spec.containers[1].image is 7; use a string'],
} // biome-ignore format: a table
test.each(Object.entries(bad))(
  'the first bad field is named, what was seen, and what should be: %s',
  (_, [value, want]) => {
    expect(podFault(value)).toBe(want)
    expect(asPod(value)).toBeUndefined()
  },
)

test('a pod whose fields are as in the API has no fault; null is absent', () => {
  const pod = podOf({ initContainers: null as never, nodeSelector: entries(5_000) })
  expect(podFault(pod)).toBeUndefined()
  expect(asPod(pod)).toBe(pod)
})

test('neither a long key nor a long value makes the sentence long', () => {
  const long = 'x'.repeat(1_000_000)
  expect(podFault(podOf({}, { labels: { [long]: [] } } as never))?.length).toBeLessThan(200)
  expect(podFault(podOf({ containers: long as never }))?.length).toBeLessThan(200)
})
