import { once } from 'node:events'
import type https from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import Fastify, { type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { madeIdentity } from '../certs/testing/made-identity.ts'
import type { ApiTransport } from './kube/transport.ts'
import { serveMetrics } from './serve-metrics.ts'
import { serveProgram } from './serve-program.ts'
import type { ServingCertificate, ServingTls } from './serving-tls.ts'

const log = pino({ level: 'silent' })
const clock = { wallMs: () => 0, monotonicMs: () => 0 }
const [first, second] = await Promise.all([madeIdentity('first'), madeIdentity('second')])

/** Certificates that the test hands out, as certs/identity.ts does. */
function madeCertificates() {
  const listeners: ((certificate: ServingCertificate) => void)[] = []
  let current: ServingCertificate | undefined
  return {
    onChange(listener: (certificate: ServingCertificate) => void) {
      listeners.push(listener)
      if (current) listener(current)
    },
    offer(certificate: ServingCertificate) {
      current = certificate
      for (const listener of [...listeners]) listener(certificate)
    },
  }
}

/** The name in the certificate that is served. */
async function nameServed(port: number, maxVersion?: 'TLSv1.2'): Promise<string | undefined> {
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    ...(maxVersion && { maxVersion }),
  })
  try {
    await once(socket, 'secureConnect')
    return socket.getPeerCertificate().subjectaltname
  } finally {
    socket.destroy()
  }
}

const portOf = (server: https.Server) => (server.address() as AddressInfo).port

const metricsOptions = {
  config: { metrics: { listenPort: 0, authorization: false } },
  registry: new Registry(),
  transport: {} as ApiTransport,
  clock,
  log,
}

test('nothing is served before there is a certificate, and then each later one, by TLS 1.3 only', async () => {
  const certificates = madeCertificates()
  const built: FastifyInstance[] = []
  const told: FastifyInstance[] = []
  const build = (tls: ServingTls): FastifyInstance => {
    const server = Fastify({ https: { ...tls } }) as unknown as FastifyInstance
    built.push(server)
    return server
  }
  const ending = { serving: (server: FastifyInstance) => void told.push(server) }
  const serving = serveProgram({ ...metricsOptions, certificates, build, listen: { port: 0 }, ending })
  expect([built.length, told.length]).toEqual([0, 0])
  certificates.offer(first)
  await serving
  const [server] = built
  onTestFinished(() => server?.close())
  expect(told).toEqual(built)
  const port = portOf(server?.server as unknown as https.Server)
  expect(await nameServed(port)).toBe('DNS:first')
  certificates.offer(second)
  expect(await nameServed(port)).toBe('DNS:second')
  await expect(nameServed(port, 'TLSv1.2')).rejects.toThrow()
})

test('metrics are served with the certificate that the program has', async () => {
  const certificates = madeCertificates()
  const serving = serveMetrics({ ...metricsOptions, certificates })
  certificates.offer(first)
  const server = await serving
  onTestFinished(() => void server.close())
  expect(await nameServed(portOf(server))).toBe('DNS:first')
  certificates.offer(second)
  expect(await nameServed(portOf(server))).toBe('DNS:second')
  await expect(nameServed(portOf(server), 'TLSv1.2')).rejects.toThrow()
})
