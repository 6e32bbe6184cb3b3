import type { IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createTransport } from './transport.ts'

// A pre-shared key spares the tests a certificate.
const psk = { psk: Buffer.from('00112233445566778899aabbccddeeff', 'hex'), identity: 'test' }
const ciphers = 'PSK+HIGH'
const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A server on loopback that speaks TLS, and a transport to it. */
async function serving(handler: Handler, timeoutMs = 2_000) {
  let connections = 0
  let token = 0
  const server = https.createServer({ ciphers, maxVersion: 'TLSv1.2', pskCallback: () => psk.psk }, handler)
  server.on('secureConnection', () => connections++)
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  closing.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const credentials = {
    getCurrentCluster: () => ({ server: `https://127.0.0.1:${port}/` }),
    async applyToHTTPSOptions(options: https.RequestOptions) {
      const tls = { ciphers, maxVersion: 'TLSv1.2', pskCallback: () => psk, rejectUnauthorized: false }
      Object.assign(options, tls, { headers: { ...options.headers, authorization: `Bearer t${++token}` } })
    },
  }
  return { transport: createTransport(credentials, timeoutMs), connections: () => connections }
}

test('JSON goes out and comes back, over one connection, with credentials fetched for every request', async () => {
  const seen: unknown[] = []
  const { transport, connections } = await serving(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request)).toString()
    seen.push([request.method, request.url, request.headers['content-type'], request.headers.authorization, body])
    response.end('{"name":"ü"}')
  })
  const query = { limit: 5, watch: undefined, labelSelector: 'a=b' }
  expect(await transport.request({ method: 'GET', path: '/api', query })).toEqual({ name: 'ü' })
  await transport.request({ method: 'PUT', path: '/api', body: { name: 'ü' } })
  await transport.request({ method: 'PATCH', path: '/api', body: [], contentType: 'application/json-patch+json' })
  expect(seen).toEqual([
    ['GET', '/api?limit=5&labelSelector=a%3Db', undefined, 'Bearer t1', ''],
    ['PUT', '/api', 'application/json', 'Bearer t2', '{"name":"ü"}'],
    ['PATCH', '/api', 'application/json-patch+json', 'Bearer t3', '[]'],
  ])
  expect(connections()).toBe(1)
})

describe('a request fails with', () => {
  const cases: Record<string, { handler: Handler; want: { status: number; reason: string } }> = {
    "the API's own status and reason": {
      handler: (_, response) => response.writeHead(409).end('{"reason":"AlreadyExists"}'),
      want: { status: 409, reason: 'AlreadyExists' },
    },
    'Timeout when no answer comes': { handler: () => undefined, want: { status: 0, reason: 'Timeout' } },
    'Timeout when the answer never ends': {
      handler: (_, response) => void response.write('{"items":['),
      want: { status: 0, reason: 'Timeout' },
    },
    'ConnectionLost when the server hangs up': {
      handler: request => void request.socket.destroy(),
      want: { status: 0, reason: 'ConnectionLost' },
    },
    'ConnectionLost when the server hangs up in the middle of its answer': {
      handler: (request, response) => {
        response.writeHead(200, { 'content-length': '9' })
        response.write('{"a":', () => request.socket.destroy())
      },
      want: { status: 0, reason: 'ConnectionLost' },
    },
    'ConnectionLost when the answer is no JSON': {
      handler: (_, response) => response.end('<html>'),
      want: { status: 0, reason: 'ConnectionLost' },
    },
  }
  test.each(Object.entries(cases))('%s', async (_, { handler, want }) => {
    // A handshake takes its time on a loaded machine; only who waits for nothing need not wait long.
    const { transport } = await serving(handler, want.reason === 'Timeout' ? 100 : 10_000)
    await expect(transport.request({ method: 'POST', path: '/api', body: {} })).rejects.toMatchObject(want)
  })

  test('ConnectionRefused when nobody listens', async () => {
    const { transport } = await serving(() => undefined)
    for (const close of closing.splice(0)) close()
    const want = { status: 0, reason: 'ConnectionRefused' }
    await expect(transport.request({ method: 'GET', path: '/api' })).rejects.toMatchObject(want)
  })
})

test('a read whose connection was closed under it is sent again, a write is not', async () => {
  let requests = 0
  const { transport } = await serving((request, response) => {
    requests += 1
    if (requests % 2 === 1) request.socket.destroy()
    else response.end('{}')
  })
  expect(await transport.request({ method: 'GET', path: '/api' })).toEqual({})
  await expect(transport.request({ method: 'POST', path: '/api' })).rejects.toMatchObject({ reason: 'ConnectionLost' })
  expect(requests).toBe(3)
})

describe('a stream', () => {
  const open = { path: '/api/v1/pods', query: { watch: true }, signal: new AbortController().signal }

  test('brings bytes as they come and ends with the server', async () => {
    const { transport } = await serving((_, response) => {
      response.write('a\n')
      setImmediate(() => response.end('b\n'))
    })
    const chunks = await Array.fromAsync(await transport.openStream({ ...open, idleTimeoutMs: 1_000 }))
    expect(Buffer.concat(chunks).toString()).toBe('a\nb\n')
  })

  test('fails with Timeout when it falls silent', async () => {
    const { transport } = await serving((_, response) => void response.write('a\n'))
    const reading = Array.fromAsync(await transport.openStream({ ...open, idleTimeoutMs: 50 }))
    await expect(reading).rejects.toMatchObject({ status: 0, reason: 'Timeout' })
  })

  test('is refused with the status of the answer', async () => {
    const { transport } = await serving((_, response) => response.writeHead(410).end('{"reason":"Expired"}'))
    const opening = transport.openStream({ ...open, idleTimeoutMs: 1_000 })
    await expect(opening).rejects.toMatchObject({ status: 410, reason: 'Expired' })
  })

  test('ends when its signal aborts', async () => {
    const { transport } = await serving((_, response) => void response.write('a\n'))
    const stop = new AbortController()
    const stream = await transport.openStream({ ...open, signal: stop.signal, idleTimeoutMs: 60_000 })
    const reading = Array.fromAsync(stream)
    stop.abort()
    await expect(reading).rejects.toMatchObject({ reason: 'ConnectionLost' })
  })
})

test('an address without TLS is refused', () => {
  const credentials = {
    getCurrentCluster: () => ({ server: 'http://localhost:8080' }),
    applyToHTTPSOptions: async () => {},
  }
  expect(() => createTransport(credentials, 1)).toThrow('is not a valid https URL')
})
