import { describe, expect, test } from 'vitest'
import type { NodeFigures } from '../../../core/node-figures.ts'
import type { Node, Pod } from '../../../core/pod.ts'
import { systemTimers } from '../../../core/timers.ts'
import { NOTHING_LEARNED } from '../auto/learned.ts'
import { idleFigures } from '../auto/testing/made-samples.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import { StartedIndex } from '../started/started-index.ts'
import { madeNode, madePod } from '../testing/made-pods.ts'
import { madeService, quiet } from '../testing/made-service.ts'
import { advance } from './term.ts'
import { autoRows } from './term-autos.ts'
import type { TermEffect, TermEvent } from './term-events.ts'
import { newTerm, type TermInputs } from './term-state.ts'

const AUTO = { 'startgate.dev/max-starting-per-node': 'auto' }

interface Parts {
  node?: TermInputs['settings']['node']
  annotations?: Record<string, string>
  namespace?: Record<string, string>
  learned?: TermInputs['learned']
  pods?: number
}

/** A term with one node, whose pods all ask; time goes on by `second`. */
function madeTerm({ node = {}, annotations = {}, namespace, learned = NOTHING_LEARNED, pods = 40 }: Parts = {}) {
  const inputs: TermInputs = {
    ...{ term: 1, address: '192.0.2.1:8443', settings: { ...DEFAULT_SETTINGS, node }, learned },
    ...{ started: new StartedIndex(), findWorkload: () => 'Absent', random: () => 0 },
  }
  let nowMs = 100_000
  const now = () => ({ monotonicMs: nowMs, wallMs: nowMs })
  const state = newTerm(inputs, now())
  const granted = new Set<string>()
  const take = (event: TermEvent): TermEffect[] => {
    const effects = advance(state, event, now())
    for (const effect of effects) if (effect.kind === 'store') granted.add(effect.grant.key)
    for (const effect of effects) if (effect.kind === 'store') take({ kind: 'grant-stored', grant: effect.grant })
    return effects
  }
  const shown: Node = { ...madeNode(), metadata: { ...madeNode().metadata, annotations } }
  take({ kind: 'node-shown', node: shown, fold: { settings: readNode(annotations), problems: [] } })
  if (namespace)
    take({
      kind: 'namespace-shown',
      namespace: { metadata: { name: 'shop', labels: { 'startgate.dev/injection': 'enabled' } } },
      fold: { settings: { maxStartingPerNode: 'auto' }, problems: [] },
    })
  take({ kind: 'begin', reservationMs: 0 })
  const all = Array.from({ length: pods }, (_, i): Pod => madePod(`pod-${i}`))
  for (const pod of all) {
    take({ kind: 'pod-shown', pod })
    const stream = { nonce: pod.metadata.uid ?? '', isOpen: () => true, send: () => undefined, end: () => undefined }
    take({ kind: 'gate-asks', pod, gate: 'startgate-start', attempt: 1, stream })
  }
  const second = (figures?: Partial<NodeFigures>) => {
    nowMs += 1_000
    if (figures) take({ kind: 'node-figures', nodeName: shown.metadata.name ?? '', figures: idleFigures(figures) })
    take({ kind: 'tick', storeFailingForMs: 0 })
    take({ kind: 'step' })
  }
  /** Whether they make a decision due, which is then made. */
  const figuresAlone = (figures: Partial<NodeFigures>, ms = 1_000): boolean => {
    nowMs += ms
    const told = { kind: 'node-figures', nodeName: shown.metadata.name ?? '', figures: idleFigures(figures) } as const
    const isDue = take(told).some(({ kind }) => kind === 'step-soon')
    if (isDue) take({ kind: 'step' })
    return isDue
  }
  take({ kind: 'step' })
  return {
    figuresAlone,
    nowMs: () => nowMs,
    state,
    take,
    granted,
    second,
    waits: () => state.ledger.view().waiting()[0]?.row.reason,
    nodeName: shown.metadata.name ?? '',
  }
}

const readNode = (annotations: Record<string, string>) =>
  annotations['startgate.dev/max-starting-per-node'] ? { maxStartingPerNode: 'auto' as const } : {}

const seconds = (term: ReturnType<typeof madeTerm>, count: number, figures?: Partial<NodeFigures>) => {
  for (let i = 0; i < count; i += 1) term.second(figures)
}

