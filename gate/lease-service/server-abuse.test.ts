import { once } from 'node:events'
import https from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { ServingIdentity } from '../../certs/identity.ts'
import { madeIdentity } from '../../certs/made-identity.ts'
import { servingTls } from '../../core/serving-tls.ts'
import { buildServer } from './server.ts'
import { MAX_WAITING } from './unnamed-connections.ts'

const NAME = 'startgate-lease-service.startgate-system.svc'
const log = pino({ level: 'silent' })
let identity: ServingIdentity
beforeAll(async () => {
  identity = await madeIdentity(NAME)
})

/** The service's real TLS listener; whoever shows a token is granted. */
async function listening(): Promise<{ port: number; open: () => Promise<number>; replaceCertificate: () => void }> {
  const server = buildServer({
    tls: { cert: identity.certPem, key: identity.keyPem },
    identify: async () => ({ namespace: 'shop', podName: 'web-1', podUid: 'uid-1' }),
    connect: async (_identity, _gate, request, stream) => {
      stream.end({ kind: 'granted', nonce: request.nonce })
      return () => undefined
    },
    connectAgent: async () => () => undefined,
    report: async () => undefined,
    takePressure: async () => undefined,
    isReady: () => true,
    metricsText: async () => '',
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
function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = https.request({
      host: '127.0.0.1',
      port,
      agent: false,
      ca: identity.caBundlePem,
      servername: NAME,
      method: 'POST',
      path: '/v1/gates/startgate-start',
      headers: { authorization: 'Bearer good', 'content-type': 'application/json' },
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
