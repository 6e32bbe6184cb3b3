import { workloadOf } from '../../../core/after.ts'
import type { Pod } from '../../../core/pod.ts'
import { hasTooManyContainers } from '../../../core/pod-size.ts'
import { isPastStarting, stampMs, statusOf } from '../pods/container-status.ts'
import { FAIL_OPEN_NEWS_MS, failOpensOf } from '../pods/fail-open-records.ts'
import { containerOf, sequenceOf, startersOf } from '../pods/pod-sequence.ts'
import { Shared, type SharedText } from '../pods/shared-text.ts'
import { imagesShownBy } from '../pods/shown-images.ts'
import { STARTED_CONDITION } from '../pods/started-condition.ts'
import { isFinished } from '../pods/ticket-from-pod.ts'
import { isShownWaiting } from '../pods/waiting-condition.ts'

/**
 * Of a container ID, which is random: enough to tell runs apart. V8 copies texts up to this length; a longer cut would
 * keep the whole.
 */
const ID_LENGTH = 12

/**
 * A pod past starting: who it is, and what others are judged by. When something of it starts anew, the watch shows the
 * whole pod again. A Pod to who stores it, with nothing in its spec but the node.
 */
export class StartedPod implements Pod {
  readonly metadata: Pod['metadata']
  readonly spec: Pod['spec']
  /** Keys of those proven to be on its node (image-key.ts). */
  readonly images: readonly string[]
  /** `deployment/web`: as `after` would name it. */
  readonly workload: string
  /** The ends of the IDs of its runs, which are all past starting. */
  readonly #runs: string

  constructor({ metadata }: Pod, kept: Pick<StartedPod, 'spec' | 'images' | 'workload'> & { containerIds: string[] }) {
    const { name = '', namespace = '', uid = '', resourceVersion = '' } = metadata
    this.metadata = { name, namespace, uid, resourceVersion }
    this.spec = kept.spec
    this.images = kept.images
    this.workload = kept.workload
    this.#runs = kept.containerIds.map(id => id.slice(-ID_LENGTH)).join('')
  }

  /** Whether nothing of the pod that anybody is judged by has changed since `before` was kept of it. */
  isAs(before: StartedPod): boolean {
    const { spec, images, workload } = before
    return spec === this.spec && images === this.images && workload === this.workload && before.#runs === this.#runs
  }

  /** Whether a run that is past starting has this container ID. */
  hasRun(containerId: string): boolean {
    return this.#runs.includes(containerId.slice(-ID_LENGTH))
  }
}

export interface StartedFacts {
  /** By the kubelets' stamps: only where no better is to be had, since one clock of the two may be off. */
  wallMs: number
  /** Monotonic. */
  nowMs: number
  /** At this age every start is over. */
  oldAfterMs: number
  /** What was kept of the pod before: a run that was past starting stays so. */
  before?: Pod | undefined
}

/** By container ID: when a run began or was first seen, in monotonic ms. */
type Beginnings = ReadonlyMap<string, number>

/** A run that came while the pod was watched is as old as it has been seen; of one found there the stamp has to do. */
function beginningsOf(pod: Pod, { wallMs, nowMs, before }: StartedFacts, known: Beginnings | undefined): Beginnings {
  const began = new Map<string, number>()
  for (const name of startersOf(pod)) {
    const { state, containerID } = statusOf(pod, name) ?? {}
    if (!state?.running || !containerID) continue
    const ageMs = before ? 0 : Math.max(0, wallMs - (stampMs(state.running.startedAt) ?? wallMs))
    began.set(containerID, known?.get(containerID) ?? nowMs - ageMs)
  }
  return began
}

/** Whether nothing of a pod is starting, as far as its status and the age of its runs can tell. */
function hasStarted(pod: Pod, facts: StartedFacts, began: () => Beginnings): boolean {
  if (hasTooManyContainers(pod) || !isPastStartingAll(pod, facts, began)) return false
  // The next leader has to tell of it. Looked for last: what a gate left has to be parsed.
  return !failOpensOf(pod).some(({ finishedAtMs }) => facts.wallMs - finishedAtMs <= FAIL_OPEN_NEWS_MS)
}

function isPastStartingAll(pod: Pod, facts: StartedFacts, began: () => Beginnings): boolean {
  if (isFinished(pod)) return true
  if (pod.metadata.deletionTimestamp || pod.status?.phase !== 'Running') return false
  // The next leader has to take that back.
  if (isShownWaiting(pod)) return false
  const starters = startersOf(pod)
  // Of a container whose readiness is its agent's word, only the agent and who heard it can tell.
  if (sequenceOf(pod) && !pod.status.conditions?.some(c => c.type === STARTED_CONDITION && c.status === 'True'))
    return false
  const isDone = (name: string): boolean => statusOf(pod, name)?.state?.terminated?.exitCode === 0
  const initContainers = (pod.spec.initContainers ?? []).filter(c => c.restartPolicy !== 'Always')
  if (!initContainers.every(({ name }) => isDone(name))) return false
  return starters.every(name => isPast(pod, name, facts, began))
}

function isPast(pod: Pod, name: string, { nowMs, oldAfterMs, before }: StartedFacts, began: () => Beginnings): boolean {
  const status = statusOf(pod, name)
  if (!status?.state?.running || !status.containerID) return false
  if (before instanceof StartedPod && before.hasRun(status.containerID)) return true
  if (isPastStarting(containerOf(pod, name), status)) return true
  return nowMs - (began().get(status.containerID) ?? nowMs) > oldAfterMs
}

const NONE: readonly string[] = []

/** Shrinks pods that are past starting, and shares between them what many have in common. */
export class StartedPods {
  readonly #texts: SharedText
  readonly #specs = new Shared<Pod['spec']>(nodeName => ({ nodeName, containers: [] }))
  readonly #images: Shared<readonly string[]>
  /** Of the runs of each pod that is kept whole. */
  readonly #began = new WeakMap<Pod, Beginnings>()

  constructor(texts: SharedText) {
    this.#texts = texts
    this.#images = new Shared(names => names.split(' ').map(name => texts.of(name)))
  }

  /** What is kept of a pod: the pod itself as long as something of it may be starting. */
  shrunk(pod: Pod, facts: StartedFacts): Pod {
    if (pod instanceof StartedPod) return pod
    const { before } = facts
    let known: Beginnings | undefined
    // Of most pods nobody asks: the first list of a large cluster is of such as are ready.
    const began = (): Beginnings => {
      known ??= beginningsOf(pod, facts, before && this.#began.get(before))
      return known
    }
    if (!hasStarted(pod, facts, began)) {
      this.#began.set(pod, began())
      return pod
    }
    const images = [...imagesShownBy(pod)].sort()
    return new StartedPod(pod, {
      spec: this.#specs.of(pod.spec.nodeName ?? ''),
      images: images.length > 0 ? this.#images.of(images.join(' ')) : NONE,
      workload: this.#texts.of(workloadOf(pod.metadata)),
      containerIds: isFinished(pod) ? [] : startersOf(pod).flatMap(name => statusOf(pod, name)?.containerID ?? []),
    })
  }
}
