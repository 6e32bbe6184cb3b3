import { figuresOf } from '../lease-service/http/figures-frame.ts'
import type { SimContext } from './context.ts'
import type { SimLeaders } from './leaders.ts'
import type { Random } from './timeline.ts'
import type { LimitTruth } from './truth.ts'

/** What a node's waiter says of it, if it says anything. */
const MOODS = ['idle', 'idle', 'idle', 'idle', 'busy', 'crowded', 'disk', 'memory', 'nonsense', 'silent'] as const
type Mood = (typeof MOODS)[number]

/**
 * Test support. `auto` on nodes or namespaces, in some of the worlds; not where pressure holds nodes back, whose gates
 * tell of it. Gives `random` back where this world has it.
 */
export function planAuto({ settings, nodes, namespaces }: LimitTruth, random: Random): Random | undefined {
  if (settings.node.maxPressure || !random.chance(0.4)) return undefined
  if (random.chance(0.3)) settings.node.maxStartingAutoMax = random.int(1, 6)
  const isOnNodes = random.chance(0.7)
  if (isOnNodes) settings.node.maxStarting = 'auto'
  for (const node of nodes.values()) if (isOnNodes && random.chance(0.7)) delete node.annotation
  for (const settingsOf of namespaces.values())
    if (!isOnNodes || random.chance(0.3)) settingsOf.maxStartingPerNode = 'auto'
  return random
}

/**
 * Test support. The waiters of nodes: as long as gates wait there each tells about once a second, honestly, wildly,
 * twice, late, or not at all.
 */
export class SimWaiters {
  readonly #context: SimContext
  readonly #leaders: SimLeaders
  readonly #random: Random
  readonly #moods = new Map<string, Mood>()

  constructor(context: SimContext, leaders: SimLeaders, random: Random) {
    this.#context = context
    this.#leaders = leaders
    this.#random = random
  }

  /** They tell on when all else is calm, each as at last: `auto` lets somebody start whatever is said. */
  plan(moodsUntilMs: number): void {
    const { limits, time } = this.#context
    const random = this.#random
    for (const name of limits.nodes.keys()) {
      const change = () => void this.#moods.set(name, random.pick(MOODS))
      change()
      for (let times = random.int(0, 8); times > 0; times--) time.after(random.int(1_000, moodsUntilMs), change)
      time.after(random.int(0, 1_000), () => this.#tell(name))
    }
  }

  #tell(name: string): void {
    const { limits, time } = this.#context
    const random = this.#random
    const cores = limits.nodes.get(name)?.cores ?? 1
    const told = this.#hasWaiting(name) && rawFigures(this.#moods.get(name) ?? 'idle', cores, random)
    for (let times = random.chance(0.1) ? 3 : 1; told && times > 0; times--)
      time.after(random.int(1, random.chance(0.1) ? 3_000 : 100), () => this.#reach(name, told))
    time.after(random.int(950, 1_050), () => this.#tell(name))
  }

  #hasWaiting(name: string): boolean {
    const { pods } = this.#context
    return pods.values().some(pod => pod.base.spec.nodeName === name && pod.pendingGates.length > 0)
  }

  /** What the service takes in of what was sent. */
  #reach(name: string, told: unknown): void {
    const { limits, checker, leases, situations } = this.#context
    checker.autos.stored(leases.api.leases.keys())
    const figures = figuresOf(told)
    const { leader } = this.#leaders
    if (!figures) situations.note('figures of a node made no sense')
    if (!figures || !leader?.isLeading || limits.nodes.get(name)?.isLost || leases.isDown) return
    checker.autos.told(name, 'before', situations)
    leader.takeFigures(name, figures)
    checker.autos.told(name, 'after', situations)
  }
}

function rawFigures(mood: Mood, cores: number, random: Random): unknown {
  const usual = { cores, ioWait: 0, runnable: 0, pressure: {}, stalled: {} }
  switch (mood) {
    case 'idle':
      return { ...usual, busy: random.next() / 4 }
    case 'busy':
      return { ...usual, busy: 0.9 + random.next() / 10, runnable: cores }
    case 'crowded':
      return { ...usual, busy: 1, runnable: cores * random.int(2, 50) }
    case 'disk':
      return { ...usual, busy: 0.1, ioWait: 0.8, stalled: { io: random.int(0, 100) } }
    case 'memory':
      return { ...usual, busy: 0.2, pressure: { memory: random.int(0, 100) } }
    case 'nonsense':
      return {
        ...{ cores: nonsense(random), busy: nonsense(random), ioWait: nonsense(random), runnable: nonsense(random) },
        ...{ pressure: { io: nonsense(random) }, stalled: nonsense(random) },
      }
    case 'silent':
      return undefined
  }
}

function nonsense(random: Random): unknown {
  return random.pick([0, 1, -1, 0.5, 1e300, -1e300, 1e-300, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, '1', null])
}
