import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { ServingIdentity } from '../../../certs/identity.ts'
import { madeIdentity } from '../../../certs/testing/made-identity.ts'
import type { GateMessage } from '../../../core/lease-api.ts'
import type { NodeFigures } from '../../../core/node-figures.ts'
import { type LinkFrame, MAX_NODE_FRAME, MAX_NODE_GATES } from '../../../core/waiter-api.ts'
import { type PodIdentity, RefusedError } from '../model/refusal.ts'
import type { Stream } from '../model/stream.ts'
import { madeFigures } from '../testing/made-figures.ts'
import { buildServer } from './server.ts'

const NAME = 'startgate-lease-service.startgate-system.svc'
let identity: ServingIdentity
beforeAll(async () => {
  identity = await madeIdentity(NAME)
})
const waiting: GateMessage = { kind: 'waiting', place: 1, of: 2, reason: 'in line' }

/** The service's real server; gates are the test's to answer. Tokens are names of nodes. */
async function listening() {
  const gates = new Map<string, { identity: PodIdentity; stream: Stream; hungUp: boolean }>()
  const refused: string[] = []
  const told: [string, NodeFigures][] = []
  const ups: boolean[] = []
  const server = buildServer({
    tls: { cert: identity.certPem, key: identity.keyPem },
    identify: async () => ({ namespace: 'shop', podName: 'web-1', podUid: 'uid-1' }),
    identifyNode: async token => {
      if (token === 'nobody') throw new RefusedError(403, 'NO_WAITER', "this token is no waiter's")
      return { nodeName: token }
    },
    connect: async (pod, _gate, _request, stream) => {
      if (pod.podUid === 'foreign') throw new RefusedError(403, 'FOREIGN_NODE', 'runs on node worker-2')
      if (pod.podUid === 'broken') throw new Error('leases is forbidden')
      const gate = { identity: pod, stream, hungUp: false }
      gates.set(pod.podUid, gate)
      return () => {
        gate.hungUp = true
      }
    },
    connectAgent: async () => () => undefined,
    report: async () => undefined,
    takePressure: async () => undefined,
    takeFigures: (nodeName, figures) => void told.push([nodeName, figures]),
    isReady: () => true,
    onNodeLink: isUp => void ups.push(isUp),
    refused: code => void refused.push(code),
    log: pino({ level: 'silent' }),
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.close())
  return { port: (server.server.address() as AddressInfo).port, gates, refused, told, ups, server }
}

/** What a replica answers to an upgrade: a link, or a status with its text. */
function upgrade(port: number, token: string, path = '/v1/node'): Promise<Socket | string> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket | string>()
  const headers = { authorization: `Bearer ${token}`, connection: 'Upgrade', upgrade: 'startgate-node' }
  const ca = identity.caBundlePem
  const call = https.get({ host: '127.0.0.1', port, path, headers, ca, servername: NAME, agent: false })
  call.on('upgrade', (_response, socket) => {
    onTestFinished(() => void socket.destroy())
    resolve(socket as Socket)
  })
  call.on('response', response => response.on('data', text => resolve(`${response.statusCode} ${text}`)))
  call.on('error', reject)
  return promise
}

async function link(port: number, token = 'worker-1') {
  const socket = await upgrade(port, token)
  if (typeof socket === 'string') throw new Error(socket)
  const frames: LinkFrame[] = []
  /** Signs of life, with nothing else in them. */
  const beats: LinkFrame[] = []
  let text = ''
  socket.on('error', () => undefined)
  socket.on('data', chunk => {
    const lines = (text + String(chunk)).split('\n')
    text = lines.pop() ?? ''
    for (const frame of lines.map(line => JSON.parse(line) as LinkFrame)) {
      const isBeat = frame.kind === 'beat' && frame.ids.length === 0
      ;(isBeat ? beats : frames).push(frame)
    }
  })
  const send = (...sent: object[]): void => void socket.write(sent.map(frame => `${JSON.stringify(frame)}\n`).join(''))
  const closed = new Promise(resolve => socket.once('close', resolve))
  return { socket, frames, beats, send, closed }
}
const open = (id: number, podUid: string, more: object = {}) => ({
  kind: 'open',
  id,
  namespace: 'shop',
  podName: podUid,
  gate: 'startgate-start',
  podUid,
  attempt: 1,
  nonce: 'nonce-0001',
  ...more,
})

