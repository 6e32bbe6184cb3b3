import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { NodeFigures } from '../../core/node-figures.ts'
import { figuresFeed, readNode } from './figures-feed.ts'
import { type NodeReading, readingOf } from './node-figures.ts'

const NO_PRESSURE = { cpu: '', io: '', memory: '' }
/** A node with one CPU, at work for `busy` ticks of so many since boot. */
const reading = (busy: number, of: number, atMs: number): NodeReading | undefined =>
  readingOf({ stat: `cpu  ${busy} 0 0 ${of - busy}\nprocs_running 1\n`, pressure: NO_PRESSURE }, atMs)

function feeding(readings: (NodeReading | undefined)[]) {
  const told: NodeFigures[] = []
  const world = { wanted: true, due: true, reads: 0 }
  const feed = figuresFeed({
    read: async () => readings[world.reads++],
    links: {
      wantFigures: () => world.wanted,
      figuresDue: () => world.due,
      tellFigures: figures => void told.push(figures),
    },
  })
  return { told, world, feed, busy: () => told.map(({ busy }) => busy) }
}

test('each reading tells of the time since the one before', async () => {
  const { feed, busy } = feeding([reading(0, 100, 0), reading(50, 200, 1_000), reading(150, 300, 2_000)])
  for (let second = 0; second < 3; second++) await feed()
  expect(busy()).toEqual([0.5, 1])
})

test('where nobody waits nothing is read, and what was read before does not count', async () => {
  const { feed, world, busy } = feeding([reading(0, 100, 0), reading(900, 1_100, 60_000), reading(900, 1_200, 61_000)])
  await feed()
  world.wanted = false
  await feed()
  expect(world.reads).toBe(1)
  world.wanted = true
  await feed()
  await feed()
  expect(busy()).toEqual([0])
})

test('a leader that wants figures less often is told of all the time between', async () => {
  const { feed, world, busy } = feeding([reading(0, 100, 0), reading(50, 200, 5_000)])
  world.due = false
  for (let second = 0; second < 5; second++) await feed()
  expect([world.reads, busy()]).toEqual([1, []])
  world.due = true
  await feed()
  expect(busy()).toEqual([0.5])
})

test('a kernel that tells nothing is told nothing of', async () => {
  const { feed, told } = feeding([undefined, undefined, reading(1, 2, 0), undefined, reading(2, 4, 1_000)])
  for (let second = 0; second < 5; second++) await feed()
  expect(told).toEqual([])
})

test('a slow reading is waited for', async () => {
  const late = Promise.withResolvers<NodeReading | undefined>()
  let reads = 0
  const feed = figuresFeed({
    read: () => {
      reads++
      return late.promise
    },
    links: { wantFigures: () => true, figuresDue: () => true, tellFigures: () => undefined },
  })
  const first = feed()
  await feed()
  expect(reads).toBe(1)
  late.resolve(undefined)
  await first
  await feed()
  expect(reads).toBe(2)
})

test("the kernel's files are read, what is missing is left out", async () => {
  const proc = await mkdtemp(join(tmpdir(), 'startgate-proc-'))
  onTestFinished(() => rm(proc, { recursive: true }))
  await mkdir(join(proc, 'pressure'))
  await writeFile(join(proc, 'stat'), 'cpu  1 0 0 9\ncpu0 1 0 0 9\nprocs_running 3\n')
  await writeFile(join(proc, 'pressure', 'io'), 'some avg10=2.50 total=9\nfull avg10=0.00 total=7000\n')
  expect(await readNode(() => 42, proc)).toEqual({
    ...{ atMs: 42, pressure: { io: 2.5 }, stalledMs: { io: 7 } },
    cpu: { cores: 1, total: 10, idle: 9, ioWait: 0, running: 3 },
  })
  expect(await readNode(() => 42, join(proc, 'nowhere'))).toBeUndefined()
})
