import { type IncomingMessage, request } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { cut, messageOf } from '../../core/errors.ts'
import { KubeError } from '../../core/kube/kube-error.ts'
import type { UserCluster } from '../../core/kube/user-cluster.ts'
import { STATE_PATH, type State, type StateQuery } from '../../core/state-api.ts'
import { explained } from '../cluster/connect.ts'
import { type TlsTarget, tlsThroughPod } from '../cluster/tls-through-pod.ts'
import { type Failure, unavailable } from '../model/failure.ts'
import { findLeader, stateToken } from './leader.ts'
import { refusalOf, sentenceOf } from './refusal.ts'

/** A state of ten thousand waiting gates is cut to a thousand of them: far less than this. */
const MOST_BYTES = 64 * 1024 * 1024
const ANSWER_MS = 15_000

/** Where the leader is looked for. */
export interface LeaderAccess {
  cluster: UserCluster
  startgateNamespace: string | undefined
  /** Told in a sentence what is done in a worse way than it could be. */
  warn(sentence: string): void
}

/** The leader of a cluster, and how it is asked. */
export interface StateClient {
  target: TlsTarget
  token: string
  cluster: UserCluster
}

/** Finds the leader, and gets a token for it. Throws Failure. */
export async function stateClient({ cluster, startgateNamespace, warn }: LeaderAccess): Promise<StateClient> {
  const target = await findLeader(cluster, startgateNamespace)
  return { target, token: await stateToken(cluster, target.namespace, warn), cluster }
}

/** What the leader answers. Throws Failure with a sentence, also for every refusal. */
export async function readState(client: StateClient, query: StateQuery): Promise<State> {
  const answer = await ask(client, query, AbortSignal.timeout(ANSWER_MS))
  try {
    const text = await textOf(answer)
    if (answer.statusCode !== 200) throw refused(answer.statusCode ?? 0, text, query)
    return JSON.parse(text) as State
  } catch (error) {
    throw error instanceof SyntaxError
      ? unavailable('the leader answers with something that is no state', error)
      : error
  } finally {
    answer.socket.destroy()
  }
}

/** The failure for a refusal, which is its cause. */
export function refused(status: number, text: string, query: StateQuery): Failure {
  const refusal = refusalOf(text)
  return unavailable(sentenceOf(status, refusal, query), refusal)
}

/** Sends the request; resolves with the answer's beginning. Each request has a connection of its own. */
export async function ask(client: StateClient, query: StateQuery, signal: AbortSignal): Promise<IncomingMessage> {
  const socket = await connected(client)
  if (signal.aborted) socket.destroy(new Error('no answer in time'))
  signal.addEventListener('abort', () => socket.destroy(new Error('no answer in time')), { once: true })
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const outgoing = request({
    createConnection: () => socket,
    host: client.target.serverName,
    path: `${STATE_PATH}${queryText(query)}`,
    headers: { authorization: `Bearer ${client.token}` },
  })
  outgoing.on('response', resolve)
  outgoing.on('error', reject)
  outgoing.end()
  return promise.catch(error => {
    socket.destroy()
    throw unavailable(`the leader (pod ${client.target.pod}) gives no answer: ${messageOf(error)}`, error)
  })
}

async function connected({ cluster, target }: StateClient): Promise<TLSSocket> {
  try {
    return await tlsThroughPod(cluster, target, { verify: true })
  } catch (error) {
    if (error instanceof KubeError && error.status === 403)
      throw explained(error, `port-forward to pod ${target.pod} in ${target.namespace} (pods/portforward)`)
    throw unavailable(`pod ${target.pod}, which leads, cannot be reached: ${cut(messageOf(error), 300)}`, error)
  }
}

export function queryText({ watch, ...query }: StateQuery): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  const parameters = new URLSearchParams(Object.fromEntries(given.map(([key, value]) => [key, String(value)])))
  const text = [...(watch ? ['watch'] : []), ...(given.length > 0 ? [parameters.toString()] : [])].join('&')
  return text && `?${text}`
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > MOST_BYTES) throw new Error('the answer is too long')
      chunks.push(chunk)
    }
  } catch (error) {
    throw unavailable(`the leader's answer broke off: ${messageOf(error)}`, error)
  }
  return Buffer.concat(chunks).toString('utf8')
}
