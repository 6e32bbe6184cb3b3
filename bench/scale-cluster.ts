import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { KubeError } from '../core/kube/kube-error.ts'
import type { Lease, LeaseSpec } from '../core/kube/lease.ts'
import { ELECTION_LEASE, TOKEN_AUDIENCE } from '../core/names.ts'
import { MemoryLeaseApi } from '../gate/lease-service/store/lease-store.memory.ts'
import type { Tls } from './certificate.ts'
import { nowMs } from './now.ts'
import * as made from './scale-objects.ts'
import type { PodState } from './scale-pod-state.ts'
import { type Collection, serveCollection, Watchers } from './scale-watch.ts'

/** What the bench tells its API server, as JSON in the first argument. */
export interface ClusterOptions {
  port: number
  tls: Tls
  /** Of the lease service. */
  serviceTls: Tls
  size: made.ClusterSize
  /** Whether it has streaming lists. */
  isStreaming: boolean
  /** From a gate's end to its container's readiness. */
  startMs: number
}

export type ClusterOrder =
  /** Gates were told of their grants. */
  | { kind: 'started'; pods: number[] }
  /** So many pods and nodes change a second, without anything that matters; 0: none. */
  | { kind: 'churn'; podsPerSecond: number; nodesPerSecond: number }
  /** The nodes of those who wait have so many start slots. */
  | { kind: 'thaw'; limit: number }
  | { kind: 'report' }

export interface ClusterReport {
  /** Each time another process began to lead, on the machine's monotonic clock. */
  elections: { holder: string; atMs: number }[]
  grantsAtMs: number[]
  lists: number
  changes: number
  cpuMs: number
  /** How often what was asked, for whoever looks into the bench. */
  calls: Record<string, number>
}

const LONG_AGO_MS = Date.now() - 24 * 3_600_000

/** An API server with a cluster of recorded-size objects that are made as they are asked for. */
function main({ port, tls, serviceTls, size, isStreaming, startMs }: ClusterOptions): void {
  let version = 1_000_000
  let nodeLimit = 0
  const states = new Map<number, { state: PodState; startedAtMs: number; version: number }>()
  const nodeVersions = new Map<number, number>()
  const report: ClusterReport = { elections: [], grantsAtMs: [], lists: 0, changes: 0, cpuMs: 0, calls: {} }
  const leases = new MemoryLeaseApi()
  const isFrozen = (node: number): boolean => node < made.FROZEN_NODES
  const pod = (i: number): string => {
    const {
      state,
      startedAtMs,
      version: at,
    } = states.get(i) ?? {
      state: i < size.waiting ? 'waiting' : 'ready',
      startedAtMs: LONG_AGO_MS,
      version: 1,
    }
    return made.podJson(i, state, { version: at, startedAtMs }, size)
  }
  const node = (i: number): string => made.nodeJson(i, isFrozen(i) ? nodeLimit : undefined, nodeVersions.get(i) ?? 1)
  const collections: Record<string, Collection & { watchers: Watchers }> = {
    '/api/v1/pods': { count: size.pods, json: pod, watchers: new Watchers() },
    '/api/v1/nodes': { count: size.nodes, json: node, watchers: new Watchers() },
    '/api/v1/namespaces': { count: size.namespaces, json: i => made.namespaceJson(i, 1), watchers: new Watchers() },
  }
  const tell = (path: string, i: number): void => {
    report.changes++
    const of = collections[path]
    of?.watchers.send(`{"type":"MODIFIED","object":${of.json(i)}}\n`)
  }
  const setPod = (i: number, state: PodState): void => {
    states.set(i, {
      state,
      startedAtMs: state === 'starting' ? Date.now() : (states.get(i)?.startedAtMs ?? LONG_AGO_MS),
      version: ++version,
    })
    tell('/api/v1/pods', i)
  }
  const setNode = (i: number): void => {
    nodeVersions.set(i, ++version)
    tell('/api/v1/nodes', i)
  }
  const start = async (i: number): Promise<void> => {
    setPod(i, 'starting')
    await sleep(startMs)
    setPod(i, 'ready')
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    const url = new URL(request.url ?? '', 'https://localhost')
    const collection = collections[url.pathname]
    if (collection) {
      report.lists += url.searchParams.has('sendInitialEvents') || !url.searchParams.has('watch') ? 1 : 0
      return serveCollection({
        collection,
        watchers: collection.watchers,
        query: url.searchParams,
        response,
        isStreaming,
        version: () => version,
      })
    }
    const body = JSON.parse(Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString() || '{}')
    return send(response, 200, await call(request.method ?? '', url, body))
  }
  const call = async (method: string, url: URL, body: Body): Promise<unknown> => {
    const kind = `${method} ${url.pathname.replace(/.*\/namespaces\/[^/]+\//, '').replace(/\/.*/, '')}`
    report.calls[kind] = (report.calls[kind] ?? 0) + 1
    if (url.pathname.endsWith('/tokenreviews')) return tokenReview(body, size)
    if (url.pathname.endsWith('/subjectaccessreviews')) return { status: { allowed: true } }
    if (url.pathname.includes('/secrets/')) return secretOf(serviceTls)
    if (url.pathname.includes('/leases')) return leaseCall({ leases, report }, { method, url, lease: body })
    const [, name] = /\/pods\/([^/]+)$/.exec(url.pathname) ?? []
    if (name && method === 'GET') return JSON.parse(pod(Number.parseInt(name.split('-').at(-1) ?? '', 36)))
    return {}
  }
  let churning: NodeJS.Timeout[] = []
  let next = size.waiting
  const changePod = (): void => {
    next = size.waiting + ((next + 7_919) % (size.pods - size.waiting))
    setPod(next, 'ready')
  }
  const every = (perSecond: number, act: () => void) => (perSecond > 0 ? [setInterval(act, 1_000 / perSecond)] : [])
  const orders: { [K in ClusterOrder['kind']]: (order: Extract<ClusterOrder, { kind: K }>) => void } = {
    started: ({ pods }) => {
      for (const i of pods) void start(i)
    },
    thaw: ({ limit }) => {
      nodeLimit = limit
      for (let i = 0; i < Math.min(made.FROZEN_NODES, size.nodes); i++) setNode(i)
    },
    churn: ({ podsPerSecond, nodesPerSecond }) => {
      for (const timer of churning) clearInterval(timer)
      churning = [...every(podsPerSecond, changePod), ...every(nodesPerSecond, () => setNode((next + 13) % size.nodes))]
    },
    report: () => {
      const { user, system } = process.cpuUsage()
      process.send?.({ ...report, cpuMs: (user + system) / 1_000 } satisfies ClusterReport)
    },
  }
  process.on('message', (order: ClusterOrder) => orders[order.kind](order as never))
  process.once('disconnect', () => process.exit())
  // A watch that brings nothing for 75 s is given up.
  setInterval(() => {
    const bookmark = JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(version) } } })
    for (const { watchers } of Object.values(collections)) watchers.send(`${bookmark}\n`)
  }, 20_000)
  const server = createServer({ cert: tls.cert, key: tls.key }, (request, response) => {
    answer(request, response).catch(error => {
      const status = error instanceof KubeError ? error.status : 500
      send(response, status, { status: 'Failure', code: status, reason: error?.reason, message: String(error) })
    })
  })
  server.listen(port, '127.0.0.1', () => process.send?.('serving'))
}

