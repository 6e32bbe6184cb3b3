import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import type { GateMessage } from '../../core/lease-api.ts'
import { HELLO_MS, MAX_HELLO_LINE } from '../../core/waiter-api.ts'
import { createGateListener } from './gate-listener.ts'
import type { SessionDeps } from './gate-session.ts'

const hello = (over: object = {}): string =>
  `${JSON.stringify({
    version: '0.1.0',
    gate: 'startgate-start',
    attempt: 1,
    podUid: 'uid-1',
    isLost: false,
    failOpenAfter: '60s',
    failOpenJitter: '0s',
    waitedS: 0,
    leftS: 60,
    token: 'good',
    ...over,
  })}\n`

/** A waiter's side to its gates. What its leader says is the test's. */
async function listening(over: Partial<SessionDeps> = {}) {
  const heard = { left: 0, asked: 0, say: (_message: GateMessage): void => undefined }
  const server = createGateListener({
    address: '192.0.2.1:443',
    vouch: async ({ gate }) => ({ namespace: 'shop', podName: 'web-1', gate }),
    clientOf: () => ({
      ask: (_address, _body, signal, onMessage) => {
        heard.asked++
        heard.say = onMessage
        return new Promise(resolve =>
          signal.addEventListener('abort', () => {
            heard.left++
            resolve('asked no more')
          }),
        )
      },
    }),
    isCutOff: () => false,
    readPressure: async () => ({}),
    clock: systemClock,
    random: () => 0,
    newNonce: () => 'nonce-0001',
    ...over,
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, heard }
}

async function dial(port: number): Promise<{ socket: Socket; said: () => string; closed: Promise<unknown> }> {
  const socket = connect(port, '127.0.0.1')
  let said = ''
  socket.on('data', chunk => {
    said += String(chunk)
  })
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  return { socket, said: () => said, closed }
}

test('the first line says at once that somebody is there, and how long the gate is to wait without it', async () => {
  const { port } = await listening()
  const gate = await dial(port)
  gate.socket.write(hello({ leftS: 42 }))
  await expect.poll(gate.said).toMatch(/^beat 42\n/)
})

test('a word of a leader is contact; a place is a line of log; a grant ends it', async () => {
  const { port, heard } = await listening()
  const gate = await dial(port)
  gate.socket.write(hello())
  await expect.poll(() => heard.asked).toBe(1)
  heard.say({ kind: 'waiting', place: 3, of: 10, reason: 'all slots are taken', estimateMs: 5_000 })
  await expect.poll(gate.said).toContain('"place":3,"of":10')
  expect(gate.said()).toContain('contact\n')
  heard.say({ kind: 'granted', nonce: 'nonce-0001', lease: 'start.uid-1.1' })
  await gate.closed
  expect(gate.said()).toMatch(/\ngo \{"verdict":"granted".*"attempt":1\}\n$/)
})

test('where the lease service was never reached the gate is told to try by itself, with the reason', async () => {
  const clientOf = () => ({ ask: async () => 'no way to it', tellPressure: async () => undefined })
  const { port } = await listening({ clientOf, isCutOff: () => true })
  const gate = await dial(port)
  gate.socket.write(hello())
  await gate.closed
  expect(gate.said()).toMatch(/\ndirect no way to it\n$/)
})

test('a gate that hangs up is withdrawn', async () => {
  const { port, heard } = await listening()
  const gate = await dial(port)
  gate.socket.write(hello())
  await expect.poll(() => heard.asked).toBe(1)
  gate.socket.destroy()
  await expect.poll(() => heard.left).toBe(1)
})

test.each([
  ['too long', 'x'.repeat(MAX_HELLO_LINE + 1), 'direct the first line is longer than 8192 bytes'],
  ['no JSON', 'GET / HTTP/1.1\n', 'direct hello is no JSON object'],
  ['two lines', `${hello()}${hello()}`, 'direct more than one line was sent'],
])('a line that is %s is answered with one sentence and the connection ended', async (_, text, says) => {
  const { port, heard } = await listening()
  const gate = await dial(port)
  gate.socket.write(text)
  await gate.closed
  expect(gate.said()).toContain(says)
  expect(heard.asked).toBe(0)
})

test('who says nothing, or not the whole of its line, is hung up on after a while', async () => {
  const { port } = await listening()
  const [silent, slow] = [await dial(port), await dial(port)]
  const begun = performance.now()
  slow.socket.write('{"version":')
  await Promise.all([silent.closed, slow.closed])
  expect(performance.now() - begun).toBeGreaterThan(HELLO_MS - 500)
  expect(performance.now() - begun).toBeLessThan(HELLO_MS + 3_000)
}, 20_000)

test('who goes on talking is hung up on', async () => {
  const { port, heard } = await listening()
  const gate = await dial(port)
  gate.socket.write(hello())
  await expect.poll(() => heard.asked).toBe(1)
  gate.socket.write('x')
  await gate.closed
  expect(heard.left).toBe(1)
})

test('of one address only so many are kept that have shown no good token; gates are not displaced, and new ones served', async () => {
  const review = Promise.withResolvers<void>()
  const { port, heard } = await listening({
    vouch: async ({ gate, podUid }) => {
      if (podUid === 'slow') await review.promise
      return { namespace: 'shop', podName: podUid, gate }
    },
  })
  const [gate, slow] = [await dial(port), await dial(port)]
  gate.socket.write(hello())
  slow.socket.write(hello({ podUid: 'slow' }))
  await expect.poll(() => heard.asked).toBe(1)
  const many = await Promise.all(Array.from({ length: 700 }, () => dial(port)))
  await expect.poll(() => many.filter(({ socket }) => socket.destroyed).length).toBeGreaterThan(180)
  expect([gate.socket.destroyed, slow.socket.destroyed]).toEqual([false, false])
  const late = await dial(port)
  late.socket.write(hello({ podUid: 'late' }))
  await expect.poll(() => heard.asked).toBe(2)
  review.resolve()
  await expect.poll(() => heard.asked).toBe(3)
  expect(heard.left).toBe(0)
})

test('a pod has one connection, the newest; of one that asks without end others notice nothing', async () => {
  const { port, heard } = await listening()
  const other = await dial(port)
  other.socket.write(hello({ podUid: 'uid-2' }))
  await expect.poll(() => heard.asked).toBe(1)
  const many = await Promise.all(Array.from({ length: 200 }, () => dial(port)))
  for (const { socket } of many) socket.write(hello())
  await expect.poll(() => many.filter(({ socket }) => !socket.destroyed).length).toBe(1)
  expect(heard.asked).toBeLessThan(40)
  expect(heard.left).toBe(heard.asked - 2)
  expect(other.socket.destroyed).toBe(false)
})

test('the kubelet hears that it is well, also of an address that sends much else, and may say nothing more', async () => {
  const { port, heard } = await listening()
  await Promise.all(Array.from({ length: 600 }, () => dial(port)))
  const probe = await dial(port)
  probe.socket.write('GET /healthz HTTP/1.1\r\n\r\n')
  await expect.poll(probe.said).toMatch(/^HTTP\/1.1 200 OK\r\n.*ok\n$/s)
  probe.socket.write(hello())
  await probe.closed
  expect(heard.asked).toBe(0)
})

test('the kubelet hears that it is well by HTTP', async () => {
  const { port } = await listening()
  const answer = await fetch(`http://127.0.0.1:${port}/healthz`)
  expect([answer.status, await answer.text()]).toEqual([200, 'ok\n'])
})

test('a gate that does not read is hung up on', async () => {
  const { port, heard } = await listening()
  const gate = await dial(port)
  gate.socket.write(hello())
  await expect.poll(() => heard.asked).toBe(1)
  gate.socket.pause()
  const reason = 'x'.repeat(250)
  for (let place = 1; place <= 60_000 && heard.left === 0; place++) {
    heard.say({ kind: 'waiting', place, of: place, reason: `${place} ${reason}` })
    if (place % 100 === 0) await new Promise(setImmediate)
  }
  await expect.poll(() => heard.left).toBe(1)
})
