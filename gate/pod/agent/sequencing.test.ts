import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ContainerSight } from '../../../core/lease-api.ts'
import type { GateName } from '../../../core/names.ts'
import type { Condition, Sequence } from '../../../core/sequence.ts'
import { dueMs, isFinished, phaseOf, reportsOf, step } from './sequencing.ts'
import {
  type Effect,
  type Rules,
  type SequencingEvent,
  type SequencingState,
  startSequencing,
} from './sequencing-state.ts'
import { resumed } from './state-file.ts'
import { madeSight } from './testing/made-sight.ts'

const gateOf = (name: string): GateName => `startgate-start-${name}`
const times = { simpleSettleMs: 5_000, wordSettleMs: 500, shownWordSettleMs: 20, startTimeoutMs: 60_000, attempt: 1 }
const rulesFor = (sequence: Sequence): Rules => ({ ...times, sequence })
const dbThenWeb = (condition: Condition): Rules =>
  rulesFor({
    stages: [
      { gate: gateOf('db'), containers: ['db'], dependsOn: [] },
      { gate: 'startgate-start', containers: ['web'], dependsOn: [{ container: 'db', condition }] },
    ],
    readiness: { db: { type: 'notify' }, web: { type: 'simple' } },
  })
const granted = (gate: GateName): SequencingEvent => ({
  kind: 'verdict',
  gate,
  verdict: { verdict: 'granted', gate, waitedMs: 1 },
})
const ready = (container: string): SequencingEvent => ({
  kind: 'notification',
  container,
  said: { state: 'ready' },
  wallMs: 0,
})
const here = (gate: GateName): SequencingEvent => ({ kind: 'gate-here', gate })
const sights = (containers: Record<string, ContainerSight> = {}): SequencingEvent => ({ kind: 'sights', containers })

/** Runs events, one each second from 0; the effects of the last and the state after it. */
function play(rules: Rules, events: SequencingEvent[], state = startSequencing(rules)): [SequencingState, Effect[]] {
  let effects: Effect[] = []
  for (const [second, event] of events.entries()) [state, effects] = step(rules, state, event, second * 1000)
  return [state, effects]
}

const toDb = [sights(), here(gateOf('db')), granted(gateOf('db'))]

describe('the agent', () => {
  const cases: Record<string, { condition?: Condition; events: SequencingEvent[]; want: string[] }> = {
    'asks for nothing before a gate listens': { events: [sights()], want: [] },
    'asks when the first gate listens': { events: [sights(), here(gateOf('db'))], want: ['ask startgate-start-db'] },
    'asks for nothing before it has seen the pod': { events: [here(gateOf('db'))], want: [] },
    'opens a gate when it is granted': { events: toDb, want: ['open startgate-start-db'] },
    'tells a gate again that has not passed': {
      events: [...toDb, { kind: 'tick' }],
      want: ['open startgate-start-db'],
    },
    'tells a gate that has passed no more': {
      events: [...toDb, { kind: 'gate-passed', gate: gateOf('db') }, { kind: 'tick' }],
      want: [],
    },
    'asks for no slot while a dependency is not ready': {
      events: [...toDb, sights({ db: madeSight('x') }), here('startgate-start')],
      want: [],
    },
    'asks when the dependency is ready': {
      events: [...toDb, sights({ db: madeSight('x') }), here('startgate-start'), ready('db'), { kind: 'tick' }],
      want: ['open startgate-start-db', 'ask startgate-start'],
    },
    'asks at once where running is enough': {
      condition: 'started',
      events: [...toDb, sights({ db: madeSight('x') }), here('startgate-start')],
      want: ['ask startgate-start'],
    },
    'knows that what the kubelet has passed has started': {
      condition: 'started',
      events: [...toDb, here('startgate-start')],
      want: ['ask startgate-start'],
    },
    'withdraws when the dependency is ready no more': {
      events: [
        ...toDb,
        { kind: 'gate-passed', gate: gateOf('db') },
        here('startgate-start'),
        ready('db'),
        { kind: 'tick' },
        { kind: 'notification', container: 'db', said: { state: 'stopping' }, wallMs: 0 },
      ],
      want: ['withdraw startgate-start'],
    },
    'does not take a verdict on what it has withdrawn': {
      events: [
        ...toDb,
        { kind: 'gate-passed', gate: gateOf('db') },
        here('startgate-start'),
        ready('db'),
        { kind: 'tick' },
        { kind: 'notification', container: 'db', said: { state: 'stopping' }, wallMs: 0 },
        granted('startgate-start'),
      ],
      want: [],
    },
    'alone, lets a stage go at once': {
      events: [{ kind: 'alone', isAlone: true }, here(gateOf('db'))],
      want: ['open startgate-start-db'],
    },
    'alone, keeps the order': {
      events: [{ kind: 'alone', isAlone: true }, here(gateOf('db')), here('startgate-start')],
      want: [],
    },
    'leaves a request its own patience when the stream is lost': {
      events: [sights(), here(gateOf('db')), { kind: 'alone', isAlone: true }],
      want: [],
    },
  }
  test.each(Object.entries(cases))('%s', (_, { condition = 'ready', events, want }) => {
    const [, effects] = play(dbThenWeb(condition), events)
    expect(effects.map(({ kind, gate }) => `${kind} ${gate}`)).toEqual(want)
  })
})

