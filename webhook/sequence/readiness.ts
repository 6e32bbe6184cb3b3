import { annotationKey } from '../../core/annotations.ts'
import { cut, cutNames, InvalidValueError } from '../../core/errors.ts'
import type { Container, Pod } from '../../core/pod.ts'
import { asReadiness, READINESS_TYPES, type Readiness } from '../../core/readiness.ts'
import { byName } from '../pod/by-name.ts'
import { collectingInto, parseYamlMap, shownYaml, type Yaml } from './annotation-yaml.ts'

const FIELD = annotationKey('readiness')
const EXAMPLE = '"db: notify" or "db: {type: forking, pidFile: /run/db.pid}"'

/** What each type must (true) and may (false) be given. */
const PARAMETERS: Record<string, Record<string, boolean>> = {
  forking: { pidFile: true },
  dbus: { busName: true, address: false },
}
/** Source: D-Bus specification, Bus names; only well-known names are waited for. */
const BUS_NAME = /^[A-Za-z_-][\w-]*(\.[A-Za-z_-][\w-]*)+$/

/** Containers of which the annotation may tell. */
const MOST_NAMES = 64

/** What the annotation says of each container it names; the others have the default. */
export interface DeclaredReadiness {
  declared: Map<string, Readiness>
  problems: string[]
}

/** Reads `readiness` for the app containers of `pod` (without any of ours). */
export function parseReadiness(text: string, { spec }: Pod): DeclaredReadiness {
  const declared = new Map<string, Readiness>()
  const problems: string[] = []
  const attempt = collectingInto(problems)
  const containers = { app: byName(spec.containers), init: byName(spec.initContainers) }
  attempt(() => {
    const map = parseYamlMap(FIELD, text, EXAMPLE)
    if (map.size > MOST_NAMES)
      throw new InvalidValueError(FIELD, text, `has ${map.size} containers: at most ${MOST_NAMES} are read`)
    for (const [name, value] of map) attempt(() => declared.set(name, readinessOf(name, value, containers)))
  })
  return { declared, problems }
}

/** What counts where nothing is declared. */
export function defaultReadiness(container: Container): Readiness {
  return hasProbe(container) ? { type: 'probe' } : { type: 'simple' }
}

interface Containers {
  app: ReadonlyMap<string, Container>
  init: ReadonlyMap<string, Container>
}

function readinessOf(name: string, value: Yaml, { app, init }: Containers): Readiness {
  const fault = (remedy: string) => new InvalidValueError(FIELD, `${name}: ${shownYaml(value)}`, remedy)
  const container = app.get(name)
  if (!container) {
    throw fault(
      init.has(name)
        ? 'is about an init container: Kubernetes itself orders these'
        : `is about no container of this pod: use one of ${cutNames([...app.keys()])}`,
    )
  }
  const fields = typeof value === 'string' ? new Map<string, Yaml>([['type', value]]) : value
  if (!(fields instanceof Map)) throw fault(`is no readiness: write it like ${EXAMPLE}`)
  const type = READINESS_TYPES.find(t => t === fields.get('type'))
  if (!type) throw fault(`has no known type: write one of ${READINESS_TYPES.join(', ')}`)
  checkParameters(type, fields, fault)
  const readiness = asReadiness(Object.fromEntries(fields))
  if (!readiness) throw fault(`is no readiness: write it like ${EXAMPLE}`)
  if (type === 'probe' && !hasProbe(container)) {
    throw fault(
      'cannot be: the container has neither a startupProbe nor a readinessProbe; give it one, or write simple',
    )
  }
  return readiness
}

function checkParameters(type: string, fields: Map<string, Yaml>, fault: (remedy: string) => InvalidValueError): void {
  const known = PARAMETERS[type] ?? {}
  const missing = Object.entries(known).find(([key, isNeeded]) => isNeeded && !fields.get(key))
  if (missing) throw fault(`lacks ${missing[0]}: write it like {type: ${type}, ${missing[0]}: …}`)
  const unknown = [...fields.keys()].find(key => key !== 'type' && !Object.hasOwn(known, key))
  if (unknown) throw fault(`has ${cut(unknown)}, which ${type} does not know: take it out`)
  const pidFile = fields.get('pidFile')
  if (pidFile !== undefined && !isPlainPath(pidFile)) {
    throw fault('has a pidFile that is no absolute path: write one like /run/db/db.pid, without ..')
  }
  const busName = fields.get('busName')
  if (busName !== undefined && !(typeof busName === 'string' && busName.length <= 255 && BUS_NAME.test(busName))) {
    throw fault('has a busName that is no well-known bus name: write one like org.example.Db')
  }
}

function isPlainPath(path: Yaml): boolean {
  return typeof path === 'string' && path.startsWith('/') && !path.split('/').includes('..') && !path.endsWith('/')
}

function hasProbe({ startupProbe, readinessProbe }: Container): boolean {
  return Boolean(startupProbe ?? readinessProbe)
}
