import type { Clock } from '../core/clock.ts'
import type { ClusterConfig } from '../core/cluster-config.ts'
import type { KubeClient } from '../core/kube/client.ts'
import type { Logger } from '../core/log.ts'
import type { IdentityView } from './identity.ts'
import { systemKeys } from './keys.ts'
import { type Expiries, startRotator } from './rotator.ts'
import { startCertificateSource } from './source.ts'
import { splitSecretStore } from './split-store.ts'
import { kubernetesCaPublisher, kubernetesSecretReader, kubernetesSecretStore } from './store.ts'

export interface Certificates extends IdentityView {
  /** Of those that this program can see. */
  expiries(): Partial<Expiries> | undefined
}

export interface CertificatesOptions {
  client: KubeClient
  config: ClusterConfig
  clock: Clock
  log: Logger
}

/** The webhook's certificates: it keeps those of both programs, unless cert-manager does. */
export function startWebhookCertificates({ client, config, clock, log }: CertificatesOptions): Certificates {
  const location = { namespace: config.namespace, name: config.webhook.certificateSecret }
  if (config.certificateProvider === 'certManager')
    return startCertificateSource({ secret: kubernetesSecretReader(client, location), maker: 'cert-manager', log })
  const store = (name: string) => kubernetesSecretStore(client, { ...location, name }, config.webhook.name)
  return startRotator({
    secret: splitSecretStore({
      serving: store(config.webhook.certificateSecret),
      leaseService: store(config.certificateSecret),
      authority: store(config.caSecret),
    }),
    publisher: kubernetesCaPublisher(client, config.webhook.configurationName),
    keys: systemKeys,
    clock,
    log,
    dnsNames: {
      serving: [`${config.webhook.name}.${config.namespace}.svc`],
      leaseService: [config.leaseService.serverName],
    },
  })
}