test('a container that is late is failed, and ready when it gets so after all', () => {
  const rules = dbThenWeb('ready')
  const [state] = play(rules, [...toDb, sights({ db: madeSight('x') })])
  expect(phaseOf(rules, state, 'db', 62_999)).toBe('starting')
  expect(phaseOf(rules, state, 'db', 63_000)).toBe('failed')
  expect(dueMs(rules, state, 4_000)).toBe(63_000)
  const [later] = step(rules, state, ready('db'), 90_000)
  expect(phaseOf(rules, later, 'db', 90_500)).toBe('ready')
})

test('reports name the run, carry status and extension, and leave probes to the kubelet', () => {
  const rules = dbThenWeb('ready')
  const said = { status: 'recovering', extendMs: 90_000 }
  const [state] = play(rules, [...toDb, sights({ db: madeSight('x') }), { ...ready('db'), said } as SequencingEvent])
  expect(reportsOf(rules, state, 5_000)).toEqual([
    { container: 'db', containerId: 'x', state: 'starting', extendUntilMs: 89_000, status: 'recovering' },
  ])
  const [done] = step(rules, state, ready('db'), 6_000)
  expect(reportsOf(rules, done, 6_500)).toEqual([
    { container: 'db', containerId: 'x', state: 'ready', status: 'recovering' },
  ])
})

test('an agent that crashed goes on, asks again, and knows whose word may be lost', () => {
  const rules = dbThenWeb('ready')
  const [state] = play(rules, [...toDb, here('startgate-start')])
  const saved = { attempt: 1, sequence: JSON.stringify(rules.sequence), state }
  const again = resumed(rules, saved, 0)
  expect(again.stages[0]?.verdict).toBeDefined()
  expect(again.tracks.db?.mayHaveMissed).toBe(true)
  expect(again.tracks.web?.mayHaveMissed).toBeUndefined()
  expect(resumed({ ...rules, attempt: 2 }, saved, 0)).toEqual(startSequencing(rules))
})

/** A pod of up to six containers, each depending on some before it: what the webhook makes of any DAG. */
const pods = fc
  .array(fc.record({ type: fc.constantFrom('notify', 'probe', 'simple'), on: fc.array(fc.nat(5), { maxLength: 3 }) }), {
    minLength: 2,
    maxLength: 6,
  })
  .map(list => {
    const stages = list.map(({ on }, index) => ({
      gate: index === list.length - 1 ? ('startgate-start' as const) : gateOf(`c${index}`),
      containers: [`c${index}`],
      dependsOn: [...new Set(on)]
        .filter(i => i < index)
        .map(i => ({ container: `c${i}`, condition: 'ready' as const })),
    }))
    const readiness = Object.fromEntries(list.map(({ type }, index) => [`c${index}`, { type } as { type: 'notify' }]))
    return rulesFor({ stages, readiness })
  })

/**
 * What may happen next to one stage, as kubelet, service and containers are. `runs`: how often each container was
 * started.
 */
