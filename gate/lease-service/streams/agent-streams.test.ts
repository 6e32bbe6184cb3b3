import { expect, test } from 'vitest'
import { type AgentMessage, HEARTBEAT_MS } from '../../../core/lease-api.ts'
import type { AgentStream } from '../model/stream.ts'
import { AgentStreams } from './agent-streams.ts'

const sight = { state: 'waiting', started: false, ready: false, restartCount: 0 } as const

function record(): { stream: AgentStream; heard: string[] } {
  const heard: string[] = []
  const hear = (message: AgentMessage) => void heard.push(message.kind)
  return { stream: { isOpen: () => true, send: hear, end: hear }, heard }
}

test('an agent hears at first and of changes, and else a heartbeat', () => {
  const streams = new AgentStreams()
  const { stream, heard } = record()
  streams.open('u', 1, stream)
  streams.tell('u', { db: sight }, 0)
  streams.tell('u', { db: { ...sight } }, 1)
  streams.beat(HEARTBEAT_MS - 1)
  expect(heard).toEqual(['containers'])
  streams.beat(HEARTBEAT_MS)
  streams.tell('u', { db: { ...sight, ready: true } }, HEARTBEAT_MS + 1)
  expect(heard).toEqual(['containers', 'heartbeat', 'containers'])
})

test('a second stream of a pod takes over, and the end of the first changes nothing', () => {
  const streams = new AgentStreams()
  const [first, second] = [record(), record()]
  streams.open('u', 1, first.stream)
  streams.open('u', 2, second.stream)
  expect([first.heard, streams.close('u', first.stream), streams.attemptOf('u')]).toEqual([['retry'], false, 2])
  streams.endAll(() => ({ kind: 'leader', address: 'a:1', term: 2 }))
  expect([second.heard, streams.size]).toEqual([['leader'], 0])
})

test('to make room the stream goes that has been open longest', () => {
  const streams = new AgentStreams()
  const agents = ['a', 'b'].map(uid => ({ uid, ...record() }))
  for (const { uid, stream } of agents) streams.open(uid, 1, stream)
  const again = record()
  streams.open('a', 1, again.stream)
  streams.makeRoom(() => 5_000)
  expect([agents[1]?.heard, again.heard, streams.size]).toEqual([['retry'], [], 1])
})
