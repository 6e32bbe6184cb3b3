import { existsSync } from 'node:fs'
import { KubeConfig } from '@kubernetes/client-node'
import { InvalidValueError, instead, notValid } from '../errors.ts'
import type { ObjectMeta, Pod } from '../pod.ts'
import { caBundlePatch, type WebhookConfiguration } from './ca-bundle.ts'
import { type EventFacts, eventObject } from './event.ts'
import { isAlreadyExists, isConflict, KubeError } from './kube-error.ts'
import type { Lease } from './lease.ts'
import { listAll } from './list.ts'
import { readTokenReview, type TokenReviewStatus, type TokenVerdict } from './token-review.ts'
import { type ApiTransport, createTransport } from './transport.ts'

export interface Preconditions {
  uid?: string
  resourceVersion?: string
}

/** A Secret with its values decoded to text. */
export interface Secret {
  metadata: ObjectMeta
  type?: string
  data: Record<string, string>
}

export interface Service {
  metadata: ObjectMeta
  spec?: { clusterIP?: string; clusterIPs?: string[]; ports?: { name?: string; port: number }[] }
}

/** Options of one call. */
export interface CallOptions {
  timeoutMs?: number
}

/**
 * What startgate asks of the API server. Reads are quorum reads. Faults are KubeErrors: an object that does not exist
 * is one too (`isNotFound`), a lost race another (`isConflict`, `isAlreadyExists`).
 */
export interface KubeClient {
  transport: ApiTransport
  createLease(lease: Lease, options?: CallOptions): Promise<Lease>
  getLease(namespace: string, name: string, options?: CallOptions): Promise<Lease>
  /** Conditional on the uid and resourceVersion in `lease.metadata`; both must be there. */
  replaceLease(lease: Lease, options?: CallOptions): Promise<Lease>
  listLeases(namespace: string, labelSelector?: string): Promise<Lease[]>
  deleteLease(namespace: string, name: string, preconditions?: Preconditions): Promise<void>
  reviewToken(token: string, audience: string): Promise<TokenVerdict>
  getPod(namespace: string, name: string): Promise<Pod>
  getService(namespace: string, name: string): Promise<Service>
  getDeployment(namespace: string, name: string): Promise<{ metadata: ObjectMeta }>
  /** Puts the bundle into every webhook of the configuration; writes nothing when it is there. */
  patchMutatingWebhookCaBundle(name: string, caBundleBase64: string): Promise<'Patched' | 'Unchanged'>
  getSecret(namespace: string, name: string): Promise<Secret>
  createSecret(secret: Secret): Promise<Secret>
  /** Conditional like replaceLease. */
  replaceSecret(secret: Secret): Promise<Secret>
  /** Succeeds also when this very Event is there already. */
  createEvent(facts: EventFacts): Promise<void>
}

const CA_BUNDLE_ATTEMPTS = 5

/**
 * A client for the cluster this process runs in, else for the one of `kubeconfig`, $KUBECONFIG or the user's default
 * file. Every request ends after `requestTimeoutMs` (10 s).
 */
export function createKubeClient(options: { kubeconfig?: string; requestTimeoutMs?: number } = {}): KubeClient {
  return createKubeClientOn(createTransport(loadKubeConfig(options.kubeconfig), options.requestTimeoutMs ?? 10_000))
}

function loadKubeConfig(file: string | undefined): KubeConfig {
  const config = new KubeConfig()
  if (file) config.loadFromFile(file)
  else if (process.env.KUBERNETES_SERVICE_HOST && existsSync('/var/run/secrets/kubernetes.io/serviceaccount/token')) {
    config.loadFromCluster()
  } else config.loadFromDefault()
  return config
}

/** The client's calls over any transport. */
export function createKubeClientOn(transport: ApiTransport): KubeClient {
  const get = <T>(path: string, options: CallOptions = {}) => transport.request<T>({ method: 'GET', path, ...options })
  return {
    transport,
    ...leaseCalls(transport),
    ...secretCalls(transport),
    getPod: (namespace, name) => get(`/api/v1/namespaces/${segment(namespace)}/pods/${segment(name)}`),
    getService: (namespace, name) => get(`/api/v1/namespaces/${segment(namespace)}/services/${segment(name)}`),
    getDeployment: (namespace, name) =>
      get(`/apis/apps/v1/namespaces/${segment(namespace)}/deployments/${segment(name)}`),
    async reviewToken(token, audience) {
      const body = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, audiences: [audience] },
      }
      const path = '/apis/authentication.k8s.io/v1/tokenreviews'
      const review = await transport.request<{ status?: TokenReviewStatus }>({ method: 'POST', path, body })
      return readTokenReview(review.status, audience)
    },
    patchMutatingWebhookCaBundle: (name, caBundle) => patchCaBundle(transport, name, caBundle),
    async createEvent(facts) {
      const body = eventObject(facts)
      const path = `/api/v1/namespaces/${segment(body.metadata.namespace)}/events`
      await transport.request({ method: 'POST', path, body }).catch(error => {
        if (!isAlreadyExists(error)) throw error
      })
    },
  }
}