describe('a node whose limit is auto', () => {
  test.each([
    ['by its annotation', { annotations: AUTO }],
    ['by the chart', { node: { maxStarting: 'auto' as const } }],
  ])('%s: starts more while it idles, and says why others wait', (_, parts) => {
    const term = madeTerm(parts)
    const first = term.granted.size
    seconds(term, 12, { busy: 0.1 })
    expect(term.granted.size).toBeGreaterThan(first)
    expect(term.waits()).toMatch(
      /^start: node [\w-]+, auto: \d+ now, CPU 10 % busy, has \d+ of \d+ slots in use; next in line$/,
    )
    expect(autoRows(term.state)[0]?.[1].limit).toBe(term.granted.size)
  })

  test('starts more as soon as its figures come, and not at the next tick', () => {
    const term = madeTerm({ annotations: AUTO })
    const steps = [0, 1, 2].map(() => term.figuresAlone({ busy: 0.1 }))
    expect([steps.some(Boolean), term.granted.size > 2]).toEqual([true, true])
  })

  test('takes figures in a few times a second at most, as that costs as much as there are waits', () => {
    const term = madeTerm({ annotations: AUTO })
    for (let i = 0; i < 7; i += 1) term.figuresAlone({ busy: 0.1 }, 100)
    expect(term.state.autos.advancedAtMs).toBe(term.nowMs() - 100)
  })

  test('takes only a gate that comes for one that was just made, and none that comes back', () => {
    const { state, nodeName, take } = madeTerm({ annotations: AUTO, pods: 1 })
    const comers: string[] = []
    state.autos.noteAsked = name => void comers.push(name)
    for (const pod of ['pod-0', 'other', 'other'].map(name => madePod(name))) {
      const stream = { nonce: '', isOpen: () => true, send: () => undefined, end: () => undefined }
      take({ kind: 'gate-asks', pod, gate: 'startgate-start', attempt: 1, stream })
    }
    expect(comers).toEqual([nodeName])
  })

  test('does not while its CPUs are busy', () => {
    const term = madeTerm({ annotations: AUTO })
    const first = term.granted.size
    seconds(term, 12, { busy: 0.97, runnable: 5 })
    expect(term.granted.size).toBe(first)
  })

  test('without figures has what a node has for which nobody wrote a limit', () => {
    const [auto, plain] = [madeTerm({ annotations: AUTO }), madeTerm()]
    for (const term of [auto, plain]) seconds(term, 10)
    expect(auto.granted.size).toBe(plain.granted.size)
    expect(auto.waits()).toContain('nothing known of it')
  })

  test('keeps what it found when figures stop', () => {
    const term = madeTerm({ annotations: AUTO })
    seconds(term, 12, { busy: 0.1 })
    const found = term.granted.size
    seconds(term, 10)
    expect([term.granted.size, term.waits()]).toEqual([found, expect.stringContaining('no figures now')])
  })

  test('stays within the most that the chart allows, and a number beside it', () => {
    const most = (node: Parts['node']) => {
      const term = madeTerm({ node: { maxStarting: 'auto', ...node } })
      seconds(term, 20, { busy: 0.1 })
      return term.granted.size
    }
    expect([most({ maxStartingAutoMax: 7 }), most({ maxStartingPerCore: 1.5 })]).toEqual([7, 3])
  })

  test('of another leader begins with what was found a moment ago, and with no more than usual after a minute', () => {
    const name = madeTerm({ pods: 0 }).nodeName
    const begins = (agoMs: number, limit: number, node: Parts['node'] = {}) => {
      const nodes = new Map([[name, { limit, atMs: 100_000 - agoMs }]])
      return madeTerm({ node, annotations: AUTO, learned: { nodes, kinds: new Map() } }).granted.size
    }
    expect(begins(5_000, 17, { maxStartingAutoMax: 9 })).toBe(9)
    expect([begins(5_000, 17), begins(90_000, 17), begins(90_000, 1)]).toEqual([17, 2, 1])
  })

  test('of a kind that is known begins with what was found there last', () => {
    const kinds = new Map([['2 cores', { limit: 1, atMs: 0 }]])
    expect(madeTerm({ annotations: AUTO, learned: { nodes: new Map(), kinds } }).granted.size).toBe(1)
  })
})

test('auto on a namespace is the limit of its own pods on a node, beside the number of the node', () => {
  const term = madeTerm({ node: { maxStarting: 12 }, namespace: {} })
  seconds(term, 20, { busy: 0.1 })
  expect(term.granted.size).toBe(12)
  const busy = madeTerm({ node: { maxStarting: 12 }, namespace: {} })
  seconds(busy, 20, { busy: 0.97, runnable: 5 })
  expect([busy.granted.size, busy.waits()]).toEqual([
    2,
    expect.stringContaining('namespace shop on node worker-1, auto: 2 now, CPU 97 % busy,'),
  ])
})

test('figures of a node that nobody shows are dropped, and where nobody wrote auto nothing is found', () => {
  const term = madeTerm()
  advance(
    term.state,
    { kind: 'node-figures', nodeName: 'nobody', figures: idleFigures() },
    { monotonicMs: 0, wallMs: 0 },
  )
  seconds(term, 5, { busy: 0.1 })
  expect(autoRows(term.state)).toEqual([])
  expect(term.state.autos.learned()).toEqual(NOTHING_LEARNED)
})

test('a node whose auto was taken off tells no automatic limit any more', () => {
  const term = madeTerm({ annotations: AUTO })
  term.second({ busy: 0.1 })
  expect(autoRows(term.state)).toHaveLength(1)
  const now = { monotonicMs: 200_000, wallMs: 200_000 }
  advance(term.state, { kind: 'node-shown', node: madeNode(), fold: { settings: {}, problems: [] } }, now)
  expect(autoRows(term.state)).toEqual([])
})

test.each([true, false])('what was found is saved each half minute by a leader that still leads: %s', async isOurs => {
  const ticks: (() => void)[] = []
  const every = (_ms: number, act: () => void) => {
    ticks.push(act)
    return () => undefined
  }
  let saved = 0
  const newAutoStore = () => ({ load: async () => NOTHING_LEARNED, save: async () => void saved++ })
  const { service, world } = madeService([], undefined, { timers: { ...systemTimers, every }, newAutoStore })
  await service.startLeading(1)
  world.confirm = async () => isOurs
  for (const tick of ticks) tick()
  await quiet()
  expect(saved).toBe(isOurs ? 1 : 0)
})
