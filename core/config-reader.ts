import { type AfterTarget, parseNodeDaemonSet } from './after.ts'
import { CodedError, InvalidValueError, instead, notValid } from './errors.ts'
import { isObject } from './is-object.ts'
import { AUTO, parseDurationMs, parsePatienceMs, parseRate, type Rate } from './quantity.ts'

/** The configuration cannot be used; `problems` has one entry for each fault, all found in one go. */
export class InvalidConfigError extends CodedError {
  readonly code = 'INVALID_CONFIG'
  readonly problems: InvalidValueError[]
  constructor(problems: InvalidValueError[]) {
    super(`config.json: ${problems.map(problem => problem.message).join('; ')}`)
    this.problems = problems
  }
}

const MISSING = instead('is missing', "the config.json of this version's chart, which has every field")

/**
 * Takes values by path and collects what is wrong; a faulty field reads as some value of its type, which is never used.
 */
export class ConfigReader {
  readonly problems: InvalidValueError[] = []
  readonly #root: unknown
  constructor(root: unknown) {
    this.#root = root
  }

  fault(path: string, remedy: string): void {
    const value = this.#at(path)
    const shown = value === undefined || typeof value === 'string' ? value : JSON.stringify(value)
    this.problems.push(new InvalidValueError(path, shown, remedy))
  }

  /** Whether there is anything but null. */
  isGiven(path: string): boolean {
    return (this.#at(path) ?? null) !== null
  }

  text(path: string): string {
    return this.#valid(
      path,
      '',
      notValid('string', 'one that is not empty'),
      (v): v is string => typeof v === 'string' && v !== '',
    )
  }

  /** Certificates in PEM, or null. */
  certificatesOrNull(path: string): string | null {
    return this.#valid(
      path,
      null,
      notValid('certificate', 'PEM blocks that begin with -----BEGIN CERTIFICATE-----', 'null (none)'),
      (v): v is string | null => v === null || (isText(v) && v.includes('-----BEGIN CERTIFICATE-----')),
    )
  }

  oneOf<T extends string>(path: string, choices: readonly [T, ...T[]]): T {
    return this.#valid(path, choices[0], notValid('value', ...choices), (v): v is T =>
      choices.some(choice => choice === v),
    )
  }

  /** A DNS subdomain, as Kubernetes names objects (RFC 1123). */
  name(path: string): string {
    return this.#valid(path, '', notValid('name', 'lower-case letters, digits, - and .'), isName)
  }

  names(path: string): string[] {
    return this.#valid(
      path,
      [],
      notValid('list of names', '["kube-system"]', '[]'),
      (v): v is string[] => Array.isArray(v) && v.every(isName),
    )
  }

  port(path: string): number {
    return this.#valid(
      path,
      0,
      notValid('port', 'a whole number from 1 to 65535'),
      (v): v is number => isCount(v) && v >= 1 && v <= 65_535,
    )
  }

  countOrNull(path: string): number | null {
    return this.#valid(
      path,
      null,
      notValid('whole number', '0', '4', 'null (the default)'),
      (v): v is number | null => v === null || isCount(v),
    )
  }

  countOrAutoOrNull(path: string): number | 'auto' | null {
    return this.#valid(
      path,
      null,
      notValid('limit', '0', '4', 'auto', 'null (the default)'),
      (v): v is number | 'auto' | null => v === null || v === AUTO || isCount(v),
    )
  }

  factorOrNull(path: string): number | null {
    return this.#valid(
      path,
      null,
      notValid('number', '0.5', '1', 'null (the default)'),
      (v): v is number | null => v === null || isFactor(v),
    )
  }

  percentOrNull(path: string): number | null {
    return this.#valid(
      path,
      null,
      notValid('percentage', 'a number above 0 and up to 100', 'null (no limit)'),
      (v): v is number | null => v === null || (isFactor(v) && v > 0 && v <= 100),
    )
  }

  share(path: string): number {
    return this.#valid(
      path,
      0,
      notValid('share', 'a number above 0 and up to 1'),
      (v): v is number => isFactor(v) && v > 0 && v <= 1,
    )
  }

  flag(path: string): boolean {
    return this.#valid(path, false, notValid('boolean', 'true', 'false'), (v): v is boolean => typeof v === 'boolean')
  }

  /** `node-daemonset/NAMESPACE/NAME` */
  nodeDaemonSet(path: string): AfterTarget {
    const text = this.text(path)
    const read = text === '' ? undefined : this.#tried(() => parseNodeDaemonSet(path, text))
    return read ?? { kind: 'node-daemonset', namespace: '', name: '' }
  }

  /** An object of counts by name, like `{"docker.io": 5}`. */
  counts(path: string): Record<string, number> {
    return this.#valid(
      path,
      {},
      notValid('map of whole numbers', '{"docker.io": 5}', '{}'),
      (v): v is Record<string, number> => isObject(v) && Object.values(v).every(isCount),
    )
  }

  /** An object of texts by name, like `{"disktype": "ssd"}`. */
  texts(path: string): Record<string, string> {
    return this.#valid(
      path,
      {},
      notValid('map of texts', '{"disktype": "ssd"}', '{}'),
      (v): v is Record<string, string> => isObject(v) && Object.values(v).every(isText),
    )
  }

  /** A list, each entry as `readEntry` reads it from its path; an absent one has none. */
  list<T>(path: string, readEntry: (path: string, index: number) => T): T[] {
    if (this.#at(path) === undefined) return []
    const entries = this.#valid(path, [], notValid('list', '[]'), (v): v is unknown[] => Array.isArray(v))
    return entries.map((_, index) => readEntry(`${path}.${index}`, index))
  }

  rateOrNull(path: string): Rate | null {
    return this.#parsed(path, notValid('rate', '10/s', '6/min', 'null (no limit)'), parseRate)
  }

  durationMsOrNull(path: string): number | null {
    return this.#parsed(path, notValid('duration', '90s', '2m', 'null (no limit)'), parseDurationMs)
  }

  durationMs(path: string, leastMs: number): number {
    return this.#time(path, leastMs, parseDurationMs)
  }

  /** A duration above 0, or `never`, which reads as Infinity. */
  patienceMs(path: string): number {
    return this.#time(path, 1, parsePatienceMs)
  }

  #time(path: string, leastMs: number, parse: (path: string, text: string) => number): number {
    const text = this.#valid(path, undefined, notValid('duration', '90s', '2m'), isText)
    const ms = text === undefined ? undefined : this.#tried(() => parse(path, text))
    if (ms !== undefined && ms < leastMs) this.fault(path, instead('is too short', '1s', 'longer'))
    return ms ?? 0
  }

  /** A text that `parse` reads, or null. */
  #parsed<T>(path: string, remedy: string, parse: (path: string, text: string) => T): T | null {
    const text = this.#valid(path, null, remedy, (v): v is string | null => v === null || isText(v))
    return text === null ? null : (this.#tried(() => parse(path, text)) ?? null)
  }

  #tried<T>(parse: () => T): T | undefined {
    try {
      return parse()
    } catch (error) {
      if (!(error instanceof InvalidValueError)) throw error
      this.problems.push(error)
      return undefined
    }
  }

  #at(path: string): unknown {
    return path
      .split('.')
      .reduce<unknown>(
        (at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined),
        this.#root,
      )
  }

  #valid<T, F>(path: string, fallback: F, remedy: string, isValid: (value: unknown) => value is T): T | F {
    const value = this.#at(path)
    if (isValid(value)) return value
    this.fault(path, value === undefined ? MISSING : remedy)
    return fallback
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function isFactor(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
