import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { ServingIdentity } from '../../certs/identity.ts'
import { madeIdentity } from '../../certs/testing/made-identity.ts'
import { ANSWER_ENDED, createLeasePost } from './lease-client.ts'

const SERVER_NAME = 'startgate-lease-service.startgate-system.svc'

let ours: ServingIdentity
let foreign: ServingIdentity
beforeAll(async () => {
  ;[ours, foreign] = await Promise.all([madeIdentity(SERVER_NAME), madeIdentity(SERVER_NAME)])
}, 60_000)

interface Made {
  server: Server
  /** For each request, whether its connection resumed an earlier TLS session. */
  reused: boolean[]
  ask: () => Promise<string>
}

/** A TLS server that answers everything, and a gate's way to it. */
async function made(): Promise<Made> {
  const reused: boolean[] = []
  const server = createServer({ cert: ours.certPem, key: ours.keyPem }, (request, response) => {
    reused.push((request.socket as TLSSocket).isSessionReused())
    request.resume()
    response.end('{"kind":"told"}\n')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const directory = await mkdtemp(join(tmpdir(), 'lease-client-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const tokenPath = join(directory, 'token')
  await writeFile(tokenPath, 'good')
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const config = { address, serverName: SERVER_NAME, caPem: ours.caBundlePem, podUid: 'uid-1' }
  const post = createLeasePost({ ...config, failOpenAfterMs: 60_000, failOpenJitterMs: 0 }, tokenPath)
  const { signal } = new AbortController()
  return { server, reused, ask: () => post({ address, path: '/', body: {}, signal, onValue: () => undefined }) }
}

test('who comes back resumes its TLS session', async () => {
  const { ask, reused } = await made()
  for (let i = 0; i < 3; i++) expect(await ask()).toBe(ANSWER_ENDED)
  expect(reused).toEqual([false, true, true])
})

test('an earlier session makes nobody trusted: a certificate of a foreign CA is refused', async () => {
  const { ask, reused, server } = await made()
  await ask()
  server.setSecureContext({ cert: foreign.certPem, key: foreign.keyPem })
  expect(await ask()).toMatch(/certificate|self.signed/)
  expect(reused).toEqual([false])
  server.setSecureContext({ cert: ours.certPem, key: ours.keyPem })
  expect(await ask()).toBe(ANSWER_ENDED)
})