type LeaseCalls = Pick<KubeClient, 'createLease' | 'getLease' | 'replaceLease' | 'listLeases' | 'deleteLease'>

function leaseCalls(transport: ApiTransport): LeaseCalls {
  const pathOf = (namespace: string | undefined, name?: string) => {
    const collection = `/apis/coordination.k8s.io/v1/namespaces/${segment(namespace)}/leases`
    return name === undefined ? collection : `${collection}/${segment(name)}`
  }
  const typed = (lease: Lease) => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...lease })
  return {
    createLease: (lease, options = {}) =>
      transport.request({ method: 'POST', path: pathOf(lease.metadata.namespace), body: typed(lease), ...options }),
    getLease: (namespace, name, options = {}) =>
      transport.request({ method: 'GET', path: pathOf(namespace, name), ...options }),
    async replaceLease(lease, options = {}) {
      const { namespace, name } = conditional('Lease', lease.metadata)
      return transport.request({ method: 'PUT', path: pathOf(namespace, name), body: typed(lease), ...options })
    },
    listLeases: async (namespace, labelSelector) =>
      (await listAll<Lease>(transport, pathOf(namespace), { labelSelector })).items,
    async deleteLease(namespace, name, preconditions) {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...(preconditions && { preconditions }) }
      await transport.request({ method: 'DELETE', path: pathOf(namespace, name), body })
    },
  }
}

type SecretCalls = Pick<KubeClient, 'getSecret' | 'createSecret' | 'replaceSecret'>

function secretCalls(transport: ApiTransport): SecretCalls {
  const pathOf = (namespace: string | undefined) => `/api/v1/namespaces/${segment(namespace)}/secrets`
  const recode = (data: Record<string, string> = {}, from: BufferEncoding, to: BufferEncoding) =>
    Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, from).toString(to)]))
  const encoded = (secret: Secret) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    ...secret,
    data: recode(secret.data, 'utf8', 'base64'),
  })
  const decoded = (secret: Secret): Secret => ({ ...secret, data: recode(secret.data, 'base64', 'utf8') })
  return {
    async getSecret(namespace, name) {
      return decoded(await transport.request({ method: 'GET', path: `${pathOf(namespace)}/${segment(name)}` }))
    },
    async createSecret(secret) {
      const path = pathOf(secret.metadata.namespace)
      return decoded(await transport.request({ method: 'POST', path, body: encoded(secret) }))
    },
    async replaceSecret(secret) {
      const { namespace, name } = conditional('Secret', secret.metadata)
      const path = `${pathOf(namespace)}/${segment(name)}`
      return decoded(await transport.request({ method: 'PUT', path, body: encoded(secret) }))
    },
  }
}

async function patchCaBundle(
  transport: ApiTransport,
  name: string,
  caBundle: string,
): Promise<'Patched' | 'Unchanged'> {
  const path = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${segment(name)}`
  for (let attempt = 1; ; attempt++) {
    const patch = caBundlePatch(await transport.request<WebhookConfiguration>({ method: 'GET', path }), caBundle)
    if (patch.length === 0) return 'Unchanged'
    try {
      await transport.request({ method: 'PATCH', path, body: patch, contentType: 'application/json-patch+json' })
      return 'Patched'
    } catch (error) {
      // A failed `test` is 422, not 409.
      const changed = isConflict(error) || (error instanceof KubeError && error.status === 422)
      if (!changed || attempt === CA_BUNDLE_ATTEMPTS) throw error
    }
  }
}

/**
 * Leases may be created by an update (their strategy's AllowCreateOnUpdate), so a PUT with only a resourceVersion would
 * bring a deleted one back to life; the uid makes that a conflict.
 */
function conditional(kind: string, metadata: ObjectMeta): { namespace: string | undefined; name: string | undefined } {
  if (!metadata.resourceVersion || !metadata.uid) {
    throw new InvalidValueError(
      `${kind} metadata`,
      metadata.name ?? '',
      instead('has no resourceVersion or uid', 'an object that was read from the API server'),
    )
  }
  return { namespace: metadata.namespace, name: metadata.name }
}

function segment(name: string | undefined): string {
  if (!name) throw new InvalidValueError('metadata', name ?? '', notValid('name or namespace', 'one that is not empty'))
  return encodeURIComponent(name)
}
