import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import { parse } from 'yaml'
import { FACTS, reviewOf, SETTINGS } from '../webhook/testing/facts.ts'
import { madeServer } from '../webhook/testing/made-server.ts'
import { benchCertificate, type Tls } from './certificate.ts'
import { type Quantiles, quantiles } from './quantiles.ts'

const CONNECTIONS = 4
const ROUNDS = 4
const REQUESTS_A_ROUND = 1_000

/**
 * Latency in ms of a review over real TLS on loopback: ours, and a fastify that says yes to everything, in turns within
 * one run. `bytes` is the review's size.
 */
export async function benchAdmission(): Promise<{ bytes: number; startgate: Quantiles; yesServer: Quantiles }> {
  const tls = await benchCertificate('localhost')
  const body = JSON.stringify(review())
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ca: tls.ca })
  const servers = { startgate: webhook(tls), yesServer: yesServer(tls) }
  const times: Record<keyof typeof servers, number[]> = { startgate: [], yesServer: [] }
  for (const server of Object.values(servers)) await server.listen({ host: '127.0.0.1', port: 0 })
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of ['startgate', 'yesServer'] as const) {
      const measured = await load(agent, servers[name], body)
      if (round > 0) times[name].push(...measured)
    }
  }
  agent.destroy()
  for (const server of Object.values(servers)) await server.close()
  return { bytes: body.length, startgate: quantiles(times.startgate), yesServer: quantiles(times.yesServer) }
}

function review(): unknown {
  const file = join(import.meta.dirname, '..', 'webhook', 'testdata', 'istio-native-sidecar', 'pod.yaml')
  const object: unknown = parse(readFileSync(file, 'utf8'))
  return reviewOf(object, {
    kind: { group: '', version: 'v1', kind: 'Pod' },
    uid: 'b1f4d8a0-0000-4000-8000-000000000000',
  })
}

function webhook({ cert, key, ca }: Tls): FastifyInstance {
  const facts = { ...FACTS, settings: { ...SETTINGS, ca } }
  return madeServer({ factsFor: () => facts, tls: { cert, key } })
}

function yesServer({ cert, key }: Tls): FastifyInstance {
  const server = Fastify({ https: { cert, key } }) as unknown as FastifyInstance
  server.post('/mutate', async request => {
    const { uid } = (request.body as { request: { uid: string } }).request
    return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true } }
  })
  return server
}

/** One round of requests over a few connections; returns the time of each in ms. */
async function load(agent: Agent, server: FastifyInstance, body: string): Promise<number[]> {
  const { port } = server.server.address() as AddressInfo
  const times: number[] = []
  let left = REQUESTS_A_ROUND
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const startMs = performance.now()
      await post(agent, port, body)
      times.push(performance.now() - startMs)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
  return times
}

function post(agent: Agent, port: number, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const call = request(
      { host: '127.0.0.1', servername: 'localhost', port, path: '/mutate', method: 'POST', agent, headers },
      response => {
        let text = ''
        response.on('data', chunk => {
          text += String(chunk)
        })
        response.on('end', () =>
          response.statusCode === 200 && text.includes('"allowed":true') ? resolve() : reject(new Error(text)),
        )
      },
    )
    call.on('error', reject)
    call.end(body)
  })
}
