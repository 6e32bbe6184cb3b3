import { once } from 'node:events'
import https from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { ServingIdentity } from '../../../certs/identity.ts'
import { madeIdentity } from '../../../certs/testing/made-identity.ts'
import { systemClock } from '../../../core/clock.ts'
import { servingTls } from '../../../core/serving-tls.ts'
import { RefusedError } from '../model/refusal.ts'
import { madeToken } from '../testing/made-token.ts'
import { createIdentityCache } from './identity-cache.ts'
import { buildServer, type ServerDeps } from './server.ts'
import { MAX_WAITING } from './unauthenticated-connections.ts'

const NAME = 'startgate-lease-service.startgate-system.svc'
const HONEST = { namespace: 'shop', podName: 'web-1', podUid: 'uid-1' }
const VERDICT = {
  audiences: ['startgate.dev'],
  username: 'system:serviceaccount:shop:default',
  podName: 'web-1',
  podUid: 'uid-1',
}
const log = pino({ level: 'silent' })
let identity: ServingIdentity
beforeAll(async () => {
  identity = await madeIdentity(NAME)
})

/** The service's real TLS listener; whoever `identify` lets in is granted. */
async function listening(
  identify: ServerDeps['identify'] = async () => HONEST,
): Promise<{ port: number; open: () => Promise<number>; replaceCertificate: () => void }> {
  const server = buildServer({
    tls: { cert: identity.certPem, key: identity.keyPem },
    identify,
    connect: async (_identity, _gate, request, stream) => {
      stream.end({ kind: 'granted', nonce: request.nonce })
      return () => undefined
    },
    connectAgent: async () => () => undefined,
    report: async () => undefined,
    takePressure: async () => undefined,
    takeFigures: () => undefined,
    isReady: () => true,
    refused: () => undefined,
    log,
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => {
    server.server.closeAllConnections()
    return server.close()
  })
  const open = async (): Promise<number> => await promisify(server.server.getConnections.bind(server.server))()
  const replaceCertificate = () => (server.server as unknown as https.Server).setSecureContext(servingTls(identity))
  return { port: (server.server.address() as AddressInfo).port, open, replaceCertificate }
}

/** A gate's whole request on a connection of its own; resolves with the first line of the answer. */
function ask(port: number, token = 'good'): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = https.request({
      host: '127.0.0.1',
      port,
      agent: false,
      ca: identity.caBundlePem,
      servername: NAME,
      method: 'POST',
      path: '/v1/gates/startgate-start',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    })
    sent.on('response', answer => answer.on('data', chunk => resolve(String(chunk))).on('error', reject))
    sent.on('error', reject)
    sent.end(JSON.stringify({ podUid: 'uid-1', attempt: 1, nonce: 'nonce-0001' }))
  })
}

async function idle(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

test('ten thousand connections that say nothing: few are kept, and gates are served', async () => {
  const { port, open } = await listening()
  for (let batch = 0; batch < 100; batch++) await Promise.all(Array.from({ length: 100 }, () => idle(port)))
  expect(await open()).toBeLessThanOrEqual(MAX_WAITING)
  expect(await ask(port)).toContain('"granted"')
}, 60_000)

test('who speaks no TLS is hung up on, and gates are served', async () => {
  const { port } = await listening()
  const socket = await idle(port)
  const ended = once(socket.resume(), 'close')
  socket.write('GET / HTTP/1.1\r\n\r\n')
  await ended
  expect(await ask(port)).toContain('"granted"')
})

async function secured(port: number): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host: '127.0.0.1', port, ca: identity.caBundlePem, servername: NAME })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  await once(socket, 'secureConnect')
  return socket
}

/** A gate's whole request as text. */
function requestOf(token: string): string {
  const body = JSON.stringify({ podUid: 'uid-1', attempt: 1, nonce: 'nonce-0001' })
  const headers = `authorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`
  return `POST /v1/gates/startgate-start HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n${body}`
}

test('100,000 made-up tokens pipelined on one connection: one is reviewed at most, and a gate is served', async () => {
  const good = madeToken()
  let reviews = 0
  const { port } = await listening(
    createIdentityCache({
      review: async token => {
        reviews++
        await setImmediate()
        return { ...VERDICT, authenticated: token === good }
      },
      isShown: () => true,
      clock: systemClock,
    }),
  )
  const stranger = await secured(port)
  const ended = new Promise(resolve => stranger.resume().once('close', resolve))
  for (let batch = 0; batch < 100 && !stranger.destroyed; batch++) {
    const tokens = Array.from({ length: 1_000 }, (_, i) => madeToken({ signature: `made-up-${batch}-${i}` }))
    const isTaken = stranger.write(tokens.map(requestOf).join(''))
    if (!isTaken) await Promise.race([new Promise(resolve => stranger.once('drain', resolve)), ended])
  }
  expect(await ask(port, good)).toContain('"granted"')
  await ended
  // The stranger's first and the gate's.
  expect(reviews).toBeLessThanOrEqual(2)
}, 60_000)

test('who shows a token that is refused is hung up on after the answer', async () => {
  const { port } = await listening(async () => {
    throw new RefusedError(401, 'TOKEN_INVALID', 'the API server refuses this token')
  })
  const stranger = await secured(port)
  let heard = ''
  stranger.on('data', chunk => {
    heard += chunk
  })
  stranger.write(requestOf('made-up'))
  await once(stranger, 'close')
  expect(heard).toMatch(/^HTTP\/1.1 401 [\s\S]*"TOKEN_INVALID"/)
})

test('who knows no TLS 1.3 is hung up on, also after the certificate was replaced', async () => {
  const { port, replaceCertificate } = await listening()
  const versionOf = async (maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<string | null> => {
    const socket = tls.connect({ host: '127.0.0.1', port, ca: identity.caBundlePem, servername: NAME, maxVersion })
    onTestFinished(() => void socket.destroy())
    await once(socket, 'secureConnect')
    return socket.getProtocol()
  }
  for (const swap of [() => undefined, replaceCertificate]) {
    swap()
    await expect(versionOf('TLSv1.2')).rejects.toThrow()
    expect(await versionOf('TLSv1.3')).toBe('TLSv1.3')
  }
})

test.each([
  ['headers', 'POST /v1/gates/startgate-start HTTP/1.1\r\nhost: x\r\n'],
  [
    'a body',
    'POST /v1/gates/startgate-start HTTP/1.1\r\nhost: x\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
  ],
])(
  'who never ends %s is hung up on, and gates are served meanwhile',
  async (_, text) => {
    const { port } = await listening()
    const slow = tls.connect({ host: '127.0.0.1', port, ca: identity.caBundlePem, servername: NAME })
    onTestFinished(() => void slow.destroy())
    slow.on('error', () => undefined)
    await once(slow, 'secureConnect')
    slow.write(text)
    const ended = once(slow.resume(), 'close')
    expect(await ask(port)).toContain('"granted"')
    await ended
  },
  30_000,
)
