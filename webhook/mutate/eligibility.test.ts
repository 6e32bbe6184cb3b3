import { describe, expect, test } from 'vitest'
import type { Pod } from '../../core/pod.ts'
import { FACTS, NAMESPACE, podOf, SETTINGS } from '../testing/facts.ts'
import { eligibility } from './eligibility.ts'
import { mutate } from './mutate.ts'

const verdictOn = (pod: Pod, settings: Partial<typeof SETTINGS> = {}) =>
  eligibility({ pod, namespace: 'shop', facts: NAMESPACE, settings: { ...SETTINGS, ...settings } })

describe('a Windows pod', () => {
  const options = { windowsOptions: { hostProcess: true, runAsUserName: 'NT AUTHORITY\\SYSTEM' } }
  const affinity = (...terms: object[]) => ({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
  })
  const os = (operator: string, ...values: string[]) => ({
    matchExpressions: [{ key: 'zone', operator: 'Exists' }, { key: 'kubernetes.io/os', operator, values }],
  }) // biome-ignore format: one expression
  const cases: Record<string, { spec: object; want: boolean }> = {
    'by hostProcess in one container': { spec: { containers: [{ name: 'a' }, { name: 'b', securityContext: options }] }, want: true },
    'by hostProcess of the pod': { spec: { securityContext: options }, want: true },
    'by an init container': { spec: { initContainers: [{ name: 'i', securityContext: { windowsOptions: {} } }] }, want: true },
    'not by options that are null': { spec: { securityContext: { windowsOptions: null } }, want: false },
    'by its OS': { spec: { os: { name: 'windows' } }, want: true },
    'by its node selector': { spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } }, want: true },
    'by its old node selector': { spec: { nodeSelector: { 'beta.kubernetes.io/os': 'windows' } }, want: true },
    'by the one term of its affinity': { spec: affinity(os('In', 'windows')), want: true },
    'by each term of its affinity': { spec: affinity(os('In', 'windows'), os('In', 'windows')), want: true },
    'not by one of two terms': { spec: affinity(os('In', 'windows'), os('In', 'linux')), want: false },
    'not by a choice of two': { spec: affinity(os('In', 'windows', 'linux')), want: false },
    'not where it keeps off Windows': { spec: affinity(os('NotIn', 'windows')), want: false },
    'not by a term without values': { spec: affinity(os('In')), want: false },
    'not without a term': { spec: affinity(), want: false },
    'not by what is preferred': {
      spec: { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: os('In', 'windows') }] } } },
      want: false,
    },
  } // biome-ignore format: a table
  test.each(Object.entries(cases))('is told %s', (_, { spec, want }) => {
    expect(verdictOn(podOf(spec))).toEqual(want ? { kind: 'skip', reasons: ['Windows'] } : { kind: 'gate' })
  })
})

describe('by its priority class', () => {
  const gated = { kind: 'gate' }
  const cases: Record<string, { spec: object; want: object }> = {
    'what a node needs is left alone': { spec: { priorityClassName: 'system-node-critical', priority: 2_000_001_000 }, want: { kind: 'skip', reasons: ['NodeCritical'] } },
    'what the cluster needs is gated: nodes become Ready without it': { spec: { priorityClassName: 'system-cluster-critical', priority: 2_000_000_000 }, want: gated },
    'another of the highest value is gated': { spec: { priorityClassName: 'mine', priority: 1_000_000_000 }, want: gated },
  } // biome-ignore format: a table
  test.each(Object.entries(cases))('%s', (_, { spec, want }) => {
    expect(verdictOn(podOf(spec))).toEqual(want)
  })
})

describe('the label by which a pod opts out', () => {
  const pod = podOf({}, { labels: { 'startgate.dev/inject': 'false' } })

  test('leaves it alone', () => {
    expect(verdictOn(pod)).toEqual({ kind: 'skip', reasons: ['OptedOut'] })
  })

  test('leaves nobody alone where it is not allowed, and its author is told so', () => {
    const settings = { ...SETTINGS, allowOptOut: false }
    expect(verdictOn(pod, settings)).toEqual({ kind: 'gate' })
    const outcome = mutate(pod, 'shop', { ...FACTS, settings })
    const warning = 'startgate: gated, since the label startgate.dev/inject: "false" is not allowed in this cluster'
    expect(outcome).toMatchObject({ kind: 'patched', warnings: [warning] })
    expect(warning.length).toBeLessThanOrEqual(120)
  })

  test('is nothing to warn of in a pod without it', () => {
    const settings = { ...SETTINGS, allowOptOut: false }
    expect(mutate(podOf(), 'shop', { ...FACTS, settings })).toMatchObject({ kind: 'patched', warnings: [] })
  })
})
