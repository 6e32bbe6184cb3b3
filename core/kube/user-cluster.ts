import type { RequestOptions } from 'node:https'
import { Duplex, PassThrough } from 'node:stream'
import { KubeConfig, PortForward } from '@kubernetes/client-node'
import { cut, InvalidValueError, instead, messageOf } from '../errors.ts'
import { KubeError } from './kube-error.ts'
import { type ApiTransport, createTransport } from './transport.ts'

/** A cluster as a person's kubeconfig describes it. */
export interface UserCluster {
  transport: ApiTransport
  /** Of the kubeconfig, as is all that follows. */
  context: string
  server: string
  /** Of the context; undefined where it names none. */
  namespace: string | undefined
  /** The token that the API server is shown; undefined for who shows a client certificate or a password. */
  bearerToken(): Promise<string | undefined>
  /**
   * A connection to a port of a pod, through the API server. Rejects when the API server refuses or the pod is gone;
   * what goes wrong later destroys the stream.
   */
  forward(target: ForwardTarget): Promise<Duplex>
}

export interface ForwardTarget {
  namespace: string
  pod: string
  port: number
}

export interface UserClusterOptions {
  /** A file; $KUBECONFIG or ~/.kube/config where not given. */
  kubeconfig?: string
  context?: string
  requestTimeoutMs: number
}

/** What client-node takes, as kubectl did once, where there is no kubeconfig. */
const NO_KUBECONFIG = 'http://localhost:8080'

/** Reads the kubeconfig; asks nobody. Throws InvalidValueError that says what is wrong with it. */
export function userCluster({ kubeconfig, context, requestTimeoutMs }: UserClusterOptions): UserCluster {
  const config = loaded(kubeconfig)
  if (context !== undefined) {
    const names = config.getContexts().map(({ name }) => name)
    if (!names.includes(context))
      throw new InvalidValueError(
        '--context',
        context,
        instead('is not in the kubeconfig', ...(names.length > 0 ? names.slice(0, 10) : ['another kubeconfig'])),
      )
    config.setCurrentContext(context)
  }
  const server = config.getCurrentCluster()?.server
  if (server === NO_KUBECONFIG)
    throw new InvalidValueError('kubeconfig', kubeconfig, instead('was not found', '--kubeconfig FILE', 'KUBECONFIG'))
  if (server === undefined)
    throw new InvalidValueError(
      'kubeconfig',
      kubeconfig,
      instead('has no current context with a cluster', '--context', 'kubectl config use-context NAME'),
    )
  return {
    transport: createTransport(config, requestTimeoutMs),
    context: config.getCurrentContext(),
    server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace || undefined,
    bearerToken: () => bearerToken(config),
    forward: target => forward(config, target),
  }
}

function loaded(file: string | undefined): KubeConfig {
  const config = new KubeConfig()
  try {
    if (file !== undefined) config.loadFromFile(file)
    else config.loadFromDefault()
  } catch (error) {
    throw new InvalidValueError(
      'kubeconfig',
      file,
      instead(`cannot be read (${cut(messageOf(error), 200)})`, '--kubeconfig FILE', 'KUBECONFIG'),
    )
  }
  return config
}

async function bearerToken(config: KubeConfig): Promise<string | undefined> {
  const options: RequestOptions = { headers: {} }
  await config.applyToHTTPSOptions(options)
  const header = (options.headers as Record<string, unknown> | undefined)?.Authorization
  return typeof header === 'string' ? /^Bearer (.+)$/.exec(header)?.[1] : undefined
}

/** The API server's port-forward subresource, over one WebSocket a connection. */
async function forward(config: KubeConfig, { namespace, pod, port }: ForwardTarget): Promise<Duplex> {
  const [fromPod, toPod, complaints] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const names = [namespace, pod].map(encodeURIComponent) as [string, string]
  const socket = await new PortForward(config)
    .portForward(...names, [port], fromPod, complaints, toPod)
    .catch(error => {
      throw forwardError(`port-forward to pod ${namespace}/${pod}`, error)
    })
  const stream = Duplex.from({ readable: fromPod, writable: toPod })
  complaints.on('data', (text: Buffer) => stream.destroy(new Error(cut(text.toString('utf8').trim(), 200))))
  if ('on' in socket) {
    socket.on('close', () => fromPod.end())
    socket.on('error', (error: Error) => stream.destroy(error))
    // Not close(), which waits up to 30 s for the other side's word.
    stream.on('close', () => socket.terminate())
  }
  return stream
}

/** `ws` rejects with an event, whose message has the HTTP status in words. */
function forwardError(what: string, event: unknown): KubeError {
  const isEvent = typeof event === 'object' && event !== null && 'message' in event
  const message = isEvent ? String(event.message) : String(event)
  const status = Number(/server response: (\d{3})/.exec(message)?.[1] ?? 0)
  const reason = status === 403 ? 'Forbidden' : status === 0 ? 'ConnectionLost' : 'Unknown'
  return new KubeError(`${what}: ${message}`, { status, reason }, { cause: event })
}
