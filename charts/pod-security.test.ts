import { expect, test } from 'vitest'
import type { PodSpec } from '../core/pod.ts'
import { restrictedViolations } from './pod-security.ts'

const container = { name: 'c', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }
const admitted: PodSpec = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [container],
}
const withContext = (context: Record<string, unknown>): PodSpec => ({
  ...admitted,
  containers: [{ ...container, securityContext: { ...container.securityContext, ...context } }],
})

const cases: Record<string, { spec: PodSpec; want: string[] }> = {
  'a restricted pod is admitted': { spec: admitted, want: [] },
  'a pod that says nothing is not': {
    spec: { containers: [{ name: 'c' }] },
    want: [
      'c: allowPrivilegeEscalation is not false',
      'c: runAsNonRoot is not true',
      'c: has no seccomp profile',
      'c: does not drop ALL capabilities',
    ],
  },
  'init containers count': {
    spec: { ...admitted, initContainers: [{ ...container, name: 'i', securityContext: { privileged: true } }] },
    want: ['i: is privileged', 'i: allowPrivilegeEscalation is not false', 'i: does not drop ALL capabilities'],
  },
  'a container overrides its pod': {
    spec: withContext({ runAsNonRoot: false }),
    want: ['c: runAsNonRoot is not true'],
  },
  'user 0': { spec: withContext({ runAsUser: 0 }), want: ['c: runs as user 0'] },
  'a capability': {
    spec: withContext({ capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } }),
    want: ['c: adds capabilities'],
  },
  'the host network': { spec: { ...admitted, hostNetwork: true }, want: ['hostNetwork is set'] },
  'a host path': {
    spec: { ...admitted, volumes: [{ name: 'v', hostPath: { path: '/' } }] },
    want: ['volume v is a hostPath'],
  },
  'a ConfigMap is allowed': { spec: { ...admitted, volumes: [{ name: 'v', configMap: { name: 'c' } }] }, want: [] },
}

test.each(Object.entries(cases))('%s', (_, { spec, want }) => {
  expect(restrictedViolations(spec)).toEqual(want)
})
