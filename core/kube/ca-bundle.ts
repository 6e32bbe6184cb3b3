import type { ObjectMeta } from '../pod.ts'

/** The part of a MutatingWebhookConfiguration that carries CAs. */
export interface WebhookConfiguration {
  metadata: ObjectMeta
  webhooks?: { name: string; clientConfig: { caBundle?: string } }[]
}

export interface JsonPatchOperation {
  op: 'add' | 'test'
  path: string
  value: unknown
}

/**
 * The JSON patch that puts `caBundle` (base64 of PEM) into every webhook, empty when it is there already. It tests the
 * resourceVersion, since the webhooks are addressed by position.
 */
export function caBundlePatch(configuration: WebhookConfiguration, caBundle: string): JsonPatchOperation[] {
  const writes = (configuration.webhooks ?? []).flatMap<JsonPatchOperation>((webhook, index) =>
    webhook.clientConfig.caBundle === caBundle
      ? []
      : [{ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle }],
  )
  if (writes.length === 0) return []
  return [{ op: 'test', path: '/metadata/resourceVersion', value: configuration.metadata.resourceVersion }, ...writes]
}
