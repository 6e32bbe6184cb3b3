import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { stringify } from 'yaml'
import type { ServingIdentity } from '../../certs/identity.ts'
import { madeIdentity } from '../../certs/testing/made-identity.ts'
import { type AccessRules, isAllowed } from './access-rules.ts'
import { forwardOver } from './web-socket.ts'

/** What a request is answered with: an object, an HTTP status of an error, or what a function makes of the body. */
export type Answer = object | number | ((body: never, request: IncomingMessage) => object | number)

export interface FakeApi {
  /** A kubeconfig that leads here, with a token. */
  kubeconfig: string
  /** By method and path without its query: `GET /version`. What is not there is 404. */
  answers: Record<string, Answer>
  /** Where port-forwards go, by `namespace/pod/port`; what is not there is 404. */
  forwards: Record<string, number>
  /** Who asks may do this and no more; all where absent. */
  rules: AccessRules | undefined
  /** Every request: method, path and query. */
  seen: string[]
  /** Ends all port-forwards, as an API server that restarts. */
  dropForwards(): void
  close(): Promise<void>
}

/** Keys take long to make. */
let identityOfAll: Promise<ServingIdentity> | undefined

/** For tests: an API server on loopback that speaks TLS and answers what it is told to. */
export async function fakeApi(user: object = { token: 'secret' }): Promise<FakeApi> {
  identityOfAll ??= madeIdentity('localhost')
  const identity = await identityOfAll
  const answers: FakeApi['answers'] = {}
  const forwards: FakeApi['forwards'] = {}
  const seen: string[] = []
  const api = { answers, forwards, seen, rules: undefined as AccessRules | undefined }
  const server = https.createServer({ cert: identity.certPem, key: identity.keyPem }, (request, response) => {
    seen.push(`${request.method} ${request.url}`)
    void answer(refusedBy(api.rules, request) ?? answers[keyOf(request)], { request, response })
  })
  const upgraded = new Set<Duplex>()
  server.on('upgrade', (request, socket) => {
    upgraded.add(socket)
    seen.push(`UPGRADE ${request.url}`)
    const [, , , , namespace, , pod] = (request.url ?? '').split('/')
    const port = Number(new URL(request.url ?? '', 'https://x').searchParams.get('ports'))
    const local = forwards[`${namespace}/${pod}/${port}`]
    if (refusedBy(api.rules, request)) socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
    else if (local === undefined) socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')
    else forwardOver(request, socket, { port, target: connect(local, '127.0.0.1') })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const folder = await mkdtemp(join(tmpdir(), 'fake-api-'))
  const kubeconfig = join(folder, 'config')
  await writeFile(kubeconfig, stringify(configFor(`https://localhost:${port}`, identity.caBundlePem, user)))
  const dropForwards = () => {
    for (const socket of upgraded) socket.destroy()
  }
  const close = async () => {
    dropForwards()
    server.close()
    server.closeAllConnections()
    await rm(folder, { recursive: true, force: true })
  }
  return Object.assign(api, { kubeconfig, dropForwards, close })
}

function configFor(server: string, ca: string, user: object): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name: 'u', user }],
  }
}

const refusedBy = (rules: AccessRules | undefined, { method = '', url = '' }: IncomingMessage): 403 | undefined =>
  rules === undefined || isAllowed(rules, method, url) ? undefined : 403

const keyOf = ({ method, url = '' }: IncomingMessage): string => `${method} ${url.split('?')[0]}`

async function answer(
  given: Answer | undefined,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString()
  const made = typeof given === 'function' ? given((body ? JSON.parse(body) : undefined) as never, request) : given
  const status = typeof made === 'number' ? made : made === undefined ? 404 : 200
  response.statusCode = status
  const failure = { kind: 'Status', code: status, reason: REASONS[status] ?? 'Unknown', message: `no: ${request.url}` }
  response.end(JSON.stringify(status === 200 ? made : failure))
}

const REASONS: Record<number, string> = { 401: 'Unauthorized', 403: 'Forbidden', 404: 'NotFound' }
