import { expect, test } from 'vitest'
import { withPassedGates } from './passed-gates.ts'
import type { Container, ContainerState, ContainerStatus, Pod } from './pod.ts'

const at = (s: number) => `2026-01-01T00:00:${String(s).padStart(2, '0')}Z`
const GATE = 'startgate-start-db'
const LAST = 'startgate-start'
const sidecar = (name: string): Container => ({ name, restartPolicy: 'Always' })
const SPEC: Pod['spec'] = {
  initContainers: [{ name: 'startgate-pull' }, sidecar('startgate'), sidecar(GATE), sidecar('db'), sidecar(LAST)],
  containers: [{ name: 'web' }],
}

const of = (name: string, state: ContainerState, more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name,
  ready: false,
  started: false,
  restartCount: 0,
  containerID: `${name}-id`,
  state,
  ...more,
})
const runs = (name: string, from: number, more: Partial<ContainerStatus> = {}) =>
  of(name, { running: { startedAt: at(from) } }, more)
const waits = (name: string, reason = 'PodInitializing') => of(name, { waiting: { reason } })
const end = (from: number, to: number, exitCode = 0, message?: string): ContainerState => ({
  terminated: {
    exitCode,
    startedAt: at(from),
    finishedAt: at(to),
    containerID: 'an-id',
    ...(message !== undefined && { message }),
  },
})
const pullEnd = (attempt: number, to: number) => of('startgate-pull', end(1, to, 0, JSON.stringify({ attempt })))

/** What is shown of the gates, in a few words; `web` is the app container, by default not begun. */
function shown(inits: ContainerStatus[], web: ContainerStatus = waits('web'), spec = SPEC): string[] {
  const status = { initContainerStatuses: inits, containerStatuses: [web] }
  const before = structuredClone(status)
  const seen = withPassedGates({ spec, status })?.initContainerStatuses ?? []
  expect(status).toEqual(before)
  return seen.flatMap(({ name, state }) => {
    if (!name.startsWith('startgate-start')) return []
    const { terminated, running } = state ?? {}
    return `${name} ${terminated ? `ended ${terminated.exitCode} ${terminated.message ?? ''}` : running ? 'runs' : 'waits'}`
  })
}

const HOLDS = `${GATE} runs`
const passed = (gate: string, attempt = 1) => `${gate} ended 0 {"attempt":${attempt}}`

