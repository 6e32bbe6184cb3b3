import { instead } from '../../core/errors.ts'
import { isObject } from '../../core/is-object.ts'
import { unusable } from '../model/failure.ts'

type Values = Record<string, unknown>

/** Given values over defaults, as helm does: mappings key by key, all else whole; null takes a default away. */
export function mergedValues(defaults: Values, given: Values): Values {
  const merged: Values = { ...defaults }
  for (const [key, value] of Object.entries(given)) {
    const below = merged[key]
    merged[key] = isObject(below) && isObject(value) ? mergedValues(below, value) : value
  }
  return merged
}

/** Mappings that take other keys than their defaults have. */
const OPEN = ['resources', 'nodeSelector']

/**
 * Throws Failure for the first value that the chart does not have, as helm does by the chart's schema: a misspelt one
 * would count for nothing.
 */
export function checkKnown(defaults: Values, given: Values, file: string): void {
  for (const [key, value] of Object.entries(given)) {
    if (!(key in defaults))
      throw unusable(`${file}: ${key} ${instead('is not a value of the chart', ...Object.keys(defaults).slice(0, 40))}`)
    const below = defaults[key]
    const isOpen = OPEN.includes(key) || (isObject(below) && Object.keys(below).length === 0)
    if (isObject(below) && !isOpen && isObject(value)) checkKnown(below, value, `${file}: ${key}`)
  }
}

const mappingIn = (values: Values, key: string): Values => (isObject(values[key]) ? values[key] : {})
const orNull = (value: unknown): unknown => value ?? null

/**
 * What the chart writes into config.json for these values (templates/_helpers.tpl, "startgate.config"); a test compares
 * the two.
 */
export function configOf(values: Values, { namespace, appVersion }: { namespace: string; appVersion: string }): Values {
  const [image, webhook, leaseService] = ['image', 'webhook', 'leaseService'].map(key => mappingIn(values, key)) as [
    Values,
    Values,
    Values,
  ]
  const [metrics, waiter] = [mappingIn(values, 'metrics'), mappingIn(values, 'nodeWaiter')]
  const provider = mappingIn(values, 'certificates').provider
  const byCertManager = provider === 'certManager'
  const skipped = Array.isArray(values.skippedNamespaces) ? values.skippedNamespaces : []
  return {
    image: imageOf(image, appVersion),
    imagePullPolicy: image.pullPolicy,
    namespace,
    leaseService: {
      name: 'startgate-lease-service',
      port: 443,
      listenPort: leaseService.port,
      serverName: `startgate-lease-service.${namespace}.svc`,
      writeConditions: leaseService.writeConditions,
    },
    webhook: {
      name: 'startgate-webhook',
      configurationName: 'startgate',
      listenPort: webhook.port,
      certificateSecret: byCertManager ? 'startgate-cert-manager-webhook' : 'startgate-webhook-certificates',
      allowOptOut: webhook.allowOptOut,
      clientCa: orNull(webhook.clientCa),
    },
    metrics: { listenPort: metrics.port, authorization: metrics.authorization },
    certificateProvider: provider,
    certificateSecret: byCertManager ? 'startgate-cert-manager-lease-service' : 'startgate-certificates',
    caSecret: 'startgate-ca',
    skippedNamespaces: [...new Set(['kube-system', 'kube-public', 'kube-node-lease', namespace, ...skipped])],
    after: values.after ?? [],
    sequence: { gates: mappingIn(values, 'sequence').gates ?? 'auto' },
    failOpenAfter: values.failOpenAfter,
    failOpenJitter: values.failOpenJitter,
    runAsUser: orNull(values.runAsUser),
    limits: limitsOf(mappingIn(values, 'limits')),
    ...timesOf(values),
    ...(waiter.enabled !== false && { nodeWaiter: { name: 'startgate-node-waiter', port: waiter.port ?? 7373 } }),
  }
}

function imageOf({ repository, digest, tag }: Values, appVersion: string): string {
  return digest ? `${repository}@${digest}` : `${repository}:${tag || appVersion}`
}

function limitsOf(limits: Values): Values {
  const [cluster, node] = [mappingIn(limits, 'cluster'), mappingIn(limits, 'node')]
  const pools = Array.isArray(limits.nodePools) ? limits.nodePools.filter(isObject) : []
  return {
    cluster: {
      maxStarting: orNull(cluster.maxStarting),
      maxPulling: orNull(cluster.maxPulling),
      maxStartRate: orNull(cluster.maxStartRate),
      minStartRate: orNull(cluster.minStartRate),
    },
    node: {
      ...nodeLimitsOf(node),
      ...(node.maxStartingAutoMax ? { maxStartingAutoMax: node.maxStartingAutoMax } : {}),
    },
    nodePools: pools.map(pool => ({
      selector: { matchLabels: mappingIn(mappingIn(pool, 'selector'), 'matchLabels') },
      ...nodeLimitsOf(pool),
    })),
    registries: limits.registries ?? {},
    pullRamp: limits.pullRamp ?? false,
    namespaceShare: limits.namespaceShare,
    maxWait: orNull(limits.maxWait),
    allowFloor: limits.allowFloor,
    allowWeight: limits.allowWeight,
  }
}

function nodeLimitsOf(limits: Values): Values {
  const pressure = mappingIn(limits, 'maxPressure')
  return {
    maxStarting: orNull(limits.maxStarting),
    maxStartingPerCore: orNull(limits.maxStartingPerCore),
    maxPulling: orNull(limits.maxPulling),
    maxPressure: { cpu: orNull(pressure.cpu), io: orNull(pressure.io), memory: orNull(pressure.memory) },
  }
}

function timesOf(values: Values): Values {
  return {
    startTimeout: values.startTimeout,
    maxStartTimeout: values.maxStartTimeout,
    pullTimeout: values.pullTimeout,
    settleTime: values.settleTime,
    waitingEventAfter: values.waitingEventAfter,
    lameDuck: `${values.lameDuckSeconds}s`,
    logLevel: values.logLevel,
  }
}
