import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { anchorsIn } from '../docs/tests/links.ts'
import { type Manifest, nameOf, render } from './helm.ts'
import { type AlertRule, alertRules, DASHBOARD, dashboard, dashboardQueries } from './monitoring.ts'
import { namesIn } from './promql.ts'
import { registeredMetrics } from './registered-metrics.ts'

/** What Prometheus adds to each series of a PodMonitor. */
const TARGET_LABELS = ['pod', 'container', 'endpoint', 'job', 'instance', 'namespace']
const OPERATOR = ['--api-versions', 'monitoring.coreos.com/v1']
const ALL = ['podMonitor', 'prometheusRule', 'dashboard'].flatMap(part => ['--set', `monitoring.${part}.enabled=true`])

const rules = alertRules()
const metrics = registeredMetrics()

/** Labels of the metric that a series of this name is of; undefined when no program has such a series. */
function labelsOf(series: string): string[] | undefined {
  const base = series.replace(/_(bucket|sum|count)$/, '')
  for (const { name, type, labelNames } of metrics) {
    if (type === 'histogram' ? name === base && base !== series : name === series)
      return [...labelNames, ...(series.endsWith('_bucket') ? ['le'] : []), ...TARGET_LABELS]
  }
  return undefined
}

/** One line for each name that no program registers. */
function unknownNames(expression: string): string[] {
  const { selectors, groupings } = namesIn(expression)
  const unknown = selectors.flatMap(({ metric, labels }) => {
    const known = labelsOf(metric)
    if (!known) return [`no metric ${metric}`]
    return labels.filter(label => !known.includes(label)).map(label => `${metric} has no label ${label}`)
  })
  const kept = selectors.flatMap(({ metric }) => labelsOf(metric) ?? [])
  return [...unknown, ...groupings.filter(label => !kept.includes(label)).map(label => `nothing has a label ${label}`)]
}

test('what is said to be unknown is', () => {
  expect(unknownNames('sum by (zone) (startgate_slots{pool="a"})')).toEqual([
    'no metric startgate_slots',
    'nothing has a label zone',
  ])
  expect(unknownNames('startgate_leader{scope="cluster"}')).toEqual(['startgate_leader has no label scope'])
  expect(unknownNames('startgate_wait_seconds')).toEqual(['no metric startgate_wait_seconds'])
  expect(unknownNames('startgate_leader_count')).toEqual(['no metric startgate_leader_count'])
})

describe('alerts', () => {
  test.each(rules.map(rule => [rule.alert, rule] as const))('%s reads what the programs tell', (_, { expr }) => {
    expect(unknownNames(expr)).toEqual([])
    expect(namesIn(expr).selectors.length).toBeGreaterThan(0)
  })

  test('have a heading each in docs/operations/alerts.md, and no heading is of none', () => {
    const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'operations', 'alerts.md'), 'utf8')
    const anchors = [...anchorsIn(page)].filter(anchor => anchor.startsWith('startgate'))
    expect(anchors).toEqual(rules.map(({ alert }) => alert.toLowerCase()))
  })

  test.each(rules.map(rule => [rule.alert, rule] as const))(
    '%s says how bad it is, and names what it has',
    (_, rule) => {
      expect(['critical', 'warning', 'info']).toContain(rule.labels.severity)
      const text = Object.values(rule.annotations).join(' ')
      const named = [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label)
      expect(namesIn(rule.expr).groupings).toEqual(expect.arrayContaining(named))
    },
  )
})

describe('the dashboard', () => {
  const queries = dashboardQueries()

  test.each(queries.map(query => [query.name, query] as const))('%s', (_, { expr, legendFormat }) => {
    expect(unknownNames(expr)).toEqual([])
    const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label)
    expect(namesIn(expr).groupings).toEqual(expect.arrayContaining(named))
  })

  test('has no two queries of one name', () => {
    expect(new Set(queries.map(({ name }) => name)).size).toBe(queries.length)
  })

  test('asks only for variables that it defines', () => {
    const used = readFileSync(DASHBOARD, 'utf8').match(/\$\{?\w+/g) ?? []
    const names = new Set(used.map(word => word.replace(/^\$\{?/, '')).filter(name => !name.startsWith('__')))
    expect([...names].sort()).toEqual(
      dashboard()
        .templating.list.map(({ name }) => name)
        .sort(),
    )
  })
})

describe('in the chart', () => {
  const ofKind = (manifests: Manifest[], kind: string) => manifests.filter(manifest => manifest.kind === kind)

  test('nothing of it is there unless asked for', async () => {
    const names = (await render(OPERATOR)).map(nameOf)
    expect(names.filter(name => /Monitor|PrometheusRule|dashboard|startgate-system\/.*metrics/.test(name))).toEqual([])
  })

  test('each alert has the address of its runbook', async () => {
    const args = [...OPERATOR, ...ALL, '--set', 'monitoring.prometheusRule.runbookUrl=https://docs.example/alerts.html']
    const rendered = ofKind(await render(args), 'PrometheusRule').flatMap(({ spec }) =>
      (spec as unknown as { groups: { rules: AlertRule[] }[] }).groups.flatMap(group => group.rules),
    )
    expect(rendered).toEqual(
      rules.map(({ annotations, ...rest }) => {
        const runbook_url = `https://docs.example/alerts.html#${rest.alert.toLowerCase()}`
        return { ...rest, annotations: { ...annotations, runbook_url } }
      }),
    )
  })

  test('the dashboard is in its ConfigMap as it is in the file, with the label of the sidecar', async () => {
    const map = (await render(ALL.slice(4))).find(({ metadata }) => metadata.name === 'startgate-dashboard')
    expect(JSON.parse(map?.data?.['startgate.json'] ?? '')).toEqual(dashboard())
    expect(map?.metadata.labels).toMatchObject({ grafana_dashboard: '1' })
  })

  test('a PodMonitor finds the pods of each program, by a port that they have', async () => {
    const manifests = await render([...OPERATOR, ...ALL])
    const found = ofKind(manifests, 'PodMonitor').map(({ metadata, spec }) => {
      const { selector, podMetricsEndpoints: endpoints } = spec as unknown as PodMonitorSpec
      const deployments = ofKind(manifests, 'Deployment').filter(({ spec: { template } = {} }) => {
        const { labels = {} } = template?.metadata ?? {}
        return Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value)
      })
      const containers = deployments.flatMap(({ spec: deployed }) => deployed?.template?.spec.containers ?? [])
      const ports = (containers as unknown as { ports: { name: string }[] }[]).flatMap(container => container.ports)
      expect(ports.map(({ name }) => name)).toContain(endpoints[0]?.port)
      return [metadata.name, deployments.map(deployment => deployment.metadata.name)]
    })
    expect(found).toEqual([
      ['startgate-lease-service', ['startgate-lease-service']],
      ['startgate-webhook', ['startgate-webhook']],
    ])
  })

  test('no token is made where nobody is asked for one', async () => {
    const manifests = await render([...OPERATOR, ...ALL, '--set', 'metrics.authorization=false'])
    expect(ofKind(manifests, 'Secret')).toEqual([])
    expect(JSON.stringify(ofKind(manifests, 'PodMonitor'))).not.toContain('authorization')
  })

  test('is refused where there is no Prometheus Operator, but for the dashboard', async () => {
    await expect(render(ALL)).rejects.toThrow(/need the Prometheus Operator .*; install its CRDs first, or/)
    await render(ALL.slice(4))
  })
})

interface PodMonitorSpec {
  selector: { matchLabels: Record<string, string> }
  podMetricsEndpoints: { port: string }[]
}
