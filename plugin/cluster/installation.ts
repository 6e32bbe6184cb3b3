import type { ApiTransport } from '../../core/kube/transport.ts'
import type { ObjectMeta } from '../../core/pod.ts'
import { type Fact, fact } from './facts.ts'

export interface WebhookConfiguration {
  metadata: ObjectMeta
  webhooks?: {
    name: string
    failurePolicy?: string
    clientConfig: { caBundle?: string; service?: { namespace: string; name: string } }
  }[]
}

/** Where startgate is in a cluster, and the CAs that its servers are verified by. */
export interface Installation {
  namespace: string
  /** Whether the webhook configuration said where; else it is what was given, or the usual name. */
  isFound: boolean
  webhook: Fact<WebhookConfiguration>
  /** PEM; undefined where it could not be read. */
  caPem: string | undefined
}

const USUAL_NAMESPACE = 'startgate-system'
/** Of the MutatingWebhookConfiguration, the same in every installation. */
export const CONFIGURATION = 'startgate'

/** Finds startgate by its webhook configuration. `given` wins: for who may not read that. */
export async function findInstallation(transport: ApiTransport, given: string | undefined): Promise<Installation> {
  const path = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${CONFIGURATION}`
  const webhook = await fact(() => transport.request<WebhookConfiguration>({ method: 'GET', path }))
  const [first] = webhook.kind === 'known' ? (webhook.value.webhooks ?? []) : []
  const found = first?.clientConfig.service?.namespace
  const caBundle = first?.clientConfig.caBundle
  return {
    namespace: given ?? found ?? USUAL_NAMESPACE,
    isFound: found !== undefined,
    webhook,
    caPem: caBundle ? Buffer.from(caBundle, 'base64').toString('utf8') : undefined,
  }
}
