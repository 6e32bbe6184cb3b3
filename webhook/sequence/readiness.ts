import { annotationKey } from '../../core/annotations.ts'
import { cut, cutNames, InvalidValueError, instead, notValid } from '../../core/errors.ts'
import type { Container, Pod } from '../../core/pod.ts'
import { asReadiness, READINESS_TYPES, type Readiness } from '../../core/readiness.ts'
import { byName } from '../pod/by-name.ts'
import { collectingInto, parseYamlMap, shownYaml, type Yaml } from './annotation-yaml.ts'

const FIELD = annotationKey('readiness')
const EXAMPLES = ['"db: notify"', '"db: {type: forking, pidFile: /run/db.pid}"']

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
    const map = parseYamlMap(FIELD, text, EXAMPLES)
    if (map.size > MOST_NAMES)
      throw new InvalidValueError(FIELD, text, instead(`has ${map.size} containers`, `at most ${MOST_NAMES}`))
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
        ? 'is about an init container, which Kubernetes itself waits for; remove it'
        : instead('is about no container of this pod', `one of ${cutNames([...app.keys()])}`),
    )
  }
  const fields = typeof value === 'string' ? new Map<string, Yaml>([['type', value]]) : value
  if (!(fields instanceof Map)) throw fault(notValid('readiness', ...EXAMPLES))
  const type = READINESS_TYPES.find(t => t === fields.get('type'))
  if (!type) throw fault(instead('has no valid type', ...READINESS_TYPES))
  checkParameters(type, fields, fault)
  const readiness = asReadiness(Object.fromEntries(fields))
  if (!readiness) throw fault(notValid('readiness', ...EXAMPLES))
  if (type === 'probe' && !hasProbe(container)) {
    throw fault(
      'cannot work: the container has neither a startupProbe nor a readinessProbe; use simple, or add one of these probes',
    )
  }
  return readiness
}

function checkParameters(type: string, fields: Map<string, Yaml>, fault: (remedy: string) => InvalidValueError): void {
  const known = PARAMETERS[type] ?? {}
  const missing = Object.entries(known).find(([key, isNeeded]) => isNeeded && !fields.get(key))
  if (missing) throw fault(instead(`has no ${missing[0]}`, `{type: ${type}, ${missing[0]}: …}`))
  const unknown = [...fields.keys()].find(key => key !== 'type' && !Object.hasOwn(known, key))
  if (unknown) throw fault(`has ${cut(unknown)}, which is not a field of ${type}; remove it`)
  const pidFile = fields.get('pidFile')
  if (pidFile !== undefined && !isPlainPath(pidFile)) {
    throw fault(instead('has a pidFile that is not a valid absolute path', '/run/db/db.pid (without ..)'))
  }
  const busName = fields.get('busName')
  if (busName !== undefined && !(typeof busName === 'string' && busName.length <= 255 && BUS_NAME.test(busName))) {
    throw fault(instead('has a busName that is not a valid well-known bus name', 'org.example.Db'))
  }
}

function isPlainPath(path: Yaml): boolean {
  return typeof path === 'string' && path.startsWith('/') && !path.split('/').includes('..') && !path.endsWith('/')
}

function hasProbe({ startupProbe, readinessProbe }: Container): boolean {
  return Boolean(startupProbe ?? readinessProbe)
}
