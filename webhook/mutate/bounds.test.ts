import { expect, test } from 'vitest'
import type { Container } from '../../core/pod.ts'
import { isSamePath, isUnderPath, withoutEndSlashes } from '../pod/paths.ts'
import { FACTS, podOf } from '../testing/facts.ts'
import { mutate, type Outcome } from './mutate.ts'

const containers = (count: number, prefix = 'c'): Container[] =>
  Array.from({ length: count }, (_, index) => ({ name: `${prefix}${index}`, image: `r.example/a:${index}` }))
const outcomeOf = (spec: object, annotations: Record<string, string> = {}): Outcome =>
  mutate(podOf(spec, { annotations }), 'shop', FACTS)

const large: Record<string, { spec: object; want: string }> = {
  'app containers': { spec: { containers: containers(501) }, want: 'a pod of 501 containers, where at most 500 are looked at; split the pod into several' },
  'init containers too': { spec: { containers: containers(1), initContainers: containers(500, 'i') }, want: '501' },
  'ephemeral ones too': { spec: { containers: containers(1), ephemeralContainers: containers(500, 'e') }, want: '501' },
  'and such as look like ours': {
    spec: {
      initContainers: containers(2_000).map((_, i) => ({ name: `startgate-image-${i + 1}`, command: ['/startgate/true'] })),
    },
    want: 'a pod of 2001 containers',
  },
} // biome-ignore format: a table
test.each(Object.entries(large))('a pod of over 500 containers is left as it is: %s', (_, { spec, want }) => {
  const outcome = outcomeOf(spec, { 'startgate.dev/depends-on': 'x'.repeat(100_000) })
  expect(outcome).toMatchObject({ kind: 'unchanged', reason: 'TooManyContainers' })
  expect(outcome.kind === 'unchanged' && outcome.sentence).toContain(want)
})

test('one of 500 is gated', () => {
  expect(outcomeOf({ containers: containers(500) })).toMatchObject({ kind: 'patched' })
})

const faults: Record<string, Record<string, string>> = {
  'depends-on of none of them': { 'startgate.dev/depends-on': 'nobody: [c1, c2]\nc1: [nobody]' },
  'readiness of none of them': { 'startgate.dev/readiness': 'nobody: notify' },
  'helpers that are none of them': { 'startgate.dev/helpers': 'nobody, noone' },
  'a condition of 4 KB': { 'startgate.dev/depends-on': `c1: {c2: ${'r'.repeat(4_000)}}` },
  'an annotation of 250 KB': { 'startgate.dev/depends-on': 'c1: [c2]\n'.repeat(28_000) },
}
test.each(Object.entries(faults))(
  'what is wrong in a pod of 500 containers is said in short sentences: %s',
  (_, given) => {
    const outcome = outcomeOf({ containers: containers(500) }, given)
    expect(outcome.kind).toBe('denied')
    for (const problem of outcome.kind === 'denied' ? outcome.problems : []) {
      expect(problem.length).toBeLessThan(600)
      expect(problem).toMatch(/^startgate\.dev\/[a-z-]+: ".+" .+; (use|remove) /)
    }
  },
)

test('the first of the names that would be right are shown, and how many there are', () => {
  const outcome = outcomeOf({ containers: containers(500) }, { 'startgate.dev/helpers': 'nobody' })
  expect(outcome.kind === 'denied' && outcome.problems[0]).toMatch(/use one of c0, c1, .*, c9 and 490 more$/)
})

test.each(['depends-on', 'readiness'])('%s tells of 64 containers at most', name => {
  const value = name === 'readiness' ? 'simple' : '[c99]'
  const lines = Array.from({ length: 65 }, (_, index) => `c${index}: ${value}`)
  const outcomeFor = (count: number) =>
    outcomeOf({ containers: containers(100) }, { [`startgate.dev/${name}`]: lines.slice(0, count).join('\n') })
  expect(outcomeFor(64)).toMatchObject({ kind: 'patched' })
  expect(outcomeFor(65)).toMatchObject({
    kind: 'denied',
    problems: [expect.stringContaining('has 65 containers; use at most 64')],
  })
})

test('paths of any length and shape are compared in one pass', () => {
  const slashes = '/'.repeat(1_000_000)
  expect(isSamePath(`${slashes}x`, '/run')).toBe(false)
  expect(isSamePath(`/run${slashes}`, '/run')).toBe(true)
  expect(isUnderPath('/run/a', `/run${slashes}`)).toBe(true)
  expect(isUnderPath('/running', '/run')).toBe(false)
  expect(withoutEndSlashes(slashes)).toBe('')
})