function possible(rules: Rules, state: SequencingState, index: number, runs: Map<string, number>): SequencingEvent[] {
  const stage = state.stages[index]
  const plan = rules.sequence.stages[index]
  const name = plan?.containers[0] ?? ''
  const before = rules.sequence.stages[index - 1]?.containers[0]
  if (!stage || !plan) return []
  const { gate } = plan
  if (stage.hereMs === undefined) return before === undefined || runs.has(before) ? [here(gate)] : []
  if (stage.isAsking) return [granted(gate)]
  if (stage.openedMs === undefined) return []
  if (!stage.hasPassed) return [{ kind: 'gate-passed', gate }]
  const run = runs.get(name) ?? 0
  const starts = sights({ [name]: madeSight(`${name}-${run + 1}`) })
  if (run === 0) return [starts]
  const ends = sights({ [name]: madeSight(`${name}-${run}`, { state: 'terminated', exitCode: 1 }) })
  return [starts, ends, ready(name), sights({ [name]: madeSight(`${name}-${run}`, { ready: true }) })]
}

/** Plays what the draws choose among what is possible; `check` sees each step. */
function playDraws(
  rules: Rules,
  draws: number[],
  check: (event: SequencingEvent, state: SequencingState, opened: GateName[], nowMs: number) => void,
): void {
  let state = startSequencing(rules)
  const runs = new Map<string, number>()
  for (const [second, draw] of draws.entries()) {
    const anytime: SequencingEvent[] = [sights(), { kind: 'tick' }, { kind: 'alone', isAlone: draw % 2 === 0 }]
    const choices = [...anytime, ...rules.sequence.stages.flatMap((_, index) => possible(rules, state, index, runs))]
    const event = choices[draw % choices.length] ?? { kind: 'tick' }
    if (event.kind === 'sights')
      for (const [name, { id = '' }] of Object.entries(event.containers)) runs.set(name, Number(id.split('-').at(-1)))
    const [next, effects] = step(rules, state, event, second * 1000)
    state = next
    const moved = effects.filter(({ kind }) => kind !== 'withdraw').map(({ gate }) => gate)
    check(event, state, moved, second * 1000)
  }
}

test('whatever happens, nobody asks or goes before its dependencies are ready and the one before it has gone', () => {
  fc.assert(
    fc.property(pods, fc.array(fc.nat(1e6), { maxLength: 150 }), (rules, draws) => {
      const gone = new Set<GateName>()
      playDraws(rules, draws, (event, state, moved, nowMs) => {
        // A grant that comes at the moment a dependency fails cannot be refused any more.
        const isGrant = event.kind === 'verdict'
        for (const gate of moved.filter(gate => !gone.has(gate))) {
          const index = rules.sequence.stages.findIndex(stage => stage.gate === gate)
          const dependsOn = isGrant ? [] : (rules.sequence.stages[index]?.dependsOn ?? [])
          expect(dependsOn.map(({ container }) => phaseOf(rules, state, container, nowMs))).toEqual(
            dependsOn.map(() => 'ready'),
          )
          expect(state.stages.slice(0, index).every(stage => stage.openedMs !== undefined)).toBe(true)
          if (state.stages[index]?.openedMs !== undefined) gone.add(gate)
        }
      })
    }),
    { numRuns: 500 },
  )
})

test('when every gate comes, every request is granted and every container speaks, all of it ends', () => {
  fc.assert(
    fc.property(pods, rules => {
      let state = startSequencing(rules)
      const shown: Record<string, ContainerSight> = {}
      let nowMs = 0
      const feed = (event: SequencingEvent) => {
        nowMs += 1_000
        ;[state] = step(rules, state, event, nowMs)
      }
      feed(sights())
      for (const { gate, containers } of rules.sequence.stages) {
        feed(here(gate))
        nowMs += 10_000
        feed({ kind: 'tick' })
        feed(granted(gate))
        feed({ kind: 'gate-passed', gate })
        for (const name of containers) {
          shown[name] = madeSight(`${name}-1`, { ready: true })
          feed(sights(shown))
          feed(ready(name))
        }
      }
      expect(isFinished(rules, state, nowMs + 10_000)).toBe(true)
    }),
  )
})
