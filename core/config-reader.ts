import { CodedError, InvalidValueError } from './errors.ts'
import { parseDurationMs, parsePatienceMs, parseRate, type Rate } from './quantity.ts'

/** The configuration cannot be used; `problems` has one entry for each fault, all found in one go. */
export class InvalidConfigError extends CodedError {
  readonly code = 'INVALID_CONFIG'
  readonly problems: InvalidValueError[]
  constructor(problems: InvalidValueError[]) {
    super(`config.json: ${problems.map(problem => problem.message).join('; ')}`)
    this.problems = problems
  }
}

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
    this.problems.push(
      new InvalidValueError(
        path,
        value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value),
        remedy,
      ),
    )
  }

  text(path: string): string {
    return this.#valid(
      path,
      '',
      'is no text: write a string that is not empty',
      (v): v is string => typeof v === 'string' && v !== '',
    )
  }

  /** Certificates in PEM, or null. */
  certificatesOrNull(path: string): string | null {
    return this.#valid(
      path,
      null,
      'is no certificate: write PEM blocks that begin with -----BEGIN CERTIFICATE-----, or null for none',
      (v): v is string | null => v === null || (isText(v) && v.includes('-----BEGIN CERTIFICATE-----')),
    )
  }

  oneOf<T extends string>(path: string, choices: readonly [T, ...T[]]): T {
    return this.#valid(path, choices[0], `is not known: write one of ${choices.join(', ')}`, (v): v is T =>
      choices.some(choice => choice === v),
    )
  }

  /** A DNS subdomain, as Kubernetes names objects (RFC 1123). */
  name(path: string): string {
    return this.#valid(path, '', 'is no name: write lower case letters, digits, - and .', isName)
  }

  names(path: string): string[] {
    return this.#valid(
      path,
      [],
      'is no list of names: write a list like ["kube-system"]',
      (v): v is string[] => Array.isArray(v) && v.every(isName),
    )
  }

  port(path: string): number {
    return this.#valid(
      path,
      0,
      'is no port: write a whole number from 1 to 65535',
      (v): v is number => isCount(v) && v >= 1 && v <= 65_535,
    )
  }

  countOrNull(path: string): number | null {
    return this.#valid(
      path,
      null,
      'is no whole number of at least 0: write one like 4, or null for the default',
      (v): v is number | null => v === null || isCount(v),
    )
  }

  factorOrNull(path: string): number | null {
    return this.#valid(
      path,
      null,
      'is no number of at least 0: write one like 0.5, or null for the default',
      (v): v is number | null => v === null || isFactor(v),
    )
  }

  percentOrNull(path: string): number | null {
    return this.#valid(
      path,
      null,
      'is no percentage: write a number above 0 and up to 100, or null for none',
      (v): v is number | null => v === null || (isFactor(v) && v > 0 && v <= 100),
    )
  }

  share(path: string): number {
    return this.#valid(
      path,
      0,
      'is no share: write a number above 0 and up to 1',
      (v): v is number => isFactor(v) && v > 0 && v <= 1,
    )
  }

  flag(path: string): boolean {
    return this.#valid(path, false, 'is no flag: write true or false', (v): v is boolean => typeof v === 'boolean')
  }

  /** An object of counts by name, like `{"docker.io": 5}`. */
  counts(path: string): Record<string, number> {
    return this.#valid(
      path,
      {},
      'is no map of whole numbers: write one like {"docker.io": 5}',
      (v): v is Record<string, number> =>
        typeof v === 'object' && v !== null && !Array.isArray(v) && Object.values(v).every(isCount),
    )
  }

  rateOrNull(path: string): Rate | null {
    return this.#parsed(path, 'is no rate: write it like 10/s or 6/min, or null for none', parseRate)
  }

  durationMsOrNull(path: string): number | null {
    return this.#parsed(path, 'is no duration: write it like 90s or 2m, or null for none', parseDurationMs)
  }

  durationMs(path: string, leastMs: number): number {
    return this.#time(path, leastMs, parseDurationMs)
  }

  /** A duration above 0, or `never`, which reads as Infinity. */
  patienceMs(path: string): number {
    return this.#time(path, 1, parsePatienceMs)
  }

  #time(path: string, leastMs: number, parse: (path: string, text: string) => number): number {
    const text = this.#valid(path, undefined, 'is no duration: write it like 90s, 2m or 1m30s', isText)
    const ms = text === undefined ? undefined : this.#tried(() => parse(path, text))
    if (ms !== undefined && ms < leastMs) this.fault(path, 'is too short: write a duration above 0s')
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
    this.fault(path, value === undefined ? 'is missing: the chart writes every field' : remedy)
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
