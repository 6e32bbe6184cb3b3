import { type AfterTarget, MOST_NODE_DAEMONSETS } from './after.ts'
import { ConfigReader, InvalidConfigError } from './config-reader.ts'
import { cut, InvalidValueError, instead, messageOf } from './errors.ts'
import { type LimitsConfig, limitsIn } from './limits-config.ts'

/** What the cluster's administrator chose: the chart's `config.json`, read by the webhook and the lease service. */
export interface ClusterConfig {
  /** startgate's own image, as the webhook writes it into gates. */
  image: string
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never'
  /** The namespace startgate runs in. */
  namespace: string
  leaseService: {
    /** Of the Service, the Deployment and the service account. */
    name: string
    /** Of the Service. */
    port: number
    /** Port the program listens on. */
    listenPort: number
    /** DNS name in the serving certificate, the same for all replicas; gates check it. */
    serverName: string
    /** Whether it may and does write its conditions into pods' statuses. */
    writeConditions: boolean
  }
  webhook: {
    /** Of the Service, the Deployment and the service account. */
    name: string
    /** Of the MutatingWebhookConfiguration. */
    configurationName: string
    listenPort: number
    /** The Secret with the webhook's own certificate and the CAs that verify it. */
    certificateSecret: string
    /** Whether a pod's author may have it left alone, by a label. */
    allowOptOut: boolean
    /** PEM: only who shows a certificate of this CA may ask for reviews; null: whoever asks. */
    clientCa: string | null
  }
  /** The waiter of each node; null: gates ask the lease service themselves. */
  nodeWaiter: {
    /** Of the DaemonSet and its service account. */
    name: string
    /** On each node's own address. */
    port: number
  } | null
  /** Of both programs. */
  metrics: {
    listenPort: number
    /** Whether a scraper must show a token that may `get` the nonResourceURL /metrics. */
    authorization: boolean
  }
  /** Who makes the certificates: the webhook itself, or cert-manager. */
  certificateProvider: (typeof CERTIFICATE_PROVIDERS)[number]
  /** The same of the lease service, where a former version looks for both programs' certificate. */
  certificateSecret: string
  /** The Secret with the CAs' keys, where the webhook makes the certificates itself. */
  caSecret: string
  /** Never gated; our own namespace and kube-system are among them. */
  skippedNamespaces: string[]
  /** DaemonSets (`node-daemonset`) that all gated pods come after, each on its node. */
  after: AfterTarget[]
  /** What a gate that an agent opens is: an init container that ends, or a sidecar; auto: by the kubelets. */
  sequenceGates: (typeof SEQUENCE_GATES)[number]
  /** Infinity: gates fail closed. */
  failOpenAfterMs: number
  failOpenJitterMs: number
  /**
   * Of injected containers; null leaves the field out, for clusters that give each namespace its own range (OpenShift).
   */
  runAsUser: number | null
  limits: LimitsConfig
  startTimeoutMs: number
  /** Caps what startup probes, annotations and EXTEND_TIMEOUT_USEC ask for. */
  maxStartTimeoutMs: number
  pullTimeoutMs: number
  /** How long a `simple` container runs before it counts as started. */
  settleTimeMs: number
  /** A pod that waits longer gets an Event. */
  waitingEventAfterMs: number
  /** After SIGTERM a replica goes on serving for this long, until no API server sends to it any more. */
  lameDuckMs: number
  logLevel: LogLevel
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]
const CERTIFICATE_PROVIDERS = ['self', 'certManager'] as const
const SEQUENCE_GATES = ['auto', 'init', 'sidecar'] as const
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'] as const

/**
 * Reads the text of `config.json`. Throws InvalidConfigError that lists every fault. Fields are required, since the
 * chart holds the defaults and a second set here would drift; but for lists, which a former version's file lacks and
 * which are then empty. Unknown fields are ignored: in an upgrade or a rollback a replica may start with the other
 * version's file, and the plugin reads whatever is installed.
 */
export function parseClusterConfig(text: string): ClusterConfig {
  const read = new ConfigReader(parseJson(text))
  const config: ClusterConfig = {
    image: read.text('image'),
    imagePullPolicy: read.oneOf('imagePullPolicy', PULL_POLICIES),
    namespace: read.name('namespace'),
    leaseService: leaseServiceIn(read),
    webhook: webhookIn(read),
    nodeWaiter: nodeWaiterIn(read),
    metrics: {
      listenPort: read.port('metrics.listenPort'),
      authorization: read.flag('metrics.authorization'),
    },
    certificateProvider: read.oneOf('certificateProvider', CERTIFICATE_PROVIDERS),
    certificateSecret: read.name('certificateSecret'),
    caSecret: read.name('caSecret'),
    skippedNamespaces: read.names('skippedNamespaces'),
    after: afterIn(read),
    // A former version's file has none.
    sequenceGates: read.isGiven('sequence') ? read.oneOf('sequence.gates', SEQUENCE_GATES) : 'init',
    failOpenAfterMs: read.patienceMs('failOpenAfter'),
    failOpenJitterMs: read.durationMs('failOpenJitter', 0),
    runAsUser: read.countOrNull('runAsUser'),
    limits: limitsIn(read),
    startTimeoutMs: read.durationMs('startTimeout', 1),
    maxStartTimeoutMs: read.durationMs('maxStartTimeout', 1),
    pullTimeoutMs: read.durationMs('pullTimeout', 1),
    settleTimeMs: read.durationMs('settleTime', 0),
    waitingEventAfterMs: read.durationMs('waitingEventAfter', 0),
    lameDuckMs: read.durationMs('lameDuck', 0),
    logLevel: read.oneOf('logLevel', LOG_LEVELS),
  }
  if (config.startTimeoutMs > config.maxStartTimeoutMs)
    read.fault('startTimeout', instead('is longer than maxStartTimeout', 'a shorter one', 'a longer maxStartTimeout'))
  if (read.problems.length > 0) throw new InvalidConfigError(read.problems)
  return config
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const remedy = instead(`is not valid JSON (${cut(messageOf(error))})`, 'the file that the chart writes')
    throw new InvalidConfigError([new InvalidValueError('config.json', cut(text, 80), remedy)])
  }
}

function leaseServiceIn(read: ConfigReader): ClusterConfig['leaseService'] {
  return {
    name: read.name('leaseService.name'),
    port: read.port('leaseService.port'),
    listenPort: read.port('leaseService.listenPort'),
    serverName: read.name('leaseService.serverName'),
    writeConditions: read.flag('leaseService.writeConditions'),
  }
}

function webhookIn(read: ConfigReader): ClusterConfig['webhook'] {
  return {
    name: read.name('webhook.name'),
    configurationName: read.name('webhook.configurationName'),
    listenPort: read.port('webhook.listenPort'),
    certificateSecret: read.name('webhook.certificateSecret'),
    allowOptOut: read.flag('webhook.allowOptOut'),
    clientCa: read.certificatesOrNull('webhook.clientCa'),
  }
}

/** The one part that may be absent: of a chart without it, or where it is switched off. */
function nodeWaiterIn(read: ConfigReader): ClusterConfig['nodeWaiter'] {
  return read.isGiven('nodeWaiter') ? { name: read.name('nodeWaiter.name'), port: read.port('nodeWaiter.port') } : null
}

function afterIn(read: ConfigReader): AfterTarget[] {
  const targets = read.list('after', path => read.nodeDaemonSet(path))
  if (targets.length > MOST_NODE_DAEMONSETS)
    read.fault('after', instead(`names ${targets.length} DaemonSets`, `at most ${MOST_NODE_DAEMONSETS}`))
  return targets
}
