import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, type RequestOptions, request } from 'node:https'
import { parse } from 'yaml'

interface KubeConfig {
  'current-context': string
  contexts: { name: string; context: { cluster: string; user: string } }[]
  clusters: { name: string; cluster: { server: string; 'certificate-authority-data': string } }[]
  users: { name: string; user: { 'client-certificate-data': string; 'client-key-data': string } }[]
}

/** A way to the API server with the kubeconfig's client certificate, as kind writes it. */
export interface ApiAccess {
  /** Starts a GET; resolves with the answer when its head is there. Throws on anything but 200. */
  get(path: string, signal?: AbortSignal): Promise<IncomingMessage>
  getText(path: string): Promise<string>
  getJson(path: string): Promise<unknown>
  close(): void
}

/** The API server said no. `status` is its HTTP status, 410 when a resourceVersion is too old. */
export class ApiStatusError extends Error {
  readonly code = 'API_STATUS'
  readonly status: number
  constructor(path: string, status: number, body: string) {
    super(`GET ${path}: ${status} ${body.slice(0, 300)}`)
    this.status = status
  }
}

function byName<T extends { name: string }>(list: T[], name: string, what: string): T {
  const found = list.find(item => item.name === name)
  if (!found) throw new Error(`kubeconfig has no ${what} ${name}`)
  return found
}

/** Reads the current context of a kubeconfig file. */
export function openApi(kubeconfigPath: string): ApiAccess {
  const config = parse(readFileSync(kubeconfigPath, 'utf8')) as KubeConfig
  const { context } = byName(config.contexts, config['current-context'], 'context')
  const { cluster } = byName(config.clusters, context.cluster, 'cluster')
  const { user } = byName(config.users, context.user, 'user')
  const pem = (base64: string) => Buffer.from(base64, 'base64').toString()
  const agent = new Agent({
    keepAlive: true,
    ca: pem(cluster['certificate-authority-data']),
    cert: pem(user['client-certificate-data']),
    key: pem(user['client-key-data']),
  })
  const get = (path: string, signal?: AbortSignal) =>
    ask(new URL(path, cluster.server), { agent, ...(signal ? { signal } : {}) })
  return {
    get,
    getText: async path => textOf(await get(path)),
    getJson: async path => JSON.parse(await textOf(await get(path))) as unknown,
    close: () => agent.destroy(),
  }
}

function ask(url: URL, options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options, async answer => {
      if (answer.statusCode === 200) return resolve(answer)
      const body = await textOf(answer).catch(String)
      reject(new ApiStatusError(url.pathname, answer.statusCode ?? 0, body))
    })
    sent.on('error', reject)
    sent.end()
  })
}

async function textOf(answer: IncomingMessage): Promise<string> {
  answer.setEncoding('utf8')
  let text = ''
  for await (const chunk of answer) text += chunk
  return text
}
