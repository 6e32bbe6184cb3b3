import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Pod } from './pod.ts'
import { formatSequence, parseSequence, type Sequence, sequenceGateOf, sequenceOfPod } from './sequence.ts'

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

test('the sequence of a pod is in its agent’s environment', () => {
  const env = [{ name: 'STARTGATE_SEQUENCE', value: formatSequence(sequence) }]
  const pod = (name: string): Pod => ({ metadata: {}, spec: { containers: [], initContainers: [{ name, env }] } })
  expect(sequenceOfPod(pod('startgate'))).toEqual(sequence)
  expect(sequenceOfPod(pod('other'))).toBeUndefined()
  expect(sequenceOfPod({ spec: { containers: [] } })).toBeUndefined()
})

test('a gate is named for its container, and the name is short enough', () => {
  expect(sequenceGateOf('db')).toBe('startgate-start-db')
  expect(sequenceGateOf('d'.repeat(63)).length).toBeLessThanOrEqual(63)
})
