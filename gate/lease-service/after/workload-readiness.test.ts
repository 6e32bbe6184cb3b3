import { expect, test } from 'vitest'
import type { AfterTarget } from '../../../core/after.ts'
import { afterObstacle, type Workload, type WorkloadObservation } from './workload-readiness.ts'

/** One that is wanted on two nodes, has its pods on these, and whether each is Ready. */
const onNodes = (nodes: Record<string, boolean>, status: Workload['status'] = {}): Workload => ({
  metadata: { generation: 1 },
  status: { observedGeneration: 1, desiredNumberScheduled: 2, ...status },
  readyOnNodes: new Map(Object.entries(nodes)),
})
const agent: AfterTarget = { kind: 'node-daemonset', namespace: 'net', name: 'x' }

const at = (kind: AfterTarget['kind']): AfterTarget => ({ kind, name: 'x' })
const is = (type: string) => ({ conditions: [{ type, status: 'True' }] })
const workload = (fields: Partial<Workload>): Workload => ({ metadata: {}, ...fields })
const endpoint = (pod: string | undefined, ready?: boolean) => ({
  ...(ready !== undefined && { conditions: { ready } }),
  ...(pod !== undefined && { targetRef: { kind: 'Pod', name: pod } }),
})

const cases: Record<
  string,
  { target: AfterTarget; observed: WorkloadObservation; isRerun?: boolean; want: string | undefined }
> = {
  'an Available Deployment is ready, in a rollout too': {
    target: at('deployment'),
    observed: workload({ spec: { replicas: 3 }, status: { ...is('Available'), availableReplicas: 2 } }),
    want: undefined,
  },
  'a Deployment of zero replicas is Available and waits': {
    target: at('deployment'),
    observed: workload({ spec: { replicas: 0 }, status: is('Available') }),
    want: 'deployment/x has zero replicas',
  },
  'a Deployment that may lack all its pods is Available without any': {
    target: at('deployment'),
    observed: workload({ spec: { replicas: 1 }, status: is('Available') }),
    want: 'deployment/x has 0 of 1 replicas available',
  },
  'a Deployment with some pods that is not Available waits': {
    target: at('deployment'),
    observed: workload({ spec: { replicas: 1 }, status: { availableReplicas: 1 } }),
    want: 'deployment/x is not Available',
  },
  'a status that speaks of an older spec says nothing': {
    target: at('deployment'),
    observed: workload({
      metadata: { generation: 2 },
      spec: { replicas: 3 },
      status: { ...is('Available'), observedGeneration: 1, availableReplicas: 3 },
    }),
    want: 'deployment/x has a new spec that its controller has not seen yet',
  },
  'a StatefulSet is ready with all its replicas': {
    target: at('statefulset'),
    observed: workload({ spec: { replicas: 2 }, status: { availableReplicas: 2 } }),
    want: undefined,
  },
  'a StatefulSet in a rollout waits': {
    target: at('statefulset'),
    observed: workload({ spec: { replicas: 2 }, status: { availableReplicas: 1 } }),
    want: 'statefulset/x has 1 of 2 replicas available',
  },
  'a DaemonSet is ready on all its nodes': {
    target: at('daemonset'),
    observed: workload({ status: { desiredNumberScheduled: 2, numberAvailable: 2 } }),
    want: undefined,
  },
  'a DaemonSet without a node waits': {
    target: at('daemonset'),
    observed: workload({ status: {} }),
    want: 'daemonset/x has zero replicas',
  },
  'a ready pod': { target: at('pod'), observed: workload({ status: is('Ready') }), want: undefined },
  'a pod that is going away is not ready': {
    target: at('pod'),
    observed: workload({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' }, status: is('Ready') }),
    want: 'pod/x is being deleted',
  },
  'a complete Job': { target: at('job'), observed: workload({ status: is('Complete') }), want: undefined },
  'a running Job waits': { target: at('job'), observed: workload({}), want: 'job/x:completed is not complete' },
  'a failed Job': {
    target: at('job'),
    observed: workload({ status: is('Failed') }),
    want: 'job/x:completed has failed',
  },
  'a suspended Job': {
    target: at('job'),
    observed: workload({ spec: { suspend: true } }),
    want: 'job/x:completed is suspended',
  },
  'a Service with a ready endpoint': {
    target: at('service'),
    observed: workload({ endpoints: [endpoint('other', false), endpoint('other-2', true)] }),
    want: undefined,
  },
  'an endpoint that does not say is ready': {
    target: at('service'),
    observed: workload({ endpoints: [endpoint(undefined)] }),
    want: undefined,
  },
  'a Service without ready endpoints': {
    target: at('service'),
    observed: workload({ endpoints: [endpoint('other', false)] }),
    want: 'service/x has no ready endpoints',
  },
  "the waiting workload's own endpoints do not count": {
    target: at('service'),
    observed: workload({ endpoints: [endpoint('own-1', true)] }),
    want: "service/x has no ready endpoints but this workload's own",
  },
  'a DaemonSet whose pod on this node is ready, whatever others are': {
    target: agent,
    observed: onNodes({ n: true, other: false }),
    want: undefined,
  },
  'a DaemonSet whose pod on this node is not ready': {
    target: agent,
    observed: onNodes({ n: false, other: true }),
    want: 'node-daemonset/net/x is not ready on node n',
  },
  'a DaemonSet that has yet to make its pod on this node': {
    target: agent,
    observed: onNodes({ other: true }),
    want: 'node-daemonset/net/x has no pod on node n yet',
  },
  'a DaemonSet that leaves this node out': { target: agent, observed: onNodes({ a: true, b: false }), want: undefined },
  'a DaemonSet that leaves every node out': {
    target: agent,
    observed: onNodes({}, { desiredNumberScheduled: 0 }),
    want: undefined,
  },
  'a pod on a node that the DaemonSet leaves out counts for none': {
    target: agent,
    observed: onNodes({ a: true, b: true }, { numberMisscheduled: 1 }),
    want: 'node-daemonset/net/x has no pod on node n yet',
  },
  'a DaemonSet that its controller has not seen yet': {
    target: agent,
    observed: onNodes({}, { observedGeneration: 0, desiredNumberScheduled: 0 }),
    want: 'node-daemonset/net/x has a new spec that its controller has not seen yet',
  },
  'a DaemonSet on the node that does not exist': {
    target: agent,
    observed: 'Absent',
    want: 'node-daemonset/net/x does not exist',
  },
  'a DaemonSet too many': {
    target: agent,
    observed: 'Unwatched',
    isRerun: true,
    want: 'node-daemonset/net/x is not watched, as 8 others are',
  },
  'what does not exist': { target: at('deployment'), observed: 'Absent', want: 'deployment/x does not exist' },
  'what is gone on a re-run passes': { target: at('job'), observed: 'Absent', isRerun: true, want: undefined },
  'what is not ready on a re-run waits': {
    target: at('pod'),
    observed: workload({}),
    isRerun: true,
    want: 'pod/x is not ready',
  },
  'what cannot be read': { target: at('pod'), observed: 'Unknown', isRerun: true, want: 'pod/x cannot be read yet' },
}
test.each(Object.entries(cases))('%s', (_, { target, observed, isRerun = false, want }) => {
  const pod = { hasRunBefore: isRerun, nodeName: 'n', isSibling: (name: string) => name.startsWith('own') }
  expect(afterObstacle(target, observed, pod)).toBe(want)
})
