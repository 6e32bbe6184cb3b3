import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { alertRules, dashboard, dashboardQueries, RULES } from '../../charts/monitoring.ts'
import { namesIn } from '../../charts/promql.ts'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import { Kubectl } from '../harness/kubectl.ts'
import { deployment } from '../harness/pod-templates.ts'
import { portForward } from '../harness/port-forward.ts'
import { E2E_VALUES, namespaceFor, openCluster, openSession, type Session } from '../harness/session.ts'
import { takeDown } from '../harness/system.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { addOperatorCrds, removeOperatorCrds } from '../prometheus/operator-crds.ts'
import { type Prometheus, ruleFileOf, startPrometheus } from '../prometheus/prometheus.ts'
import { checkRules, testRules } from '../prometheus/promtool.ts'

const INTERVAL = '5s'

/** With a limit for the cluster and a maximum pressure, so that there is something to tell of each. */
function valuesWithMonitoring(): Record<string, unknown> {
  const { cluster, node, ...others } = E2E_VALUES.limits as { cluster: object; node: object }
  return {
    ...E2E_VALUES,
    limits: {
      ...others,
      cluster: { ...cluster, maxStarting: 100 },
      node: { ...node, maxPressure: { cpu: 100 } },
    },
    monitoring: {
      podMonitor: { enabled: true, interval: INTERVAL },
      prometheusRule: { enabled: true },
      dashboard: { enabled: true },
    },
  }
}

/** Series that only an incident makes, and who shows them. Queries of nothing else have to return something. */
const NEEDS_INCIDENT: Record<string, string> = {
  startgate_fail_opens_total: 'a gate that has had no contact for failOpenAfter; suite faults-leader',
  startgate_set_aside_total: 'an API server that refuses a Lease: suite poison',
  'startgate_webhook_reviews_total{result="unchanged"}': 'a pod whose gates do not fit it, or a webhook not ready yet',
}

const needsIncident = ({ metric, text }: { metric: string; text: string }): boolean =>
  metric in NEEDS_INCIDENT || text in NEEDS_INCIDENT

let session: Session
let prometheus: Prometheus
beforeAll(async () => {
  const { env } = await openCluster()
  await addOperatorCrds(new Kubectl(env))
  session = await openSession(valuesWithMonitoring())
  prometheus = await startPrometheus(session)
})
// Back to an installation without monitoring while helm can still delete what it made of those kinds.
afterAll(async () => {
  await prometheus?.remove()
  const { kubectl } = await openSession()
  await removeOperatorCrds(kubectl)
})

/** As Grafana would send it, for all namespaces. */
const filledIn = (expr: string): string => expr.replaceAll('$namespace', '.*').replaceAll('$__rate_interval', '1m')

/** Expressions that return nothing yet, each with the name of its panel or alert. */
async function silentOnes(): Promise<string[]> {
  const queries = dashboardQueries().map(({ name, expr }) => ({ name, expr: filledIn(expr) }))
  // Rules compare, and return nothing when all is well: of them it is what they read that has to be there.
  const readers = [...queries, ...alertRules().map(({ alert, expr }) => ({ name: alert, expr }))]
  const asked = [
    // A query that an incident alone gives something is sent all the same: Prometheus has to take it.
    ...queries.map(({ name, expr }) => ({ name, expr, mayBeSilent: namesIn(expr).selectors.some(needsIncident) })),
    ...readers.flatMap(({ name, expr }) =>
      namesIn(expr).selectors.map(selector => ({ name, expr: selector.text, mayBeSilent: needsIncident(selector) })),
    ),
  ]
  const silent: string[] = []
  for (const { name, expr, mayBeSilent } of asked)
    if ((await prometheus.query(expr)).length === 0 && !mayBeSilent) silent.push(`${name}: ${expr}`)
  return silent
}

/** A request that both programs' clients would never make, refused with a code. */
async function beRefused(): Promise<void> {
  const forward = await portForward(session.cluster, SYSTEM_NAMESPACE, 'service/startgate-lease-service', 443)
  try {
    await new Promise<void>((resolve, reject) => {
      // The certificate is not what is tested here: the name it is for is not the forwarded address.
      const where = { host: '127.0.0.1', port: forward.port, path: '/v1/gates/startgate-start' }
      const sent = request({ ...where, method: 'POST', rejectUnauthorized: false }, answer => {
        answer.resume().on('end', resolve)
      })
      sent.on('error', reject)
      sent.end('{}')
    })
  } finally {
    forward.close()
  }
}