const cases: Record<string, { inits: ContainerStatus[]; web?: ContainerStatus; want: string[] }> = {
  'a gate that holds': { inits: [pullEnd(1, 5), runs(GATE, 6), waits('db')], want: [HOLDS] },
  'one that a kubelet started anew calls started': { inits: [pullEnd(1, 5), runs(GATE, 6, { started: true }), waits('db')], want: [HOLDS] },
  'what comes after it has begun': { inits: [pullEnd(1, 5), runs(GATE, 6, { started: true }), runs('db', 8)], want: [passed(GATE)] },
  'in the same second as the run': { inits: [pullEnd(1, 5), runs(GATE, 5), runs('db', 5)], want: [passed(GATE)] },
  'what comes after it has begun and ended': { inits: [pullEnd(1, 5), runs(GATE, 6), of('db', end(8, 9, 1))], want: [passed(GATE)] },
  'what comes after it is in back-off': { inits: [pullEnd(1, 5), runs(GATE, 6), of('db', { waiting: { reason: 'CrashLoopBackOff' } }, { lastState: end(8, 9, 1) })], want: [passed(GATE)] },
  'what comes after it cannot be made, and it is started': { inits: [pullEnd(1, 5), runs(GATE, 6, { started: true }), waits('db', 'CreateContainerConfigError')], want: [passed(GATE)] },
  'what comes after it was said not to be made, and it is not started': { inits: [pullEnd(1, 5), runs(GATE, 6), waits('db', 'ImagePullBackOff')], want: [HOLDS] },
  'the last gate holds, the first has passed': { inits: [pullEnd(1, 5), runs(GATE, 6), runs('db', 8), runs(LAST, 9)], want: [passed(GATE), `${LAST} runs`] },
  'the app has begun': { inits: [pullEnd(1, 5), runs(GATE, 6), runs('db', 8), runs(LAST, 9)], web: runs('web', 10), want: [passed(GATE), passed(LAST)] },
  'the app cannot be made': { inits: [pullEnd(1, 5), runs(GATE, 6), runs('db', 8), runs(LAST, 9, { started: true })], web: waits('web', 'ErrImagePull'), want: [passed(GATE), passed(LAST)] },
  'the app waits to be made': { inits: [pullEnd(1, 5), runs(GATE, 6), runs('db', 8), runs(LAST, 9, { started: true })], web: waits('web', 'ContainerCreating'), want: [passed(GATE), `${LAST} runs`] },
  'it crashed after it had passed': { inits: [pullEnd(1, 5), of(GATE, end(6, 12, 137)), runs('db', 8)], want: [passed(GATE)] },
  'the app crashed in the run before, and the gate is called started': { inits: [pullEnd(2, 30), runs(GATE, 31), runs('db', 32), runs(LAST, 33, { started: true })], web: of('web', { waiting: { reason: 'CrashLoopBackOff' } }, { lastState: end(8, 9, 1) }), want: [passed(GATE, 2), `${LAST} runs`] },
  'it is in back-off after it had passed': { inits: [pullEnd(1, 5), waits(GATE, 'CrashLoopBackOff'), runs('db', 8)], want: [passed(GATE)] },
  'it came back after it had passed': { inits: [pullEnd(1, 5), runs(GATE, 14, { restartCount: 1 }), runs('db', 8)], want: [passed(GATE)] },
  'it was killed before it passed': { inits: [pullEnd(1, 5), of(GATE, end(6, 7, 143)), waits('db')], want: [`${GATE} ended 143 `] },
  'it lost its probe': { inits: [pullEnd(1, 5), waits(GATE, 'CrashLoopBackOff'), waits('db')], want: [`${GATE} waits`] },
  'all is of the run before, but the first gate': { inits: [pullEnd(2, 30), runs(GATE, 6, { started: true }), runs('db', 8)], web: runs('web', 9), want: [HOLDS] },
  'nobody knows yet of another run': { inits: [pullEnd(1, 5), runs(GATE, 6), runs('db', 8)], want: [passed(GATE)] },
  'the second run has come to the gate': { inits: [pullEnd(2, 30), runs(GATE, 31), runs('db', 8, { started: true })], want: [HOLDS] },
  'the second run has passed it': { inits: [pullEnd(2, 30), runs(GATE, 31), runs('db', 33)], want: [passed(GATE, 2)] },
  'the first gate runs again': { inits: [runs('startgate-pull', 30), runs(GATE, 6), runs('db', 8)], want: [HOLDS] },
  'the first gate was killed': { inits: [of('startgate-pull', end(1, 5, 137)), runs(GATE, 6), runs('db', 8)], want: [HOLDS] },
  'the record of what comes after it was made up': { inits: [pullEnd(1, 5), runs(GATE, 6), of('db', { terminated: { exitCode: 137 } })], want: [HOLDS] },
} // biome-ignore format: a table
test.each(Object.entries(cases))('%s', (_, { inits, web, want }) => {
  expect(shown(inits, web)).toEqual(want)
})

test('a gate that ends is shown as it is, in the same object', () => {
  const spec = { ...SPEC, initContainers: [{ name: 'startgate-pull' }, { name: GATE }, sidecar('db')] }
  const status = { initContainerStatuses: [pullEnd(1, 5), runs(GATE, 6), runs('db', 8)] }
  expect(withPassedGates({ spec, status })).toBe(status)
  expect(withPassedGates({ spec })).toBeUndefined()
})

test('what a gate said when it ended is in its last state, and its own end is not before the run', () => {
  const word = '{"verdict":"failed-open","attempt":1,"waitedMs":9}'
  const status = {
    initContainerStatuses: [pullEnd(1, 5), of(GATE, end(6, 12, 0, word)), runs('db', 8)],
  }
  const [, gate] = withPassedGates({ spec: SPEC, status })?.initContainerStatuses ?? []
  expect(gate).toMatchObject({ state: { terminated: { finishedAt: at(5) } }, lastState: end(6, 12, 0, word) })
})

test('a pod of thousands of containers is read once', () => {
  const names = Array.from({ length: 3_000 }, (_, i) => `startgate-start-c${i}`)
  const spec = { initContainers: [{ name: 'startgate-pull' }, ...names.map(sidecar)], containers: [{ name: 'web' }] }
  let reads = 0
  const counted = names.map(name => {
    const status = runs(name, 8)
    const state = { running: { startedAt: at(8) } }
    const read = () => {
      reads++
      return state
    }
    return Object.defineProperty(status, 'state', { get: read })
  })
  withPassedGates({ spec, status: { initContainerStatuses: [pullEnd(1, 5), ...counted] } })
  expect(reads).toBeLessThan(10 * names.length)
})
