import { annotationKey } from '../../core/annotations.ts'
import { dependencyOrder } from '../../core/dependency-order.ts'
import { cut, cutNames, InvalidValueError, instead, notValid } from '../../core/errors.ts'
import type { Container, Pod } from '../../core/pod.ts'
import { CONDITIONS, type Condition, type Dependency } from '../../core/sequence.ts'
import { byName } from '../pod/by-name.ts'
import { collectingInto, parseYamlMap, shownYaml, type Yaml } from './annotation-yaml.ts'

const FIELD = annotationKey('dependsOn')
const EXAMPLES = ['"web: [db, cache]"', '"web: {db: ready, migrate: completed}"']

/** Containers that may have dependencies, and dependencies that each may have. */
const MOST_NAMES = 64

export interface DependsOn {
  /** Of each container that has some. */
  dependencies: Map<string, Dependency[]>
  problems: string[]
}

/**
 * Reads `depends-on` for the containers of `pod` (without any of ours). The short form means `ready`. What Kubernetes'
 * own order keeps anyway, the end of an init container and the start of a native sidecar, is left out.
 */
export function parseDependsOn(text: string, { spec }: Pod): DependsOn {
  const dependencies = new Map<string, Dependency[]>()
  const problems: string[] = []
  const attempt = collectingInto(problems)
  const containers: Containers = { app: byName(spec.containers), init: byName(spec.initContainers) }
  let map = new Map<string, Yaml>()
  attempt(() => {
    map = parseYamlMap(FIELD, text, EXAMPLES)
    if (map.size > MOST_NAMES) throw fault(text, instead(`has ${map.size} containers`, `at most ${MOST_NAMES}`))
  })
  for (const [container, value] of problems.length === 0 ? map : []) {
    attempt(() => checkDependent(container, containers))
    for (const [name, condition] of pairs(container, value, attempt)) {
      attempt(() => {
        const dependency = dependencyOf({ container, name, condition }, containers)
        if (dependency) listOf(dependencies, container).push(dependency)
      })
    }
  }
  if (problems.length === 0) attempt(() => checkCycle(dependencies))
  return { dependencies, problems }
}

/** By name, without any of ours. */
interface Containers {
  app: ReadonlyMap<string, Container>
  init: ReadonlyMap<string, Container>
}

function listOf(dependencies: Map<string, Dependency[]>, container: string): Dependency[] {
  const list = dependencies.get(container) ?? []
  dependencies.set(container, list)
  return list
}

function fault(excerpt: string, remedy: string): InvalidValueError {
  return new InvalidValueError(FIELD, excerpt, remedy)
}

function pairs(container: string, value: Yaml, attempt: (act: () => void) => void): Map<string, string> {
  const found = new Map<string, string>()
  const excerpt = `${container}: ${shownYaml(value)}`
  attempt(() => {
    for (const [name, condition] of entriesOf(container, value, excerpt)) {
      if (found.has(name)) throw fault(excerpt, instead(`names ${cut(name)} twice`, 'it once'))
      if (found.size === MOST_NAMES) throw fault(excerpt, instead('names too many containers', `at most ${MOST_NAMES}`))
      found.set(name, condition)
    }
  })
  return found
}

/** Throws InvalidValueError when there is no name and condition in each. */
function entriesOf(container: string, value: Yaml, excerpt: string): [string, string][] {
  if (typeof value === 'string')
    throw fault(excerpt, notValid('list of containers', `"${cut(container)}: [${cut(value) || 'db'}]"`))
  const entries = Array.isArray(value) ? value.map((name): [Yaml, Yaml] => [name, 'ready']) : [...value]
  return entries.map(([name, condition]) => {
    if (typeof name === 'string' && typeof condition === 'string' && name !== '') return [name, condition]
    throw fault(excerpt, notValid('list of containers', ...EXAMPLES))
  })
}

function checkDependent(name: string, { app, init }: Containers): void {
  if (app.has(name)) return
  if (init.has(name)) {
    throw fault(
      name,
      instead('is an init container, which starts before all others', 'an ordinary container of the pod'),
    )
  }
  throw fault(name, instead('is not a container of this pod', `one of ${cutNames([...app.keys()])}`))
}

interface Edge {
  container: string
  name: string
  condition: string
}

function dependencyOf({ container, name, condition: text }: Edge, { app, init }: Containers): Dependency | undefined {
  const excerpt = `${container}: {${name}: ${text}}`
  const condition = CONDITIONS.find(c => c === text)
  if (!condition) throw fault(excerpt, instead('has no valid condition', ...CONDITIONS))
  if (container === name) throw fault(excerpt, 'makes a container wait for itself; remove it')
  if (app.has(name)) return { container: name, condition }
  const found = init.get(name)
  if (!found) throw fault(excerpt, instead('names no container of this pod', `one of ${cutNames([...app.keys()])}`))
  if (found.restartPolicy === 'Always') checkSidecar(found, condition, excerpt)
  return undefined
}

/**
 * The kubelet holds back what follows a native sidecar until that has started, which with a startupProbe means it
 * answers.
 */
function checkSidecar(sidecar: Container, condition: Condition, excerpt: string): void {
  if (condition === 'completed')
    throw fault(excerpt, instead('waits for the end of a sidecar, which never comes', 'started'))
  if (condition === 'ready' && sidecar.readinessProbe && !sidecar.startupProbe) {
    throw fault(
      excerpt,
      instead(
        'cannot be kept: the sidecar has no startupProbe',
        `started, or add a startupProbe to ${cut(sidecar.name)}`,
      ),
    )
  }
}

function checkCycle(dependencies: Map<string, Dependency[]>): void {
  const ordering = dependencyOrder([...dependencies.keys()], name =>
    (dependencies.get(name) ?? []).map(dependency => dependency.container),
  )
  if (ordering.kind === 'cycle') throw fault(ordering.path.join(' → '), 'is a cycle; remove one of these dependencies')
}
