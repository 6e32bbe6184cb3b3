import { annotationKey } from '../../core/annotations.ts'
import { cut, cutNames, InvalidValueError, instead, notValid } from '../../core/errors.ts'
import { NOTIFY_MOUNT_PATH, NOTIFY_SOCKET_ENV } from '../../core/names.ts'
import type { Container } from '../../core/pod.ts'
import { byName } from '../pod/by-name.ts'
import { isSamePath } from '../pod/paths.ts'
import { agentViewProblem } from './agent-mounts.ts'
import type { Declared, Moved } from './sequence-model.ts'

const DEPENDS_ON = annotationKey('dependsOn')
const READINESS = annotationKey('readiness')
const HELPERS = annotationKey('helpers')

/**
 * Source: k8s.io/kubernetes/pkg/apis/core/validation, validateInitContainers; resizePolicy is refused by some versions
 * only.
 */
const NOT_IN_INIT = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe', 'resizePolicy'] as const

type Problem = InvalidValueError | undefined

/** Why the declared order or readiness cannot be had in this pod: one sentence each, empty when it can. */
export function sequenceProblems(given: Declared): string[] {
  const names = byName(given.pod.spec.containers)
  const edges = edgesOf(given)
  const problems: Problem[] = [
    ...given.pod.spec.containers.map(({ name }) => lengthProblem(name)),
    ...given.helpers.map(name => helperProblem(name, [...names.keys()], names.has(name))),
    ...given.moved.flatMap(moved => movedProblems(moved, given, edges)),
    ...given.pod.spec.containers.flatMap(container => readinessProblems(container, given, edges)),
  ]
  return problems.flatMap(problem => (problem ? [problem.message] : []))
}

/** What is declared of a container as a dependency of others. */
interface Edges {
  /** By what is waited for: the first that waits, as it is written. */
  first: ReadonlyMap<string, string>
  /** By what is waited for: the first that waits for it to complete. */
  completing: ReadonlyMap<string, string>
}

function edgesOf({ dependencies }: Declared): Edges {
  const [first, completing] = [new Map<string, string>(), new Map<string, string>()]
  for (const [from, list] of dependencies) {
    for (const { container, condition } of list) {
      if (!first.has(container)) first.set(container, `${from}: {${container}: ${condition}}`)
      if (condition === 'completed' && !completing.has(container)) completing.set(container, from)
    }
  }
  return { first, completing }
}

/**
 * A container's name is a DNS label (RFC 1123). All of them are in the agent's environment, which the kernel takes only
 * so long.
 */
const MOST_IN_NAME = 63

function lengthProblem(name: string): Problem {
  if (name.length <= MOST_IN_NAME) return undefined
  return new InvalidValueError(DEPENDS_ON, name, notValid('container name', `at most ${MOST_IN_NAME} characters`))
}

function helperProblem(name: string, names: readonly string[], isKnown: boolean): Problem {
  if (isKnown) return undefined
  return new InvalidValueError(HELPERS, name, instead('is not a container of this pod', `one of ${cutNames(names)}`))
}

/** What stands in the way of moving a container. */
function movedProblems(moved: Moved, given: Declared, edges: Edges): Problem[] {
  const { container, as } = moved
  const edge = edges.first.get(container.name) ?? ''
  const fault = (remedy: string) => new InvalidValueError(DEPENDS_ON, edge, remedy)
  const fields: Record<string, unknown> = { ...container }
  const own = ['restartPolicy', 'restartPolicyRules'].find(field => isGiven(fields[field]))
  return [
    as === 'init' ? completedProblem(container, fault) : helperNeeded(container, given, fault),
    own === undefined
      ? undefined
      : fault(
          `cannot be kept: ${cut(container.name)} has its own ${own}, and startgate sets it on what others wait for; remove it`,
        ),
  ]
}

type Fault = (remedy: string) => InvalidValueError

function completedProblem(container: Container, fault: Fault): Problem {
  const fields: Record<string, unknown> = { ...container }
  const carried = NOT_IN_INIT.filter(field => isGiven(fields[field]))
  if (carried.length === 0) return undefined
  const isProbed = carried.some(field => field.endsWith('Probe'))
  const why = isProbed ? 'what has a probe never completes' : 'it becomes an init container, which may not have this'
  return fault(`cannot be kept while ${cut(container.name)} has ${carried.join(', ')}: ${why}; remove it`)
}

/** A native sidecar is restarted for ever and cannot fail a pod, so a Job would complete whatever became of it. */
function helperNeeded(container: Container, { pod, helpers }: Declared, fault: Fault): Problem {
  const { restartPolicy } = pod.spec
  if ((restartPolicy !== 'Never' && restartPolicy !== 'OnFailure') || helpers.includes(container.name)) return undefined
  const name = cut(container.name)
  return fault(
    instead(
      `cannot be kept under restartPolicy ${restartPolicy}, where ${name} would no longer be able to fail the pod`,
      `the condition completed if it ends by itself, or ${HELPERS}: ${name} if it need not fail the pod`,
    ),
  )
}

function readinessProblems(container: Container, given: Declared, { completing }: Edges): Problem[] {
  const { name } = container
  const readiness = given.readiness.get(name)
  const declared = given.declared.get(name)
  if (!readiness) return []
  const fault = (remedy: string) => new InvalidValueError(READINESS, `${name}: ${readiness.type}`, remedy)
  const waiter = completing.get(name)
  if (declared && declared.type !== 'completed' && waiter !== undefined) {
    return [fault(instead(`never completes, but ${cut(waiter)} waits for that`, 'ready there', 'completed here'))]
  }
  if (readiness.type === 'completed') return [endlessProblem(container, given, fault)]
  return [
    readiness.type === 'notify' ? notifyProblem(container, fault) : undefined,
    agentViewProblem(container, readiness, given.pod, fault),
  ]
}

function endlessProblem({ name }: Container, { pod, moved }: Declared, fault: Fault): Problem {
  const { restartPolicy } = pod.spec
  if (restartPolicy === 'Never' || restartPolicy === 'OnFailure') return undefined
  if (moved.some(m => m.container.name === name)) return undefined
  return fault(
    'never completes: nothing depends on it, so it is restarted each time it ends; make a container depend on it',
  )
}

function notifyProblem(container: Container, fault: Fault): Problem {
  if ((container.env ?? []).some(({ name }) => name === NOTIFY_SOCKET_ENV)) {
    return fault(
      `cannot work: the container sets ${NOTIFY_SOCKET_ENV} itself, so startgate would not hear it; remove one of the two`,
    )
  }
  const inTheWay = (container.volumeMounts ?? []).find(
    ({ mountPath, readOnly }) =>
      isSamePath(mountPath, NOTIFY_MOUNT_PATH) || (readOnly === true && isSamePath(mountPath, '/run')),
  )
  if (!inTheWay) return undefined
  return fault(
    `cannot work: the container's volume ${cut(inTheWay.name)} is where the notify socket must be, ${NOTIFY_MOUNT_PATH}; mount it elsewhere`,
  )
}

/** Go writes what is empty as absent, and null means the same. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)
}