test('each gate hears what is said to it, and a message said again is only named', async () => {
  const { port, gates } = await listening()
  const { send, frames } = await link(port)
  send(open(1, 'a'), open(2, 'b'))
  await expect.poll(() => gates.size).toBe(2)
  expect(gates.get('a')?.identity).toMatchObject({ podName: 'a', vouchedOn: 'worker-1' })
  for (const uid of ['a', 'b']) gates.get(uid)?.stream.send(waiting)
  await expect.poll(() => frames.length).toBe(2)
  for (const uid of ['a', 'b']) gates.get(uid)?.stream.send({ ...waiting })
  gates.get('b')?.stream.send({ ...waiting, pressureTo: '192.0.2.1:8443' })
  gates.get('a')?.stream.end({ kind: 'granted', nonce: 'nonce-0001' })
  await expect.poll(() => frames.length).toBe(5)
  expect(frames).toEqual([
    { kind: 'message', id: 1, message: waiting },
    { kind: 'message', id: 2, message: waiting },
    { kind: 'message', id: 2, message: { ...waiting, pressureTo: '192.0.2.1:8443' } },
    { kind: 'message', id: 1, message: { kind: 'granted', nonce: 'nonce-0001' } },
    { kind: 'beat', ids: [1, 2] },
  ])
  expect([gates.get('a')?.stream.isOpen(), gates.get('b')?.stream.isOpen()]).toEqual([false, true])
})

test('a gate that leaves hangs up, and so do all when the link ends', async () => {
  const { port, gates } = await listening()
  const { send, socket } = await link(port)
  send(open(1, 'a'), open(2, 'b'), open(3, 'c'), { kind: 'close', id: 2 }, { kind: 'close', id: 99 })
  await expect.poll(() => gates.get('b')?.hungUp).toBe(true)
  expect(gates.get('a')?.hungUp).toBe(false)
  socket.destroy()
  await expect.poll(() => [...gates.values()].every(({ hungUp }) => hungUp)).toBe(true)
})

test.each([
  ['of another node', open(1, 'foreign'), 'FOREIGN_NODE'],
  ['that does not exist', open(1, 'a', { gate: 'startgate-end' }), 'UNKNOWN_GATE'],
  ['without a pod', open(1, 'a', { podName: '../x' }), 'BAD_REQUEST'],
  ['of attempt 0', open(1, 'a', { attempt: 0 }), 'BAD_REQUEST'],
])('a gate %s is refused, and the others go on', async (_, frame, code) => {
  const { port, gates, refused } = await listening()
  const { send, frames } = await link(port)
  send(frame, open(2, 'b'))
  await expect.poll(() => gates.has('b')).toBe(true)
  await expect.poll(() => frames).toMatchObject([{ kind: 'refused', id: 1, error: { code } }])
  expect(refused).toEqual([code])
  expect(gates.get('b')?.hungUp).toBe(false)
})

test('a gate that meets a fault is told nothing of what is inside', async () => {
  const { port, refused } = await listening()
  const { send, frames } = await link(port)
  send(open(1, 'broken'))
  const message = 'the lease service failed on this request; try again, its log says why'
  await expect.poll(() => frames).toEqual([{ kind: 'refused', id: 1, error: { code: 'INTERNAL', message } }])
  expect(refused).toEqual(['INTERNAL'])
})

test('a node has so many gates and no more', async () => {
  const { port, gates } = await listening()
  const { send, frames } = await link(port)
  send(...Array.from({ length: MAX_NODE_GATES + 1 }, (_, i) => open(i + 1, `p${i}`)))
  await expect.poll(() => frames.at(-1)).toMatchObject({ kind: 'refused', error: { code: 'TOO_MANY_GATES' } })
  expect(gates.size).toBe(MAX_NODE_GATES)
})

