import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { readTokenReview, type TokenReviewStatus, type TokenVerdict } from '../../core/kube/token-review.ts'
import { TOKEN_AUDIENCE } from '../../core/names.ts'

/** Of one call. */
const CALL_MS = 10_000
/** Of an answer; a webhook configuration has two CAs and a few rules. */
const MOST_BYTES = 262_144

export interface ApiAccess {
  /** `https://host:port`. */
  url: string
  caPem: string
  /** Read anew for each call: the kubelet renews it. */
  tokenPath: string
}

/** All that a waiter asks of the API server; a client for all of Kubernetes would be most of its memory. */
export interface WaiterApi {
  reviewToken(token: string): Promise<TokenVerdict>
  /** PEM of the CAs that sign the lease service's certificate. */
  readCa(): Promise<string>
}

/** `configuration`: of the MutatingWebhookConfiguration, where the webhook or cert-manager publishes the CAs. */
export function createWaiterApi(access: ApiAccess, configuration: string): WaiterApi {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  return {
    async reviewToken(token) {
      const body = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, audiences: [TOKEN_AUDIENCE] },
      }
      const path = '/apis/authentication.k8s.io/v1/tokenreviews'
      const review = (await call(access, agent, path, body)) as { status?: TokenReviewStatus }
      return readTokenReview(review.status, TOKEN_AUDIENCE)
    },
    async readCa() {
      const path = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${encodeURIComponent(configuration)}`
      const { webhooks } = (await call(access, agent, path)) as {
        webhooks?: { clientConfig?: { caBundle?: string } }[]
      }
      const bundle = webhooks?.[0]?.clientConfig?.caBundle
      if (!bundle) throw new Error(`MutatingWebhookConfiguration ${configuration} has no caBundle yet`)
      return Buffer.from(bundle, 'base64').toString('utf8')
    },
  }
}

async function call({ url, caPem, tokenPath }: ApiAccess, agent: Agent, path: string, body?: object): Promise<unknown> {
  const token = (await readFile(tokenPath, 'utf8')).trim()
  const text = body && JSON.stringify(body)
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const sent = request(new URL(path, url), {
    method: text === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    },
    ca: caPem,
    agent,
    signal: AbortSignal.timeout(CALL_MS),
  })
  sent.on('error', reject)
  sent.on('response', response => {
    const chunks: Buffer[] = []
    let size = 0
    response.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MOST_BYTES) sent.destroy(new Error(`the API server's answer is longer than ${MOST_BYTES} bytes`))
      else chunks.push(chunk)
    })
    response.on('error', reject)
    response.on('end', () => {
      const status = response.statusCode ?? 0
      if (status < 200 || status > 299) return reject(new Error(`HTTP ${status} from the API server for ${path}`))
      try {
        resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')))
      } catch (error) {
        reject(error)
      }
    })
  })
  sent.end(text)
  return promise
}
