import { APP_IMAGE } from '../cluster/app-image.ts'
import type { Manifest } from '../harness/kubectl.ts'
import { podTemplate } from '../harness/pod-templates.ts'

export interface SequencedWork {
  /** How its containers tell that they are ready: by a startup probe, unless told otherwise. */
  probe?: 'startup' | 'file'
  /** YAML of `startgate.dev/depends-on`. */
  dependsOn?: string
  /** YAML of `startgate.dev/readiness`. */
  readiness?: string
  /** Of the pod, named without the `startgate.dev/`. */
  settings?: Record<string, string>
  /** Fields of single containers, put over the usual ones. */
  containers?: Record<string, object>
  /** Fields of the pod's spec, put over the usual ones. */
  spec?: Record<string, unknown>
}

/** A pod of containers that each take 1 s to start behind a startup probe, and write when. */
export function sequencedPod(name: string, containers: string[], work: SequencedWork): Manifest {
  const settings = Object.entries(work.settings ?? {}).map(([key, value]) => [`startgate.dev/${key}`, value])
  const annotations = {
    ...(work.dependsOn ? { 'startgate.dev/depends-on': work.dependsOn } : {}),
    ...(work.readiness ? { 'startgate.dev/readiness': work.readiness } : {}),
    ...Object.fromEntries(settings),
  }
  const one = podTemplate(name, { image: APP_IMAGE, startSeconds: 1, probe: work.probe ?? 'startup' }).spec as {
    containers: object[]
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name }, annotations },
    spec: {
      terminationGracePeriodSeconds: 5,
      volumes: containers.map(container => ({ name: `state-${container}`, emptyDir: {} })),
      containers: containers.map(container => ({
        ...one.containers[0],
        name: container,
        volumeMounts: [{ name: `state-${container}`, mountPath: '/state' }],
        ...work.containers?.[container],
      })),
      ...work.spec,
    },
  }
}

/** Fields of a container of `sequencedPod` that takes so long to start. */
export function startsIn(seconds: number): object {
  return {
    env: [{ name: 'START_SECONDS', value: String(seconds) }],
  }
}

export interface StartOrder {
  /** By the container's own word, in ms of the kernel's boot clock. Throws when it said nothing. */
  startOf(container: string): number
  readyOf(container: string): number
}

/** Reads what containers wrote about themselves: the first `start` and the first `ready` of each. */
export function startOrder(logs: { container: string; log: string }[]): StartOrder {
  const stamp = (container: string, word: string): number => {
    const log = logs.find(entry => entry.container === container)?.log ?? ''
    const ms = new RegExp(`^${word} (\\d+)$`, 'm').exec(log)?.[1]
    if (ms === undefined) throw new Error(`container ${container} wrote no ${word} line: ${log.slice(0, 200)}`)
    return Number(ms)
  }
  return { startOf: container => stamp(container, 'start'), readyOf: container => stamp(container, 'ready') }
}
