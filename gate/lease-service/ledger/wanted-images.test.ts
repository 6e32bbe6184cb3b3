import { beforeEach, expect, test } from 'vitest'
import { WantedImages } from './wanted-images.ts'

let nodes: Map<string, string[]>
let looks: number
let wanted: WantedImages
beforeEach(() => {
  nodes = new Map([['n1', ['app']], ['n2', []], ['n3', ['app', 'db']]]) // biome-ignore format: a table
  looks = 0
  wanted = new WantedImages({
    nodes: () => nodes.keys(),
    isOnNode: (nodeName, image) => {
      looks += 1
      return nodes.get(nodeName)?.includes(image) ?? false
    },
  })
})
const want = (...images: string[]) => wanted.want(new Set(images), image => `registry/${image}`)

test('looks once on each node for what is wanted, and then hears of it', () => {
  want('app', 'db')
  expect([wanted.onNodes('app'), wanted.onNodes('db'), wanted.nameOf('db'), looks]).toEqual([2, 1, 'registry/db', 6])
  wanted.shown('n2', ['app', 'other'])
  wanted.shown('n2', ['app'])
  want('app', 'db')
  expect([wanted.onNodes('app'), wanted.onNodes('db'), looks]).toEqual([3, 1, 6])
})

test('a node has it until the node is gone, or nobody wants it any more', () => {
  want('app')
  nodes.set('n1', [])
  wanted.shown('n1', [])
  expect(wanted.onNodes('app')).toBe(2)
  wanted.nodeGone('n3')
  expect(wanted.onNodes('app')).toBe(1)
  want('db')
  expect(wanted.isWanted('app')).toBe(false)
})

test('its version tells of each change of a count, and of nothing else', () => {
  want('app')
  const versions = [wanted.version]
  const then = (act: () => void) => {
    act()
    versions.push(wanted.version)
  }
  then(() => want('app'))
  then(() => wanted.shown('n1', ['app', 'db']))
  then(() => wanted.nodeGone('n9'))
  expect(new Set(versions).size).toBe(1)
  then(() => wanted.shown('n2', ['app']))
  then(() => wanted.nodeGone('n2'))
  expect(new Set(versions).size).toBe(3)
})

test('of ten thousand images at once some are looked for now, the others count as on no node, and come next', () => {
  nodes = new Map(Array.from({ length: 1_000 }, (_, i) => [`n${i}`, ['i9999']]))
  const images = Array.from({ length: 10_000 }, (_, i) => `i${i}`)
  want(...images)
  expect([looks, wanted.onNodes('i9999')]).toEqual([100_000, 0])
  const before = wanted.version
  want(...images.slice(-99))
  expect([looks, wanted.onNodes('i9999')]).toEqual([199_000, 1_000])
  expect(wanted.version).toBeGreaterThan(before)
})
