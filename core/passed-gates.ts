import { readVerdict } from './gate-verdict.ts'
import { PULL_GATE } from './names.ts'
import type { Container, ContainerState, ContainerStatus, Pod } from './pod.ts'
import { isSequenceGate } from './sequence.ts'

type Status = NonNullable<Pod['status']>

/** Whether a container is a gate of a sequence that stays in its pod. */
export function isSidecarGate({ name, restartPolicy }: Pick<Container, 'name' | 'restartPolicy'>): boolean {
  return restartPolicy === 'Always' && isSequenceGate(name)
}

/**
 * The status with each sidecar gate that has passed in this run of the init containers shown as one that has ended with
 * 0, as the other kind of gate does: so nobody else needs to know of two kinds. What is known of its time is that it
 * was not before the run; what it said when it ended (it does when it failed open) is in its last state.
 *
 * `started` alone is not believed, as a kubelet that was started anew says it of gates that hold
 * (kubernetes#142305). A gate has passed when something that comes after it has begun in this run, or cannot be made
 * while the gate is shown as started. A gate that crashed since has passed all the same.
 */
export function withPassedGates({ spec, status }: Pick<Pod, 'spec' | 'status'>): Pod['status'] {
  const inits = spec.initContainers ?? []
  if (!status?.initContainerStatuses || !inits.some(isSidecarGate)) return status
  const run = runOf(inits, status)
  if (!run) return status
  const passed = passedIn(inits, status, run)
  if (passed.size === 0) return status
  const initContainerStatuses = status.initContainerStatuses.map(s => (passed.has(s.name) ? asEnded(s, run) : s))
  return { ...status, initContainerStatuses }
}

/** A run of the init containers, as far as its first gate has told of it. */
interface Run {
  attempt: number | undefined
  /** When that gate ended; absent in a pod without one, which has one run only as far as can be told. */
  began: string | undefined
}

function runOf(inits: readonly Container[], { initContainerStatuses = [] }: Status): Run | undefined {
  if (!inits.some(({ name }) => name === PULL_GATE)) return { attempt: undefined, began: undefined }
  const end = initContainerStatuses.find(({ name }) => name === PULL_GATE)?.state?.terminated
  if (end?.exitCode !== 0) return undefined
  return { attempt: readVerdict(end.message)?.attempt, began: end.finishedAt }
}

/** From the last container to the first: what comes after a gate is looked at before it. */
function passedIn(inits: readonly Container[], status: Status, run: Run): Set<string> {
  const passed = new Set<string>()
  const statuses = new Map(status.initContainerStatuses?.map(s => [s.name, s]))
  const apps = status.containerStatuses ?? []
  let hasBegun = apps.some(s => hasBegunIn(run, s))
  let isStuck = apps.some(isHeldUp)
  for (const container of inits.toReversed()) {
    const own = statuses.get(container.name)
    const isNext = isStuck && own?.started === true && isRunningIn(run, own)
    if (isSidecarGate(container) && (hasBegun || isNext)) passed.add(container.name)
    hasBegun ||= own !== undefined && hasBegunIn(run, own)
    isStuck = own !== undefined && isHeldUp(own)
  }
  return passed
}

function hasBegunIn(run: Run, { state, lastState }: ContainerStatus): boolean {
  // Without an ID the runtime has lost the container, and the record is made up.
  const ends = [state?.terminated, lastState?.terminated].filter(end => end?.containerID)
  return [state?.running, ...ends].some(record => record !== undefined && isOf(run, record.startedAt))
}

function isRunningIn(run: Run, { state }: ContainerStatus): boolean {
  return state?.running !== undefined && isOf(run, state.running.startedAt)
}

/** Stamps are the kubelet's, in whole seconds. */
function isOf({ began }: Run, startedAt: string | undefined): boolean {
  const [beganMs, startedMs] = [Date.parse(began ?? ''), Date.parse(startedAt ?? '')]
  return Number.isNaN(beganMs) || Number.isNaN(startedMs) || startedMs >= beganMs
}

/**
 * Reasons that do not tell that the kubelet has come to a container in this run and cannot make it. What has crashed in
 * this run has begun in it; a crash loop without that is of the run before, and shown on when the sandbox is new.
 */
const NOT_HELD_UP = new Set(['PodInitializing', 'ContainerCreating', 'CrashLoopBackOff'])

function isHeldUp({ state }: ContainerStatus): boolean {
  const reason = state?.waiting?.reason
  return reason !== undefined && !NOT_HELD_UP.has(reason)
}

function asEnded(status: ContainerStatus, { attempt, began }: Run): ContainerStatus {
  const { state, lastState, containerID } = status
  const end: NonNullable<ContainerState['terminated']> = {
    exitCode: 0,
    ...(began !== undefined && { finishedAt: began }),
    ...(containerID !== undefined && { containerID }),
    ...(attempt !== undefined && { message: JSON.stringify({ attempt }) }),
  }
  const last = state?.terminated ? { terminated: state.terminated } : lastState
  return { ...status, state: { terminated: end }, ...(last && { lastState: last }) }
}
