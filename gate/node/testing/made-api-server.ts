import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { ServingIdentity } from '../../../certs/identity.ts'
import { madeReview } from './made-review.ts'

/** For tests: the two calls of an API server that a waiter makes, for whoever shows `token`. */
export async function madeApiServer(identity: ServingIdentity, token: string, caBundlePem: string) {
  const asked: string[] = []
  const server = createServer({ cert: identity.certPem, key: identity.keyPem }, (request, response) => {
    void bodyOf(request).then(text => {
      asked.push(`${request.method} ${request.url}`)
      if (request.headers.authorization !== `Bearer ${token}`) {
        response.writeHead(401).end('{}')
        return
      }
      const caBundle = Buffer.from(caBundlePem).toString('base64')
      const answer = request.method === 'POST' ? reviewOf(text) : { webhooks: [{ clientConfig: { caBundle } }] }
      response.end(JSON.stringify(answer))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, asked }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** As the API server answers it, for core/kube/token-review.ts to read. */
function reviewOf(text: string): object {
  const { spec } = JSON.parse(text) as { spec: { token: string } }
  const { authenticated, audiences, username, podName, podUid, nodeName, error } = madeReview(spec.token)
  const at = 'authentication.kubernetes.io'
  const extra = { [`${at}/pod-name`]: [podName], [`${at}/pod-uid`]: [podUid], [`${at}/node-name`]: [nodeName] }
  return { status: { authenticated, audiences, error, user: { username, extra } } }
}