test('all replicas of both programs are scraped, over TLS that is verified, with the token of the account', async () => {
  const allUp = async () => {
    const targets = await prometheus.targets()
    const faults = targets.filter(({ health }) => health !== 'up').map(({ lastError }) => lastError)
    if (faults.length > 0) throw new Error(faults.join('; ') || 'not scraped yet')
    return targets.length >= 4 && targets
  }
  const targets = await waitFor('four targets are up', allUp, limits.limitInForce)
  const jobs = targets.map(({ labels }) => labels.job).sort()
  const wanted = ['startgate-lease-service', 'startgate-webhook'].map(name => `${SYSTEM_NAMESPACE}/${name}`)
  expect(jobs).toEqual(wanted.flatMap(job => [job, job]))
})

test('what the account may read is the metrics and nothing else', async () => {
  const as = `--as=system:serviceaccount:${SYSTEM_NAMESPACE}:startgate-metrics-reader`
  const mayI = (args: string[]) =>
    session.kubectl.text(['auth', 'can-i', ...args, as]).then(
      text => text.trim(),
      () => 'no',
    )
  expect(await mayI(['get', '/metrics'])).toBe('yes')
  for (const args of [
    ['get', 'pods', '-A'],
    ['list', 'secrets', '-n', SYSTEM_NAMESPACE],
    ['create', 'leases'],
  ])
    expect(await mayI(args), args.join(' ')).toBe('no')
})

test('every query of dashboard and rules returns something of a cluster at work', async () => {
  const settings = { 'max-starting': '1', 'max-starting-per-node': '50' }
  const busy = await namespaceFor(session, { word: 'busy', gated: true, settings })
  const stuckSettings = { ...settings, 'min-start-rate': '12/min', 'max-wait': 'for ever' }
  const stuck = await namespaceFor(session, { word: 'stuck', gated: true, settings: stuckSettings })
  await busy.apply([deployment('web', 12, { image: APP_IMAGE, startSeconds: 20 })])
  // One holds the slot for good; the others pass by the floor, and an annotation cannot be read.
  await stuck.apply([deployment('hang', 3, { image: APP_IMAGE, stuck: true })])
  await beRefused()

  let silent: string[] = []
  const allSpeak = async () => {
    silent = await silentOnes()
    if (silent.length > 0) throw new Error(silent.join('\n'))
    return true
  }
  await waitFor('every query returns something', allSpeak, limits.herdReady)
  expect(silent).toEqual([])
})

test('every rule is evaluated without a fault, and what fires is what we did', async () => {
  const evaluated = async () => {
    const rules = await prometheus.rules()
    return rules.length === alertRules().length && rules.every(({ evaluationTime }) => evaluationTime > 0) && rules
  }
  const rules = await waitFor('the rules are evaluated', evaluated, limits.limitInForce)
  expect(rules.filter(({ health }) => health !== 'ok')).toEqual([])
  const critical = alertRules().filter(({ labels }) => labels.severity === 'critical')
  const firing = rules.filter(({ state }) => state === 'firing').map(({ name }) => name)
  expect(firing.filter(name => critical.some(({ alert }) => alert === name))).toEqual([])
})

test('promtool finds the rules right, those of the file and those in the cluster, and their unit tests pass', async () => {
  const count = alertRules().length
  expect(await checkRules(readFileSync(RULES, 'utf8'))).toBe(count)
  expect(await checkRules(await ruleFileOf(session))).toBe(count)
  await testRules()
})

test('the dashboard is where the sidecar of Grafana looks for it', async () => {
  const selector = ['-l', 'grafana_dashboard=1', '-n', SYSTEM_NAMESPACE]
  const { items } = await session.kubectl.json<{ items: { data: Record<string, string> }[] }>([
    'get',
    'configmaps',
    ...selector,
  ])
  expect(items.map(({ data }) => JSON.parse(data['startgate.json'] ?? ''))).toEqual([dashboard()])
})

test('when nobody grants, the alert about it fires', async () => {
  const bringBack = await takeDown(session.kubectl, 'startgate-lease-service')
  onTestFinished(bringBack, limits.rollout.ms)
  const fires = async () =>
    (await prometheus.rules()).some(({ name, state }) => name === 'StartgateNoLeader' && state === 'firing')
  await waitFor('StartgateNoLeader fires', fires, limits.failOpen)
})
