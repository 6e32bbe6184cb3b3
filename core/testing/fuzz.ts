/**
 * For fuzz tests: numbers by a seed, values that nobody would send by mistake, and what an input costs. Far faster than
 * fast-check, which would need most of the minute that a hundred thousand inputs may take; nothing is shrunk, the input
 * is printed instead.
 */

/** Numbers that only depend on the seed (mulberry32). */
export class Dice {
  #state: number
  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number from 0 up to but not with `below`. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }

  of<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0]
  }

  /** `words` after one another, up to `most` of them. */
  text(words: readonly [string, ...string[]], most: number): string {
    return Array.from({ length: this.below(most + 1) }, () => this.of(words)).join('')
  }
}

/** Values as JSON can carry them, each wrong in most places. */
const ODD_VALUES: readonly [string, ...string[]] = [
  'null', '0', '-1', '1e308', '9007199254740993', 'true', '""', '"a"', '[]', '{}', '[null]', '[[]]', '[{}]', '{"name":"a"}',
  '[{"name":"a"},{"name":"a"}]', '{"__proto__":{"name":"a"}}', '{"constructor":{"prototype":1}}', '"__proto__"', '"constructor"',
  '"\\u0000"', '"\\ud800"', '"../.."', '"startgate"', '"startgate-start"', '"a/b~1c~0d"', '{"toString":null}', '"64Mi"',
] // biome-ignore format: a list

const ODD_KEYS: readonly [string, ...string[]] = [
  '__proto__', 'constructor', 'toString', 'name', 'length', '0', '-', '', '~1', 'a/b',
] // biome-ignore format: a list

type Tree = Record<string, unknown>

/** Changes one place somewhere in a JSON value: takes it out, makes it odd, doubles it, or puts something beside it. */
export function spoil(value: Tree | unknown[], dice: Dice): void {
  let at: Tree = value as Tree
  while (true) {
    const keys = Object.keys(at)
    const key = keys[dice.below(keys.length)]
    const child = key === undefined ? undefined : at[key]
    const isLeaf = typeof child !== 'object' || child === null || Object.keys(child).length === 0
    if (key === undefined || isLeaf || dice.below(4) === 0) {
      change(at, key, dice)
      return
    }
    at = child as Tree
  }
}

function change(at: Tree, key: string | undefined, dice: Dice): void {
  const odd: unknown = JSON.parse(dice.of(ODD_VALUES))
  const what = dice.below(4)
  if (key === undefined || what === 0) define(at, Array.isArray(at) ? String(at.length) : dice.of(ODD_KEYS), odd)
  else if (what === 1 && Array.isArray(at)) at.push(at[Number(key)])
  else if (what === 2 && Array.isArray(at)) at.splice(Number(key), 1)
  else if (what === 2) delete at[key]
  else define(at, key, odd)
}

/** As JSON.parse does: also `__proto__` is a key like any other. */
function define(at: Tree, key: string, value: unknown): void {
  Object.defineProperty(at, key, { value, enumerable: true, configurable: true, writable: true })
}

/** How many inputs are tried in all; `STARTGATE_FUZZ_RUNS` for more. */
export function fuzzRuns(env: NodeJS.ProcessEnv): number {
  return Number(env.STARTGATE_FUZZ_RUNS ?? 100_000)
}

/**
 * No input may keep an event loop from everybody else for longer. The one time that a test asserts, since to block is
 * the fault.
 */
export const MOST_MS = 500

/** What inputs cost, and the costliest of them. */
export class Costs {
  #slowest: { name: string; ms: number }[] = []

  /**
   * Runs it and notes the time for which this thread computed: what else goes on in the machine is not the input's.
   * What took too long is run twice more and the shortest time counts, since a compiler or a garbage collection may
   * have come between.
   */
  async of<T>(name: string, act: () => T | Promise<T>): Promise<T> {
    let { result, ms } = await timed(act)
    for (let again = 0; again < 2 && ms > MOST_MS; again++) {
      const next = await timed(act)
      result = next.result
      ms = Math.min(ms, next.ms)
    }
    this.#note(name, ms)
    return result
  }

  /** The same for what neither waits nor is repeated: the many small ones. */
  quick<T>(name: () => string, act: () => T): T {
    const before = process.threadCpuUsage()
    const result = act()
    const ms = cpuMs(before)
    if (ms > (this.#slowest.at(-1)?.ms ?? 0) || this.#slowest.length < KEPT) this.#note(name(), ms)
    return result
  }

  slowest(): readonly { name: string; ms: number }[] {
    return this.#slowest
  }

  #note(name: string, ms: number): void {
    this.#slowest = [...this.#slowest, { name, ms: Math.round(ms) }].sort((a, b) => b.ms - a.ms).slice(0, KEPT)
  }
}

const KEPT = 10

async function timed<T>(act: () => T | Promise<T>): Promise<{ result: T; ms: number }> {
  const before = process.threadCpuUsage()
  const result = await act()
  return { result, ms: cpuMs(before) }
}

function cpuMs(before: { user: number; system: number }): number {
  const { user, system } = process.threadCpuUsage()
  return (user - before.user + system - before.system) / 1000
}