test.each([
  ['a line that is no JSON', 'x\n'],
  ['a line without an id', '{"kind":"open"}\n'],
  ['a line that is too long', `${'x'.repeat(MAX_NODE_FRAME)}\n`],
  ['a line without an end', 'x'.repeat(100_000)],
])('%s ends the link', async (_, text) => {
  const { port, gates, refused } = await listening()
  const { send, socket, closed } = await link(port)
  send(open(1, 'a'))
  await expect.poll(() => gates.size).toBe(1)
  socket.write(text)
  await closed
  await expect.poll(() => gates.get('a')?.hungUp).toBe(true)
  expect(refused).toEqual(['BAD_FRAME'])
})

test('frames without end are read as fast as a node may speak', async () => {
  const { port, refused } = await listening()
  const { send } = await link(port)
  for (let i = 0; i < 30; i++) send(...Array.from({ length: 1_000 }, () => open(1, 'foreign')))
  await expect.poll(() => refused.length, { timeout: 30_000 }).toBeGreaterThan(4_000)
  await sleep(500)
  const before = refused.length
  await sleep(2_000)
  expect(refused.length - before).toBeGreaterThan(500)
  expect(refused.length - before).toBeLessThan(1_500)
}, 60_000)

test('what a waiter tells of its node is taken for this node, twice a second at most; what is none, and frames of other versions, are left alone', async () => {
  const { port, gates, told, refused } = await listening()
  const { send } = await link(port, 'worker-2')
  const figures = madeFigures({ pressure: { cpu: 80 } })
  send({ kind: 'figures', figures: { ...figures, busy: 'much' } }, { kind: 'figures' })
  send({ kind: 'figures', figures, nodeName: 'worker-1' }, { kind: 'figures', figures })
  send({ kind: 'pressure', id: 1, pressure: { cpu: 80 } }, { kind: 'from-the-future', id: 1 }, open(1, 'a'))
  await expect.poll(() => gates.size).toBe(1)
  expect(told).toEqual([['worker-2', figures]])
  expect(refused).toEqual(['BAD_FIGURES', 'BAD_FIGURES'])
})

test('a newer link of a node takes over; another node has its own', async () => {
  const { port, gates, ups } = await listening()
  const [first, other] = [await link(port), await link(port, 'worker-2')]
  first.send(open(1, 'a'))
  other.send(open(1, 'b'))
  await expect.poll(() => gates.size).toBe(2)
  await link(port)
  await first.closed
  await expect.poll(() => gates.get('a')?.hungUp).toBe(true)
  expect([gates.get('b')?.hungUp, other.socket.destroyed]).toEqual([false, false])
  expect(ups.toSorted()).toEqual([false, true, true, true])
}, 20_000)

test('who is no waiter gets one clear sentence', async () => {
  const { port, refused } = await listening()
  expect(await upgrade(port, 'nobody')).toBe(`403 {"code":"NO_WAITER","message":"this token is no waiter's"}`)
  expect(await upgrade(port, '')).toContain('401 {"code":"TOKEN_MISSING"')
  expect(await upgrade(port, 'worker-1', '/v1/other')).toContain('404 {"code":"NOT_FOUND","message":"there is no such')
  expect(refused).toEqual(['NO_WAITER', 'TOKEN_MISSING', 'NOT_FOUND'])
})

test('a link outlives the time in which a request must be complete, with signs of life', async () => {
  const { port } = await listening()
  const { socket, beats } = await link(port)
  await sleep(14_000)
  expect(socket.destroyed).toBe(false)
  expect(beats).toEqual(Array.from({ length: 4 }, () => ({ kind: 'beat', ids: [], figuresMs: 1_000 })))
}, 30_000)

test('a server that closes ends its links', async () => {
  const { port, server } = await listening()
  const { closed } = await link(port)
  await server.close()
  await closed
})
