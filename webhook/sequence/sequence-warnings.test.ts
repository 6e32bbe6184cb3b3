import { describe, expect, test } from 'vitest'
import { mutate } from '../mutate/mutate.ts'
import { FACTS, podOf } from '../testing/facts.ts'

const FORKING = 'proxy: {type: forking, pidFile: /run/proxy/proxy.pid}'

function warningsOf(spec: Record<string, unknown>, readiness = FORKING): string[] {
  const pod = podOf({
    containers: [
      { name: 'web', image: 'web:1' },
      { name: 'proxy', image: 'proxy:1', volumeMounts: [{ name: 'run', mountPath: '/run/proxy' }] },
    ],
    volumes: [{ name: 'run', emptyDir: {} }],
    ...spec,
  })
  pod.metadata.annotations = { 'startgate.dev/depends-on': 'web: [proxy]', 'startgate.dev/readiness': readiness }
  const outcome = mutate(pod, 'shop', FACTS)
  if (outcome.kind !== 'patched') throw new Error(JSON.stringify(outcome))
  return outcome.warnings
}

describe('readiness forking', () => {
  test('warns, in a line that kubectl shows whole, when the agent cannot see the process', () => {
    const [warning, ...others] = warningsOf({})
    expect(warning).toMatch(/^startgate: proxy .*shareProcessNamespace: true/)
    expect(warning?.length).toBeLessThanOrEqual(256)
    expect(others).toEqual([])
  })

  test.each([{ shareProcessNamespace: true }, { hostPID: true }])('does not warn with %o', spec => {
    expect(warningsOf(spec)).toEqual([])
  })

  test('is the only kind that warns', () => {
    expect(warningsOf({}, 'proxy: notify')).toEqual([])
  })
})
