import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Pod } from './pod.ts'
import { formatSequence, parseSequence, type Sequence, type Stage, sequenceGateOf, sequenceOfPod } from './sequence.ts'

const sequence: Sequence = {
  stages: [
    { gate: 'startgate-start-db', containers: ['db'], dependsOn: [] },
    { gate: 'startgate-start', containers: ['web', 'side'], dependsOn: [{ container: 'db', condition: 'ready' }] },
  ],
  readiness: {
    db: { type: 'forking', pidFile: '/run/db.pid' },
    web: { type: 'dbus', busName: 'a.b', address: 'unix:abstract=x' },
    side: { type: 'simple' },
  },
}

test('what is written is read again', () => {
  expect(parseSequence(formatSequence(sequence))).toEqual(sequence)
})

test('anything else is no sequence, and nothing is thrown', () => {
  const text = formatSequence(sequence)
  const broken = [
    undefined, '', '{}', 'null', '[]', '{"stages":[],"readiness":[]}',
    text.replace('startgate-start-db', 'db'),
    text.replace('"ready"', '"soon"'),
    text.replace('"simple"', '"easy"'),
    text.replace('"side":', '"aside":'),
    text.replace('"pidFile"', '"pid"'),
  ] // biome-ignore format: a list
  for (const bad of broken) expect(parseSequence(bad)).toBeUndefined()
  fc.assert(fc.property(fc.json(), json => void parseSequence(json)))
})

const podWith = (value: string, { agent = 'startgate', more = 0 } = {}): Pod => {
  const named = (name: string) => ({ name })
  const gates = ['startgate-start-db', 'db', 'startgate-start'].map(named)
  const initContainers = [{ name: agent, env: [{ name: 'STARTGATE_SEQUENCE', value }] }, ...gates]
  const others = Array.from({ length: more }, (_, i) => named(`other-${i}`))
  return { metadata: {}, spec: { containers: [...['web', 'side'].map(named), ...others], initContainers } }
}

test('the sequence of a pod is in its agent’s environment', () => {
  expect(sequenceOfPod(podWith(formatSequence(sequence)))).toEqual(sequence)
  expect(sequenceOfPod(podWith(formatSequence(sequence), { agent: 'other' }))).toBeUndefined()
  expect(sequenceOfPod({ spec: { containers: [] } })).toBeUndefined()
})

const [first, last] = sequence.stages as [Stage, Stage]
const forged: Record<string, Sequence> = {
  'no stage': { ...sequence, stages: [] },
  'a container that is not in the spec': {
    stages: [first, { ...last, containers: ['web', 'side', 'ghost'] }],
    readiness: { ...sequence.readiness, ghost: { type: 'simple' } },
  },
  'a container twice in a stage': { ...sequence, stages: [first, { ...last, containers: ['web', 'web'] }] },
  'a container in two stages': { ...sequence, stages: [first, { ...last, containers: ['web', 'db'] }] },
  'a gate that is not in the spec': { ...sequence, stages: [{ ...first, gate: 'startgate-start-ghost' }, last] },
  'a gate twice': { ...sequence, stages: [{ ...first, gate: 'startgate-start' }, last] },
  'a dependency on nobody': {
    ...sequence,
    stages: [first, { ...last, dependsOn: [{ container: 'ghost', condition: 'ready' }] }],
  },
}
test.each(Object.entries(forged))('a pod whose sequence has %s is a plain one', (_, bad) => {
  expect(sequenceOfPod(podWith(formatSequence(bad)))).toBeUndefined()
})

test('a sequence longer than a program can be given is not even parsed, nor one of a pod larger than the webhook gates', () => {
  const names = Array.from({ length: 130_000 }, () => 'web')
  const long = { ...sequence, stages: [first, { ...last, containers: names }] }
  expect(parseSequence(formatSequence(long))).toBeUndefined()
  expect(parseSequence(formatSequence(sequence).padEnd(131_073))).toBeUndefined()
  expect(sequenceOfPod(podWith(formatSequence(sequence), { more: 2_000 }))).toBeUndefined()
})

test('a gate is named for its container, and the name is short enough', () => {
  expect(sequenceGateOf('db')).toBe('startgate-start-db')
  expect(sequenceGateOf('d'.repeat(63)).length).toBeLessThanOrEqual(63)
})
