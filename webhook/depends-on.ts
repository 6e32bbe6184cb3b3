import { annotationKey } from '../core/annotations.ts'
import { dependencyOrder } from '../core/dependency-order.ts'
import { InvalidValueError } from '../core/errors.ts'
import type { Container, Pod } from '../core/pod.ts'
import { CONDITIONS, type Condition, type Dependency } from '../core/sequence.ts'
import { collectingInto, parseYamlMap, shownYaml, type Yaml } from './annotation-yaml.ts'

const FIELD = annotationKey('dependsOn')
const EXAMPLE = '"web: [db, cache]" or "web: {db: ready, migrate: completed}"'

export interface DependsOn {
  /** Of each container that has some. */
  dependencies: Map<string, Dependency[]>
  problems: string[]
}

/**
 * Reads `depends-on` for the containers of `pod` (without any of ours). The short form means `ready`. What Kubernetes' own
 * order keeps anyway, the end of an init container and the start of a native sidecar, is left out.
 */
export function parseDependsOn(text: string, pod: Pod): DependsOn {
  const dependencies = new Map<string, Dependency[]>()
  const problems: string[] = []
  const attempt = collectingInto(problems)
  let map = new Map<string, Yaml>()
  attempt(() => {
    map = parseYamlMap(FIELD, text, EXAMPLE)
  })
  for (const [container, value] of map) {
    attempt(() => checkDependent(container, pod))
    for (const [name, condition] of pairs(container, value, attempt)) {
      attempt(() => {
        const dependency = dependencyOf({ container, name, condition }, pod)
        if (dependency) dependencies.set(container, [...(dependencies.get(container) ?? []), dependency])
      })
    }
  }
  if (problems.length === 0) attempt(() => checkCycle(dependencies))
  return { dependencies, problems }
}

function fault(excerpt: string, remedy: string): InvalidValueError {
  return new InvalidValueError(FIELD, excerpt, remedy)
}

function pairs(container: string, value: Yaml, attempt: (act: () => void) => void): [string, string][] {
  const found: [string, string][] = []
  const excerpt = `${container}: ${shownYaml(value)}`
  attempt(() => {
    if (typeof value === 'string') throw fault(excerpt, `is no list: write "${container}: [${value || 'db'}]"`)
    for (const [name, condition] of Array.isArray(value) ? value.map(v => [v, 'ready'] as const) : value) {
      if (typeof name !== 'string' || typeof condition !== 'string' || name === '') {
        throw fault(excerpt, `is no list of containers with a condition each: write it like ${EXAMPLE}`)
      }
      if (found.some(([other]) => other === name)) throw fault(excerpt, `names ${name} twice: once is enough`)
      found.push([name, condition])
    }
  })
  return found
}

function checkDependent(name: string, { spec }: Pod): void {
  if (spec.containers.some(c => c.name === name)) return
  if ((spec.initContainers ?? []).some(c => c.name === name)) {
    throw fault(name, 'is an init container, which starts before all others: make it an ordinary container of the pod')
  }
  throw fault(name, `is no container of this pod: use one of ${namesOf(spec.containers)}`)
}

interface Edge {
  container: string
  name: string
  condition: string
}

function dependencyOf({ container, name, condition: text }: Edge, { spec }: Pod): Dependency | undefined {
  const excerpt = `${container}: {${name}: ${text}}`
  const condition = CONDITIONS.find(c => c === text)
  if (!condition) throw fault(excerpt, `has no known condition: write one of ${CONDITIONS.join(', ')}`)
  if (container === name) throw fault(excerpt, 'makes a container wait for itself: take it out')
  if (spec.containers.some(c => c.name === name)) return { container: name, condition }
  const init = (spec.initContainers ?? []).find(c => c.name === name)
  if (!init) throw fault(excerpt, `names no container of this pod: use one of ${namesOf(spec.containers)}`)
  if (init.restartPolicy === 'Always') checkSidecar(init, condition, excerpt)
  return undefined
}

/** The kubelet holds back what follows a native sidecar until that has started, which with a startupProbe means it answers. */
function checkSidecar(sidecar: Container, condition: Condition, excerpt: string): void {
  if (condition === 'completed')
    throw fault(excerpt, 'waits for the end of a sidecar, which never comes: write started')
  if (condition === 'ready' && sidecar.readinessProbe && !sidecar.startupProbe) {
    throw fault(excerpt, `cannot be kept: give the sidecar ${sidecar.name} a startupProbe, or write started`)
  }
}

function checkCycle(dependencies: Map<string, Dependency[]>): void {
  const ordering = dependencyOrder([...dependencies.keys()], name =>
    (dependencies.get(name) ?? []).map(dependency => dependency.container),
  )
  if (ordering.kind === 'cycle')
    throw fault(ordering.path.join(' → '), 'is a cycle: take one of these dependencies out')
}

function namesOf(containers: readonly Container[]): string {
  return containers.map(c => c.name).join(', ')
}