type Body = Lease & { preconditions?: object; spec: { token: string } }

async function leaseCall(
  { leases, report }: { leases: MemoryLeaseApi; report: ClusterReport },
  { method, url, lease }: { method: string; url: URL; lease: Body },
): Promise<unknown> {
  const name = /\/leases\/([^/]+)$/.exec(url.pathname)?.[1]
  if (method === 'DELETE') {
    await leases.deleteLease('', name ?? '', lease.preconditions)
    return {}
  }
  if (method === 'GET' && name) return leases.getLease('', name)
  if (method === 'GET') {
    const label = url.searchParams.get('labelSelector') ?? ''
    return { metadata: {}, items: (await leases.listLeases()).filter(l => !label || l.metadata.labels?.[label]) }
  }
  const written = await (method === 'POST' ? leases.createLease(lease) : leases.replaceLease(lease))
  if (lease.metadata.name === ELECTION_LEASE) noteElection(report, lease.spec)
  else report.grantsAtMs.push(nowMs())
  return written
}

function noteElection(report: ClusterReport, { holderIdentity: holder }: LeaseSpec): void {
  if (holder && report.elections.at(-1)?.holder !== holder) report.elections.push({ holder, atMs: nowMs() })
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** A token of the bench is a JWT whose payload names its pod. */
function tokenReview({ spec }: { spec: { token: string } }, size: made.ClusterSize): unknown {
  const { 'kubernetes.io': claims } = JSON.parse(Buffer.from(spec.token.split('.')[1] ?? '', 'base64url').toString())
  const i = made.podIndexOf(claims.pod.uid)
  const extra = {
    'authentication.kubernetes.io/pod-name': [made.podNameOf(i)],
    'authentication.kubernetes.io/pod-uid': [made.uidOf(i)],
  }
  const username = `system:serviceaccount:${made.namespaceNameOf(i % size.namespaces)}:checkout`
  return { status: { authenticated: true, audiences: [TOKEN_AUDIENCE], user: { username, extra } } }
}

function secretOf(tls: Tls): unknown {
  const data = Object.entries({ 'tls.crt': tls.cert, 'tls.key': tls.key, 'ca.crt': tls.ca })
  const encoded = Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
  return {
    metadata: { name: 'startgate-certificates', namespace: 'startgate-system', uid: 's', resourceVersion: '1' },
    data: encoded,
  }
}

if (import.meta.main) main(JSON.parse(process.argv[2] ?? '{}') as ClusterOptions)
