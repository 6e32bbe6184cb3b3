/** A PodMonitor as the chart makes it. */
export interface PodMonitor {
  metadata: { name: string; namespace: string }
  spec: {
    selector: { matchLabels: Record<string, string> }
    podMetricsEndpoints: [Endpoint]
  }
}

interface SecretKey {
  name: string
  key: string
}

interface Endpoint {
  port: string
  path: string
  scheme: string
  interval: string
  honorLabels: boolean
  tlsConfig: { serverName: string; ca: { secret: SecretKey } }
  authorization?: { type: string; credentials: SecretKey }
}

/** The Secret keys that a PodMonitor names, which the operator brings to Prometheus as files. */
export function secretKeysOf({ spec }: PodMonitor): SecretKey[] {
  const [{ tlsConfig, authorization }] = spec.podMetricsEndpoints
  return [tlsConfig.ca.secret, ...(authorization ? [authorization.credentials] : [])]
}

/** Name of the file that holds such a key. */
export const fileOf = ({ name, key }: SecretKey): string => `${name}.${key}`

/** A pod as the API shows it. */
export interface ScrapedPod {
  metadata: { name: string; labels?: Record<string, string>; deletionTimestamp?: string }
  spec: { containers: { name: string; ports?: { name?: string; containerPort: number }[] }[] }
  status: { podIP?: string; phase: string }
}

/**
 * What the Prometheus Operator makes of a PodMonitor, as far as the chart uses it, but for the discovery of pods, which
 * Debian's Prometheus is built without: the pods of the monitor's namespace are given. `folder` is where Prometheus has
 * the files of secretKeysOf.
 */
export function scrapeConfigOf(monitor: PodMonitor, pods: ScrapedPod[], folder: string): object {
  const { metadata, spec } = monitor
  const [endpoint] = spec.podMetricsEndpoints
  const { tlsConfig, authorization } = endpoint
  return {
    job_name: `podMonitor/${metadata.namespace}/${metadata.name}/0`,
    scrape_interval: endpoint.interval,
    metrics_path: endpoint.path,
    scheme: endpoint.scheme,
    honor_labels: endpoint.honorLabels,
    tls_config: { server_name: tlsConfig.serverName, ca_file: `${folder}/${fileOf(tlsConfig.ca.secret)}` },
    ...(authorization && {
      authorization: {
        type: authorization.type,
        credentials_file: `${folder}/${fileOf(authorization.credentials)}`,
      },
    }),
    static_configs: pods.filter(pod => isSelected(pod, monitor)).flatMap(pod => targetsOf(pod, monitor)),
  }
}

function isSelected({ metadata, status }: ScrapedPod, { spec }: PodMonitor): boolean {
  // One that is being deleted would be a target for a moment, and then one that is down.
  if (status.phase !== 'Running' || metadata.deletionTimestamp !== undefined) return false
  return Object.entries(spec.selector.matchLabels).every(([label, value]) => metadata.labels?.[label] === value)
}

function targetsOf({ metadata: pod, spec, status }: ScrapedPod, monitor: PodMonitor): object[] {
  const { namespace, name } = monitor.metadata
  const endpoint = monitor.spec.podMetricsEndpoints[0].port
  return spec.containers.flatMap(({ name: container, ports = [] }) =>
    ports
      .filter(port => port.name === endpoint)
      .map(({ containerPort }) => ({
        targets: [`${status.podIP}:${containerPort}`],
        labels: { namespace, container, pod: pod.name, endpoint, job: `${namespace}/${name}` },
      })),
  )
}
