import { expect, test } from 'vitest'
import type { ContainerState, Pod } from '../../../core/pod.ts'
import type { ReleaseReason } from '../model/grant.ts'
import { grantFor } from '../store/lease-store.contract.ts'
import { madePod } from '../testing/made-pods.ts'
import { projectPodStatus } from './pod-projection.ts'
import { startEndOf } from './start-end.ts'

const grant = { ...grantFor('a'), resource: 'start' as const, containers: ['app', 'side'], slots: 2 }

function podWith(lastState: ContainerState, status: Pod['status'] = {}): Pod {
  const shown = { name: 'app', ready: false, restartCount: 1, lastState } as const
  return { ...madePod('a'), status: { containerStatuses: [shown as never], ...status } }
}

const ended = (exitCode: number, reason = 'Error') => podWith({ terminated: { exitCode, reason } as never })

const evicted = (message: string) => podWith({}, { reason: 'Evicted', message })

const cases: Record<string, [reason: ReleaseReason, pod: Pod | undefined, want: object]> = {
  'past starting: all of its slots': ['Ready', madePod('a'), { finished: 2 }],
  'killed by the kubelet, as for its liveness probe': ['Failed', ended(137), { killed: 1 }],
  'ended by SIGTERM, and now backs off': ['BackOff', ended(143), { killed: 1 }],
  'out of memory': ['Failed', ended(137, 'OOMKilled'), { oomKilled: 1 }],
  'crashed by itself: no matter of the node': ['Failed', ended(1), {}],
  'evicted as the node was short of something, however it ended': [
    'PodFinished',
    evicted('The node was low on resource: memory. Threshold quantity: 100Mi, available: 9Mi. '),
    { evicted: 1 },
  ],
  'evicted for the size limit of its own volume': [
    'PodFinished',
    evicted('Usage of EmptyDir volume "cache" exceeds the limit "1Gi". '),
    {},
  ],
  'evicted for its own limit of disk': [
    'Failed',
    evicted('Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. '),
    {},
  ],
  "evicted for a container's own limit of disk": [
    'Failed',
    evicted('Container app exceeded its local ephemeral storage limit "1Gi". '),
    {},
  ],
  'deleted by somebody': [
    'Failed',
    { ...ended(137), metadata: { ...madePod('a').metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
    {},
  ],
  'of a pod that is gone': ['Failed', undefined, {}],
  'timed out: told before, one by one': ['TimedOut', ended(137), {}],
}

test.each(Object.entries(cases))('%s', (_, [reason, pod, want]) => {
  expect(startEndOf({ grant, reason }, pod)).toEqual(want)
  const kept = pod && { ...pod, status: projectPodStatus(pod.status ?? {}, pod.spec) }
  expect(startEndOf({ grant, reason }, kept)).toEqual(want)
  expect(startEndOf({ grant: { ...grant, resource: 'pull' }, reason }, pod)).toEqual({})
})
