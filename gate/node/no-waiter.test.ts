import { once } from 'node:events'
import { cpSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'vitest'
import { madeToken } from '../lease-service/testing/made-token.ts'
import { type GateOptions, madeDirectory, type RealGate, startGate } from './testing/real-gate.ts'

/* A real busybox on loopback, and no waiter. Side by side: each waits for seconds, and none has anything to do. */

const TOKEN = madeToken({ podName: 'a', podUid: 'a', nodeName: 'worker-1' })
const gateOf = (port: number, onFinished: GateOptions['onFinished'], more: Partial<GateOptions> = {}): RealGate =>
  startGate({ podUid: 'a', token: TOKEN, port, ...(onFinished && { onFinished }), ...more })
const reasons = (gate: RealGate): unknown[] => gate.log().map(({ reason, msg }) => reason ?? msg)

test.concurrent('where no waiter is, a gate with memory for it becomes the direct gate after 5 s', async ({
  expect,
  onTestFinished,
}) => {
  const before = performance.now()
  const gate = gateOf(1, onTestFinished)
  await gate.ended
  expect(gate.read('direct')).toBe('')
  expect(gate.read('runs-startgate-start')).toBeUndefined()
  expect(performance.now() - before).toBeGreaterThan(3_900)
  expect(performance.now() - before).toBeLessThan(9_000)
  expect(reasons(gate)).toEqual(['no waiter answers on this node: asking the lease service directly'])
})

test.concurrent('the next gate of that run asks at once, one of another run waits again', async ({
  expect,
  onTestFinished,
}) => {
  const dir = madeDirectory(onTestFinished)
  writeFileSync(join(dir, 'runs-startgate-pull'), '1\n')
  writeFileSync(join(dir, 'no-waiter'), '1\n')
  const before = performance.now()
  const next = gateOf(1, onTestFinished, { dir })
  await next.ended
  expect(next.read('direct')).toBe('')
  expect(performance.now() - before).toBeLessThan(3_000)
  const again = madeDirectory(onTestFinished)
  cpSync(join(dir, 'no-waiter'), join(again, 'no-waiter'))
  writeFileSync(join(again, 'runs-startgate-pull'), '2\n')
  const second = gateOf(1, onTestFinished, { dir: again })
  await second.ended
  expect(performance.now() - before).toBeGreaterThan(3_900)
  expect(second.read('no-waiter')).toBe('2\n')
})

/** What a program of somebody else's may say on a waiter's port. */
const strangers: Record<string, (socket: Socket) => void> = {
  'an HTTP server': socket => void socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
  'one that echoes': socket => void socket.pipe(socket),
  'one that ends every connection': socket => void socket.destroy(),
}
test.concurrent.for(Object.entries(strangers))(
  'where %s has the port, the gate soon becomes the direct gate',
  { timeout: 30_000 },
  async ([, say], { expect, onTestFinished }) => {
    const sockets = new Set<Socket>()
    const server = createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      say(socket)
    }).listen(0, '127.0.0.1')
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const gate = gateOf(port, onTestFinished)
    await gate.ended
    expect(gate.read('direct')).toBe('')
    expect(reasons(gate)).toEqual(['no waiter answers on this node: asking the lease service directly'])
    expect(gate.read('no-waiter')).toBe('1\n')
  },
)

test.concurrent.for<[string, { memory?: string; env?: Record<string, string> }]>([
  ['a small limit', { memory: '33554432' }],
  ['a small limit of the pod as a whole', { env: { STARTGATE_DIRECT: 'no' } }],
])('with %s it tries on and fails open', async ([, more], { expect, onTestFinished }) => {
  const env = { STARTGATE_FAIL_OPEN_AFTER: '7s', ...more.env }
  const gate = gateOf(1, onTestFinished, { ...more, env })
  expect(await gate.ended).toBe(0)
  expect(gate.read('direct')).toBeUndefined()
  expect(JSON.parse(gate.read('termination-log') ?? '')).toMatchObject({
    verdict: 'failed-open',
    attempt: 1,
    reason: 'no waiter answers on this node',
  })
  expect([gate.read('lost'), gate.read('runs-startgate-start')]).toEqual(['1\n', '1\n'])
})

test.concurrent('96Mi is enough', async ({ expect, onTestFinished }) => {
  const gate = gateOf(1, onTestFinished, { memory: '100663296' })
  await gate.ended
  expect(gate.read('direct')).toBe('')
})
