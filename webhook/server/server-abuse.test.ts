import { once } from 'node:events'
import { type IncomingHttpHeaders, request as plainRequest } from 'node:http'
import https from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { ServingIdentity } from '../../certs/identity.ts'
import { madeClient, madeIdentity } from '../../certs/testing/made-identity.ts'
import { podOf, reviewOf } from '../testing/facts.ts'
import { madeServer } from '../testing/made-server.ts'
import { BYTES_IN_FLIGHT } from './review-body.ts'
import { MOST_CONNECTIONS, type ServerDeps } from './server.ts'

const NAME = 'startgate-webhook.startgate-system.svc'
const STRANGER = '127.0.0.1'
const API_SERVER = '127.0.0.2'
const MIB = 1024 * 1024

async function listening(secure?: ServerDeps['tls']): Promise<{ port: number; open: () => Promise<number> }> {
  const server = madeServer(secure && { tls: secure })
  await server.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => {
    server.server.closeAllConnections()
    return server.close()
  })
  const open = async (): Promise<number> => await promisify(server.server.getConnections.bind(server.server))()
  return { port: (server.server.address() as AddressInfo).port, open }
}

const REVIEW = JSON.stringify(reviewOf(podOf()))

/** A small review as the API server sends it; resolves with the status of the answer. */
function review(port: number, localAddress: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers: IncomingHttpHeaders = { 'content-type': 'application/json' }
    const options = { host: '127.0.0.1', port, localAddress, agent: false, method: 'POST', path: '/mutate', headers }
    plainRequest(options, answer => answer.resume().on('end', () => resolve(answer.statusCode)))
      .on('error', reject)
      .end(REVIEW)
  })
}

async function connected(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: STRANGER }).on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

const closed = (socket: Socket) => new Promise<void>(resolve => socket.once('close', () => resolve()))

test('thirty unfinished bodies of 9.5 MiB: no more are held than the budget, reviews pass, and none stays', async () => {
  const { port, open } = await listening()
  const most = Buffer.alloc(9.5 * MIB, 'x')
  const head = `POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${most.length + 1}\r\n\r\n`
  const strangers: Socket[] = []
  for (let i = 0; i < 30; i++) {
    const socket = await connected(port)
    strangers.push(socket)
    const written = new Promise<void>(resolve => socket.write(head + most.toString('latin1'), () => resolve()))
    await Promise.race([written, closed(socket.resume())])
  }
  expect([await review(port, API_SERVER), await review(port, STRANGER)]).toEqual([200, 200])
  await expect.poll(open, { timeout: 5_000 }).toBeLessThanOrEqual(Math.floor(BYTES_IN_FLIGHT / most.length))
  await Promise.all(strangers.filter(socket => !socket.destroyed).map(closed))
  expect(await open()).toBe(0)
}, 60_000)

test('a body that comes a byte at a time is charged for what it costs', async () => {
  const { port } = await listening()
  const socket = await connected(port)
  const ended = closed(socket.resume())
  socket.write(
    'POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
  )
  const thousand = '1\r\nx\r\n'.repeat(1_000)
  let sent = 0
  while (!socket.destroyed && sent < 5_000_000) {
    sent += 1_000
    if (!socket.write(thousand)) await Promise.race([new Promise(resolve => socket.once('drain', resolve)), ended])
  }
  // 200,000 are received, and more are on their way.
  expect(sent).toBeLessThan(5_000_000)
}, 60_000)

test('two thousand silent connections: few are kept, and reviews pass', async () => {
  const { port, open } = await listening()
  for (let batch = 0; batch < 20; batch++) await Promise.all(Array.from({ length: 100 }, () => connected(port)))
  expect(await open()).toBeLessThanOrEqual(MOST_CONNECTIONS)
  expect(await review(port, API_SERVER)).toBe(200)
}, 60_000)

describe('with a CA for clients', () => {
  let identity: ServingIdentity
  let apiServer: Awaited<ReturnType<typeof madeClient>>
  let other: Awaited<ReturnType<typeof madeClient>>
  beforeAll(async () => {
    ;[identity, apiServer, other] = await Promise.all([
      madeIdentity(NAME),
      madeClient('kube-apiserver'),
      madeClient('kube-apiserver'),
    ])
  }, 60_000)

  type Shown = Pick<https.RequestOptions, 'cert' | 'key'>

  async function secureListening(): Promise<(path: string, shown: Shown) => Promise<number | undefined>> {
    const { port } = await listening({ cert: identity.certPem, key: identity.keyPem, ca: apiServer.caPem })
    const common = { host: '127.0.0.1', port, ca: identity.caBundlePem, servername: NAME, agent: false }
    return (path, shown) =>
      new Promise((resolve, reject) => {
        const method = path === '/mutate' ? 'POST' : 'GET'
        const headers = { 'content-type': 'application/json' }
        https
          .request({ ...common, ...shown, path, method, headers }, answer =>
            answer.resume().on('end', () => resolve(answer.statusCode)),
          )
          .on('error', reject)
          .end(method === 'POST' ? REVIEW : undefined)
      })
  }

  test('reviews of the API server are answered, all others with 401; probes need no certificate', async () => {
    const ask = await secureListening()
    expect(await ask('/mutate', { cert: apiServer.certPem, key: apiServer.keyPem })).toBe(200)
    expect(await ask('/mutate', {})).toBe(401)
    expect(await ask('/mutate', { cert: other.certPem, key: other.keyPem })).toBe(401)
    expect([await ask('/healthz', {}), await ask('/readyz', {})]).toEqual([200, 200])
  })

  test('a resumed session shows no certificate that was not shown when it began', async () => {
    const { port } = await listening({ cert: identity.certPem, key: identity.keyPem, ca: apiServer.caPem })
    const options = { host: '127.0.0.1', port, ca: identity.caBundlePem, servername: NAME }
    const resumedStatus = async (shown: tls.ConnectionOptions): Promise<string> => {
      const first = tls.connect({ ...options, ...shown })
      const [session] = (await once(first.resume(), 'session')) as [Buffer]
      first.destroy()
      const second = tls.connect({ ...options, session })
      onTestFinished(() => void second.destroy())
      await once(second, 'secureConnect')
      expect(second.isSessionReused()).toBe(true)
      second.write(
        `POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${REVIEW.length}\r\n\r\n${REVIEW}`,
      )
      const [answer] = (await once(second, 'data')) as [Buffer]
      return answer.toString().slice(9, 12)
    }
    expect(await resumedStatus({})).toBe('401')
    expect(await resumedStatus({ cert: other.certPem, key: other.keyPem })).toBe('401')
    expect(await resumedStatus({ cert: apiServer.certPem, key: apiServer.keyPem })).toBe('200')
  })
})
