import { annotationKey } from '../core/annotations.ts'
import { InvalidValueError } from '../core/errors.ts'
import { NOTIFY_MOUNT_PATH, NOTIFY_SOCKET_ENV } from '../core/names.ts'
import type { Container } from '../core/pod.ts'
import { agentViewProblem } from './agent-view.ts'
import type { Declared, Moved } from './sequence-plan.ts'

const DEPENDS_ON = annotationKey('dependsOn')
const READINESS = annotationKey('readiness')
const HELPERS = annotationKey('helpers')

/** Source: k8s.io/kubernetes/pkg/apis/core/validation, validateInitContainers; resizePolicy is refused by some versions only. */
const NOT_IN_INIT = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe', 'resizePolicy'] as const

type Problem = InvalidValueError | undefined

/** Why the declared order or readiness cannot be had in this pod: one sentence each, empty when it can. */
export function sequenceProblems(given: Declared): string[] {
  const problems: Problem[] = [
    ...given.helpers.map(name => helperProblem(name, given)),
    ...given.moved.flatMap(moved => movedProblems(moved, given)),
    ...given.pod.spec.containers.flatMap(container => readinessProblems(container, given)),
  ]
  return problems.flatMap(problem => (problem ? [problem.message] : []))
}

function helperProblem(name: string, { pod }: Declared): Problem {
  const names = pod.spec.containers.map(c => c.name)
  if (names.includes(name)) return undefined
  return new InvalidValueError(HELPERS, name, `is no container of this pod: use one of ${names.join(', ')}`)
}

/** What stands in the way of moving a container. */
function movedProblems(moved: Moved, given: Declared): Problem[] {
  const { container, as } = moved
  const edge = edgeTo(container.name, given)
  const fault = (remedy: string) => new InvalidValueError(DEPENDS_ON, edge, remedy)
  const fields: Record<string, unknown> = { ...container }
  const own = ['restartPolicy', 'restartPolicyRules'].find(field => isGiven(fields[field]))
  return [
    as === 'init' ? completedProblem(container, fault) : helperNeeded(container, given, fault),
    own === undefined
      ? undefined
      : fault(
          `cannot be kept: ${container.name} has a ${own} of its own, and a container that others wait for gets another one`,
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
  return fault(`cannot be kept while ${container.name} has ${carried.join(', ')}: ${why}; take it out`)
}

/** A native sidecar is restarted for ever and cannot fail a pod, so a Job would complete whatever became of it. */
function helperNeeded(container: Container, { pod, helpers }: Declared, fault: Fault): Problem {
  const { restartPolicy } = pod.spec
  if ((restartPolicy !== 'Never' && restartPolicy !== 'OnFailure') || helpers.includes(container.name)) return undefined
  const { name } = container
  return fault(
    `cannot be kept under restartPolicy ${restartPolicy}, where ${name} would no longer be able to fail the pod: ` +
      `if it need not, write ${HELPERS}: ${name}; if it ends by itself, wait for completed`,
  )
}

function readinessProblems(container: Container, given: Declared): Problem[] {
  const { name } = container
  const readiness = given.readiness.get(name)
  const declared = given.declared.get(name)
  if (!readiness) return []
  const fault = (remedy: string) => new InvalidValueError(READINESS, `${name}: ${readiness.type}`, remedy)
  const waiters = [...given.dependencies].filter(([, list]) =>
    list.some(d => d.container === name && d.condition === 'completed'),
  )
  if (declared && declared.type !== 'completed' && waiters.length > 0) {
    return [fault(`never completes, but ${waiters[0]?.[0]} waits for that: write ready there, or completed here`)]
  }
  if (readiness.type === 'completed') return [endlessProblem(container, given, fault)]
  return [
    readiness.type === 'notify' ? notifyProblem(container, fault) : undefined,
    agentViewProblem(container, readiness, given.pod, fault),
  ]
}

function endlessProblem({ name }: Container, { pod, moved }: Declared, fault: Fault): Problem {
  const { restartPolicy } = pod.spec
  const isMoved = moved.some(m => m.container.name === name)
  if (isMoved || restartPolicy === 'Never' || restartPolicy === 'OnFailure') return undefined
  return fault(
    'never completes: nothing depends on it, so it is restarted each time it ends; let something wait for it',
  )
}

function notifyProblem(container: Container, fault: Fault): Problem {
  if ((container.env ?? []).some(({ name }) => name === NOTIFY_SOCKET_ENV)) {
    return fault(
      `cannot be: the container sets ${NOTIFY_SOCKET_ENV} itself, and startgate would not hear it; take one of the two out`,
    )
  }
  const inTheWay = (container.volumeMounts ?? []).find(
    ({ mountPath, readOnly }) =>
      isSamePath(mountPath, NOTIFY_MOUNT_PATH) || (readOnly === true && isSamePath(mountPath, '/run')),
  )
  if (!inTheWay) return undefined
  return fault(
    `cannot be: the container's volume ${inTheWay.name} is where the notify socket must be, ${NOTIFY_MOUNT_PATH}; mount it elsewhere`,
  )
}

function edgeTo(name: string, { dependencies }: Declared): string {
  const edges = [...dependencies].map(([from, list]) => [from, list.find(d => d.container === name)] as const)
  const [from, to] = edges.find(([, dependency]) => dependency) ?? ['']
  return `${from}: {${name}: ${to?.condition}}`
}

/** Go writes what is empty as absent, and null means the same. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)
}

function isSamePath(a: unknown, b: string): boolean {
  return typeof a === 'string' && a.replace(/\/+$/, '') === b
}
