import type { KubeClient } from '../core/kube/client.ts'
import { isAlreadyExists, isConflict, isNotFound, orUndefined } from '../core/kube/kube-error.ts'
import type { ObjectMeta } from '../core/pod.ts'
import type { SecretData } from './bundle.ts'

/** The Secret as read; `metadata` is what a conditional write needs and nobody else looks at. */
export interface StoredSecret {
  data: SecretData
  metadata: ObjectMeta
  type?: string
}

export interface SecretReader {
  /** Undefined when there is none. */
  read(): Promise<StoredSecret | undefined>
}

/** A reader of one Secret, which can be named to whoever has to repair it. */
export interface LocatedSecretReader extends SecretReader {
  readonly location: SecretLocation
}

/** `Conflict`: somebody else wrote since; read again. */
export type WriteResult = 'Written' | 'Conflict'

export interface SecretStore extends SecretReader {
  create(data: SecretData): Promise<WriteResult>
  /** Only if the Secret is still the one that was read. */
  replace(read: StoredSecret, data: SecretData): Promise<WriteResult>
}

/** The webhook configuration, seen as a place to publish CAs. */
export interface CaPublisher {
  /** `Absent`: there is no configuration, so no API server calls the webhook. */
  publish(caBundlePem: string): Promise<'Patched' | 'Unchanged' | 'Absent'>
}

export interface SecretLocation {
  namespace: string
  name: string
}

type ReadClient = Pick<KubeClient, 'getSecret'>
type StoreClient = Pick<KubeClient, 'getSecret' | 'createSecret' | 'replaceSecret' | 'getDeployment'>

/** For programs that only read. */
export function kubernetesSecretReader(client: ReadClient, location: SecretLocation): LocatedSecretReader {
  const { namespace, name } = location
  return {
    location,
    async read() {
      const secret = await client.getSecret(namespace, name).catch(orUndefined(isNotFound))
      if (!secret) return undefined
      const { data, metadata, type } = secret
      return { data, metadata, ...(type !== undefined && { type }) }
    },
  }
}

/** `owner` is the Deployment that the Secret goes away with. */
export function kubernetesSecretStore(client: StoreClient, location: SecretLocation, owner: string): SecretStore {
  const { namespace, name } = location
  return {
    ...kubernetesSecretReader(client, location),
    async create(data) {
      const deployment = await client.getDeployment(namespace, owner)
      const ownerReferences = [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: owner, uid: deployment.metadata.uid ?? '' },
      ]
      const labels = { 'app.kubernetes.io/name': 'startgate', 'app.kubernetes.io/component': 'certificates' }
      const metadata = { name, namespace, labels, ownerReferences }
      const type = 'tls.crt' in data ? 'kubernetes.io/tls' : 'Opaque'
      return outcome(client.createSecret({ metadata, type, data }), isAlreadyExists)
    },
    replace(read, data) {
      const changed = (error: unknown) => isConflict(error) || isNotFound(error)
      // With the type as read: it cannot be changed, and somebody may have made the Secret by hand.
      return outcome(client.replaceSecret({ ...read, data }), changed)
    },
  }
}

/** `name` is the MutatingWebhookConfiguration's. */
export function kubernetesCaPublisher(
  client: Pick<KubeClient, 'patchMutatingWebhookCaBundle'>,
  name: string,
): CaPublisher {
  return {
    async publish(caBundlePem) {
      const base64 = Buffer.from(caBundlePem).toString('base64')
      return (await client.patchMutatingWebhookCaBundle(name, base64).catch(orUndefined(isNotFound))) ?? 'Absent'
    },
  }
}

async function outcome(write: Promise<unknown>, isLostRace: (error: unknown) => boolean): Promise<WriteResult> {
  try {
    await write
    return 'Written'
  } catch (error) {
    if (isLostRace(error)) return 'Conflict'
    throw error
  }
}
