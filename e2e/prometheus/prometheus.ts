import { stringify } from 'yaml'
import { loadImage } from '../cluster/cluster.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import type { Manifest } from '../harness/kubectl.ts'
import { portForward } from '../harness/port-forward.ts'
import type { Session } from '../harness/session.ts'
import { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { prometheusImage } from './promtool.ts'
import { fileOf, type PodMonitor, type ScrapedPod, scrapeConfigOf, secretKeysOf } from './scrape-config.ts'

const PORT = 9090
const CONFIG = '/etc/prometheus-config'
const SECRETS = '/etc/prometheus-secrets'
const NAME = 'prometheus'
const EVALUATION = '5s'

/** One series and its value now. */
export interface Sample {
  metric: Record<string, string>
  value: [number, string]
}

export interface Target {
  health: string
  lastError: string
  labels: Record<string, string>
}

export interface EvaluatedRule {
  name: string
  /** `inactive`, `pending` or `firing`. */
  state: string
  health: string
  lastError?: string
  /** Empty until it was evaluated for the first time. */
  evaluationTime: number
}

/** A Prometheus in the cluster that scrapes and evaluates as the objects of the chart say. */
export interface Prometheus {
  query(expr: string): Promise<Sample[]>
  targets(): Promise<Target[]>
  rules(): Promise<EvaluatedRule[]>
  /** Ends it, with all that was made for it. */
  remove(): Promise<void>
}

/**
 * Does the Prometheus Operator's work: brings PodMonitors and PrometheusRules to a Prometheus. It scrapes the pods that
 * there are now.
 */
export async function startPrometheus(session: Session): Promise<Prometheus> {
  const { cluster, kubectl } = session
  const image = await prometheusImage(cluster.env)
  await loadImage(cluster, image)
  const namespace = await TestNamespace.create(kubectl, NAME)
  try {
    await namespace.apply([await secretsOf(session), await configOf(session), deploymentOf(image)])
    const isReady = ['rollout', 'status', `deployment/${NAME}`, '-n', namespace.name]
    await kubectl.run([...isReady, `--timeout=${limits.rollout.ms / 1000}s`])
    const forward = await portForward(cluster, namespace.name, `deployment/${NAME}`, PORT)
    return {
      ...clientOf(`http://127.0.0.1:${forward.port}/api/v1`),
      remove: async () => {
        forward.close()
        await namespace.remove()
      },
    }
  } catch (error) {
    await namespace.remove()
    throw error
  }
}

function clientOf(url: string): Omit<Prometheus, 'remove'> {
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${url}/${path}`, { signal: AbortSignal.timeout(limits.settingSeen.ms) })
    const body = (await response.json()) as { status: string; error?: string; data: T }
    if (body.status !== 'success') throw new Error(`${path}: ${body.error}`)
    return body.data
  }
  return {
    query: async expr => (await get<{ result: Sample[] }>(`query?query=${encodeURIComponent(expr)}`)).result,
    targets: async () => (await get<{ activeTargets: Target[] }>('targets?state=active')).activeTargets,
    rules: async () => (await get<{ groups: { rules: EvaluatedRule[] }[] }>('rules')).groups.flatMap(g => g.rules),
  }
}

const monitorsOf = async ({ kubectl }: Session): Promise<PodMonitor[]> =>
  (await kubectl.json<{ items: PodMonitor[] }>(['get', 'podmonitors', '-n', SYSTEM_NAMESPACE])).items

/** Copies of the keys that PodMonitors name, each once Kubernetes or the webhook has put it there. */
async function secretsOf(session: Session): Promise<Manifest> {
  const keys = (await monitorsOf(session)).flatMap(secretKeysOf)
  const data: Record<string, string> = {}
  for (const { name, key } of keys) {
    const read = async () => {
      const secret = await session.kubectl.json<{ data?: Record<string, string> }>([
        'get',
        'secret',
        name,
        '-n',
        SYSTEM_NAMESPACE,
      ])
      return secret.data?.[key]
    }
    data[fileOf({ name, key })] = await waitFor(`${key} in Secret ${name}`, read, limits.settingSeen)
  }
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: NAME }, data }
}

interface PrometheusRule {
  spec: { groups: object[] }
}

/** The groups of all PrometheusRules of the chart, as a rule file. */
export async function ruleFileOf({ kubectl }: Session): Promise<string> {
  const { items } = await kubectl.json<{ items: PrometheusRule[] }>(['get', 'prometheusrules', '-n', SYSTEM_NAMESPACE])
  return stringify({ groups: items.flatMap(({ spec }) => spec.groups) })
}

async function configOf(session: Session): Promise<Manifest> {
  const { items: pods } = await session.kubectl.json<{ items: ScrapedPod[] }>(['get', 'pods', '-n', SYSTEM_NAMESPACE])
  const config = {
    global: { evaluation_interval: EVALUATION },
    rule_files: [`${CONFIG}/rules.yaml`],
    scrape_configs: (await monitorsOf(session)).map(monitor => scrapeConfigOf(monitor, pods, SECRETS)),
  }
  const data = { 'prometheus.yml': stringify(config), 'rules.yaml': await ruleFileOf(session) }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME }, data }
}

function deploymentOf(image: string): Manifest {
  const container = {
    name: NAME,
    image,
    imagePullPolicy: 'IfNotPresent',
    command: [
      '/usr/bin/prometheus',
      `--config.file=${CONFIG}/prometheus.yml`,
      '--storage.tsdb.path=/data',
      '--storage.tsdb.retention.time=2h',
      `--web.listen-address=:${PORT}`,
    ],
    readinessProbe: { httpGet: { path: '/-/ready', port: PORT }, periodSeconds: 1, failureThreshold: 120 },
    volumeMounts: [
      { name: 'config', mountPath: CONFIG },
      { name: 'secrets', mountPath: SECRETS },
      { name: 'data', mountPath: '/data' },
    ],
  }
  const volumes = [
    { name: 'config', configMap: { name: NAME } },
    { name: 'secrets', secret: { secretName: NAME } },
    { name: 'data', emptyDir: {} },
  ]
  const spec = {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 5,
    securityContext: { runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532 },
    containers: [container],
    volumes,
  }
  const labels = { app: NAME }
  const template = { metadata: { labels }, spec }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: NAME },
    spec: { replicas: 1, selector: { matchLabels: labels }, template },
  }
}
