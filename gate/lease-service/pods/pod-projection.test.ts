import { expect, test } from 'vitest'
import { formatSequence } from '../../../core/sequence.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import { nodeFactsOf } from './node-facts.ts'
import { projectNamespace, projectNode, projectPod } from './pod-projection.ts'
import { sequenceOf } from './pod-sequence.ts'
import { sharedText } from './shared-text.ts'

const texts = sharedText()

test('of a pod what is read stays, and nothing else', () => {
  const long = 'x'.repeat(4_096)
  const terminated = {
    exitCode: 0,
    message: '{"attempt":2}',
    containerID: 'c',
    startedAt: 's',
    finishedAt: 'f',
    reason: 'r',
  }
  const pod = projectPod(
    {
      metadata: {
        name: 'web',
        namespace: 'shop',
        uid: 'u',
        resourceVersion: '7',
        creationTimestamp: 't',
        labels: { app: long, 'startgate.dev/gated': 'true', 'pod-template-hash': 'h' },
        annotations: { 'startgate.dev/after': 'deployment/db', notes: long },
        ownerReferences: [
          { apiVersion: 'v1', kind: 'X', name: 'no', uid: 'o1' },
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-h', uid: 'o2', controller: true },
        ],
      },
      spec: {
        nodeName: 'n',
        priority: 5,
        volumes: [{ name: long }],
        initContainers: [{ name: 'startgate-start', image: 'ours', env: [{ name: 'A', value: long }], args: [long] }],
        containers: [
          {
            name: 'app',
            image: 'i',
            command: [long],
            startupProbe: { failureThreshold: 3, timeoutSeconds: 1 },
            livenessProbe: {},
          },
        ],
      },
      status: {
        phase: 'Running',
        reason: long,
        conditions: [
          { type: 'Ready', status: 'True' },
          { type: 'startgate.dev/Started', status: 'True', reason: 'AllReady' },
          { type: 'startgate.dev/Waiting', status: 'False', reason: 'NotWaiting' },
        ],
        initContainerStatuses: [
          { name: 'startgate-start', ready: true, restartCount: 0, image: long, state: { terminated } },
        ],
        containerStatuses: [
          {
            name: 'app',
            ready: false,
            started: true,
            restartCount: 1,
            imageID: long,
            containerID: 'id',
            state: { waiting: { reason: 'CrashLoopBackOff', message: long } },
            lastState: { terminated: { ...terminated, message: long } },
          },
        ],
      },
    },
    texts,
  )
  const { message: _, ...silent } = terminated
  expect(pod).toEqual({
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'u',
      resourceVersion: '7',
      creationTimestamp: 't',
      labels: { 'startgate.dev/gated': 'true', 'pod-template-hash': 'h' },
      annotations: { 'startgate.dev/after': 'deployment/db' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-h', uid: 'o2', controller: true }],
    },
    spec: {
      nodeName: 'n',
      priority: 5,
      initContainers: [{ name: 'startgate-start', image: 'ours' }],
      containers: [{ name: 'app', image: 'i', startupProbe: { failureThreshold: 3 } }],
    },
    status: {
      phase: 'Running',
      conditions: [
        { type: 'startgate.dev/Started', status: 'True', reason: 'AllReady' },
        { type: 'startgate.dev/Waiting', status: 'False', reason: 'NotWaiting' },
      ],
      initContainerStatuses: [{ name: 'startgate-start', ready: true, restartCount: 0, state: { terminated } }],
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          started: true,
          restartCount: 1,
          imageID: 'known',
          containerID: 'id',
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: silent },
        },
      ],
    },
  })
})

test('the sequence of a pod stays', () => {
  const pod = sequencedPod()
  const sequence = sequenceOf(projectPod(pod, texts))
  expect(sequence && formatSequence(sequence)).toBe(formatSequence(sequenceOf(pod) ?? { stages: [], readiness: {} }))
})

test('of a node the facts stay, its images once for all nodes', () => {
  const node = {
    metadata: { name: 'n', uid: 'u', annotations: { 'startgate.dev/max-starting-per-node': '3', x: 'y' } },
    status: {
      capacity: { cpu: '4', memory: '8Gi' },
      images: [{ names: ['web:1', 'web@sha256:1'], sizeBytes: 1 }],
      conditions: [
        { type: 'DiskPressure', status: 'False' },
        { type: 'Ready', status: 'Unknown' },
      ],
    },
  }
  expect(nodeFactsOf(projectNode(node, texts))).toEqual(nodeFactsOf(node))
  expect(JSON.stringify(projectNode(node, texts))).not.toContain('memory')
})

test('of a namespace labels and our annotations stay', () => {
  const metadata = {
    name: 'shop',
    uid: 'u',
    labels: { team: 'a' },
    annotations: { 'startgate.dev/mode': 'off', x: 'y' },
  }
  expect(projectNamespace({ metadata, status: { phase: 'Active' } })).toEqual({
    metadata: { ...metadata, annotations: { 'startgate.dev/mode': 'off' } },
    status: { phase: 'Active' },
  })
})
