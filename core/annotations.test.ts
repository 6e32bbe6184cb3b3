import { expect, test } from 'vitest'
import { parseNamespaceAnnotations, parseNodeAnnotations, parsePodAnnotations, podSetting } from './annotations.ts'
import { parseQuantity } from './quantity.ts'

/** Kubernetes' limit for all annotations of an object, and far more than any of ours needs. */
const LONG = Array.from({ length: 20_000 }, (_, index) => `pod/p${index}`).join(',')

const longs: Record<string, { read: (text: string) => { problems: Error[]; settings: object }; key: string }> = {
  'a pod’s after': { read: text => parsePodAnnotations({ 'startgate.dev/after': text }), key: 'after' },
  'a pod’s depends-on': { read: text => parsePodAnnotations({ 'startgate.dev/depends-on': text }), key: 'depends-on' },
  'a namespace’s limit': { read: text => parseNamespaceAnnotations({ 'startgate.dev/max-starting': text }), key: 'max-starting' },
  'a node’s pressure': { read: text => parseNodeAnnotations({ 'startgate.dev/max-pressure': text }), key: 'max-pressure' },
} // biome-ignore format: a table
test.each(Object.entries(longs))('%s of 200 KiB is refused unread, in one short sentence', (_, { read, key }) => {
  const { problems, settings } = read(LONG)
  expect(settings).toEqual({})
  expect(problems).toHaveLength(1)
  expect(problems[0]?.message).toContain(`startgate.dev/${key}: "pod/p0,`)
  expect(problems[0]?.message).toContain(`is ${LONG.length} characters long; use at most 4096`)
  expect(problems[0]?.message.length).toBeLessThan(250)
})

test('of a hundred thousand unknown annotations ten are told of, and what is good is read all the same', () => {
  const unknown = Array.from({ length: 100_000 }, (_, index) => [`startgate.dev/x${index}`, ''])
  const annotations = Object.fromEntries([...unknown, ['startgate.dev/start-timeout', '90s']])
  const { settings, problems } = parsePodAnnotations(annotations)
  expect(settings).toEqual({ startTimeoutMs: 90_000 })
  expect(problems).toHaveLength(10)
})

test('a pull ramp is on, or not written', () => {
  expect(parseNamespaceAnnotations({ 'startgate.dev/pull-ramp': ' on ' }).settings).toEqual({ pullRamp: true })
  const { settings, problems } = parseNamespaceAnnotations({ 'startgate.dev/pull-ramp': 'off' })
  expect([settings, problems[0]?.message]).toEqual([
    {},
    'startgate.dev/pull-ramp: "off" is not on; use on or no such annotation',
  ])
})

test('at most 64 helpers are named', () => {
  const names = Array.from({ length: 65 }, (_, index) => `c${index}`).join()
  expect(parsePodAnnotations({ 'startgate.dev/helpers': names }).problems[0]?.message).toContain(
    'has 65 names; use at most 64',
  )
})

test('one setting is read alone, and once for an object', () => {
  const read: string[] = []
  const texts: Record<string, string> = { 'startgate.dev/after': 'pod/a', 'startgate.dev/start-timeout': '90s' }
  const annotations = new Proxy(texts, {
    get: (target, key) => {
      read.push(String(key))
      return target[String(key)]
    },
  })
  const metadata = { annotations }
  expect(podSetting(metadata, 'startTimeoutMs')).toBe(90_000)
  expect(read).toEqual(['startgate.dev/start-timeout'])
  const after = podSetting(metadata, 'after')
  expect(after).toEqual([{ kind: 'pod', name: 'a' }])
  expect(podSetting(metadata, 'after')).toBe(after)
})

test('a bad setting is none', () => {
  const metadata = { annotations: { 'startgate.dev/after': 'nothing known' } }
  expect(podSetting(metadata, 'after')).toBeUndefined()
  expect(podSetting({}, 'after')).toBeUndefined()
})

test('a quantity of many digits is read in one go', () => {
  // Quadratic, this would take minutes.
  expect(parseQuantity(`${'1'.repeat(500_000)}x`)).toBeUndefined()
  expect([parseQuantity('1.'), parseQuantity('.5'), parseQuantity('1.5Mi'), parseQuantity('1.2.3')]).toEqual([
    1, 0.5, 1.5 * 2 ** 20, undefined,
  ]) // biome-ignore format: a list
})

test('a limit for each node may be a number or auto, on a namespace and on a node', () => {
  const key = 'startgate.dev/max-starting-per-node'
  for (const parse of [parseNamespaceAnnotations, parseNodeAnnotations]) {
    expect(parse({ [key]: ' auto ' }).settings).toEqual({ maxStartingPerNode: 'auto' })
    expect(parse({ [key]: '3' }).settings).toEqual({ maxStartingPerNode: 3 })
    expect(parse({ [key]: 'Auto' }).problems[0]?.message).toContain('use 4, 0 (freezes) or auto')
  }
  expect(parseNamespaceAnnotations({ 'startgate.dev/max-starting': 'auto' }).problems).toHaveLength(1)
})
