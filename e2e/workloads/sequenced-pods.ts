import { expect } from 'vitest'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { type StartOrder, startOrder } from './sequenced-work.ts'

/** One container says it started after another one was ready. */
export type Edge = [later: string, earlier: string]

export interface SeenContainer {
  name: string
  containerID?: string
  restartCount: number
  started?: boolean
  ready?: boolean
  state?: { running?: object; terminated?: { exitCode: number; message?: string }; waiting?: { reason?: string } }
}

export interface SeenPod {
  metadata: { name: string; uid: string; annotations?: Record<string, string> }
  spec: { nodeName?: string }
  status?: {
    phase?: string
    qosClass?: string
    conditions?: { type: string; status: string; reason?: string; message?: string }[]
    containerStatuses?: SeenContainer[]
    initContainerStatuses?: SeenContainer[]
  }
}

export const readPod = (namespace: TestNamespace, name: string) => namespace.get<SeenPod>(['pod', name])

/** A container's status, wherever the webhook put the container. */
export function containerIn({ status }: SeenPod, name: string): SeenContainer | undefined {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].find(s => s.name === name)
}

export function conditionIn({ status }: SeenPod, type: string) {
  return status?.conditions?.find(c => c.type === type)
}

export function isReady(namespace: TestNamespace, name: string): Promise<SeenPod> {
  const ready = async () => {
    const pod = await readPod(namespace, name)
    return conditionIn(pod, 'Ready')?.status === 'True' && pod
  }
  return waitFor(`pod ${name} is Ready`, ready, limits.herdReady)
}

/** Waits until the container runs and is not past starting yet: the middle of the pod's start. */
export function isStarting(namespace: TestNamespace, name: string, container: string): Promise<SeenPod> {
  const middle = async () => {
    const pod = await readPod(namespace, name)
    const status = containerIn(pod, container)
    return status?.state?.running && !status.ready && pod
  }
  return waitFor(`${container} of ${name} is starting`, middle, limits.podReady)
}

/** Waits until the container runs, whatever its probes say. */
export function runs(namespace: TestNamespace, name: string, container: string): Promise<SeenPod> {
  const running = async () => {
    const pod = await readPod(namespace, name)
    return containerIn(pod, container)?.state?.running && pod
  }
  return waitFor(`${container} of ${name} runs`, running, limits.podReady)
}

/** Waits until the pod is Ready with a new run of each of these containers: what was Ready before does not count. */
export function isReadyAgain(namespace: TestNamespace, before: SeenPod, containers: string[]): Promise<SeenPod> {
  const again = async () => {
    const pod = await readPod(namespace, before.metadata.name)
    const isNew = (name: string) => {
      const now = containerIn(pod, name)
      return now?.ready && now.containerID !== containerIn(before, name)?.containerID
    }
    return pod.metadata.uid === before.metadata.uid && containers.every(isNew) && pod
  }
  return waitFor(`pod ${before.metadata.name} is Ready again`, again, limits.herdReady)
}

/** When the latest run of each container said that it started and that it was ready. */
export async function orderOf(namespace: TestNamespace, name: string, containers: string[]): Promise<StartOrder> {
  const read = async (container: string) => ({ container, log: await namespace.log(name, container) })
  return startOrder(await Promise.all(containers.map(read)))
}

/** Compares what the latest runs of the containers wrote about themselves. */
export async function expectOrder(namespace: TestNamespace, name: string, edges: Edge[]): Promise<void> {
  const order = await orderOf(namespace, name, [...new Set(edges.flat())])
  for (const [later, earlier] of edges)
    expect(order.startOf(later), `${name}: ${later} after ${earlier}`).toBeGreaterThanOrEqual(order.readyOf(earlier))
}

/** Runs a shell script in a container; the agent and the gates have only a busybox at a path of their own. */
export function shellIn(
  { name: namespace, kubectl }: TestNamespace,
  [pod, container]: [string, string],
  script: string,
): Promise<string> {
  const shell = container.startsWith('startgate') ? ['/busybox', 'sh'] : ['sh']
  return kubectl.text(['exec', pod, '-n', namespace, '-c', container, '--', ...shell, '-c', script])
}
