import { request } from 'node:https'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Abuse, abusers, roundsOf } from '../clients/abusers.ts'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { startVerdict } from '../harness/gate-verdict.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import { deployment } from '../harness/pod-templates.ts'
import { allReady } from '../harness/pod-waits.ts'
import { portForward } from '../harness/port-forward.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { type Part, programPods } from '../harness/system.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

const METRICS_PORT = 8444
const HERD = 12

let session: Session
beforeAll(async () => {
  session = await openSession()
})

async function clusterIpOf(service: Part): Promise<string> {
  const get = ['get', 'service', service, '-n', SYSTEM_NAMESPACE]
  return (await session.kubectl.json<{ spec: { clusterIP: string } }>(get)).spec.clusterIP
}

test('unfinished bodies, pipelined scrapes and made-up tokens without end: a herd of another namespace starts in order', async () => {
  const before = await programPods(session.kubectl)
  const [webhook, leaseService] = await Promise.all([
    clusterIpOf('startgate-webhook'),
    clusterIpOf('startgate-lease-service'),
  ])
  const abuses: Abuse[] = [
    { name: 'bodies', attack: 'bodies', host: webhook, port: 443 },
    { name: 'scrapes', attack: 'metrics', host: leaseService, port: 443 },
    { name: 'more-scrapes', attack: 'metrics', host: leaseService, port: METRICS_PORT },
    { name: 'tokens', attack: 'tokens', host: leaseService, port: 443 },
  ]
  const strangers = await namespaceFor(session, { word: 'abuse' })
  await strangers.apply(await abusers(before[0]?.image ?? '', abuses))
  const roundsOfAll = () => Promise.all(abuses.map(({ name }) => roundsOf(strangers, name)))
  const haveBegun = async () => (await roundsOfAll()).every(rounds => rounds.length > 0)
  await waitFor('each of the four has attacked once', haveBegun, limits.podReady)

  const observer = await observerFor(session)
  const settings = { 'max-starting': '2', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'victim', gated: true, settings })
  await namespace.apply([deployment('web', HERD, { image: APP_IMAGE, startSeconds: 3 })])
  const pods = await allReady(observer, namespace.name, HERD, limits.herdReady)
  expect(pods.map(pod => startVerdict(pod).verdict)).toEqual(Array(HERD).fill('granted'))
  expect(observer.starting([namespace.name]).peak.count).toBe(2)
  expect(await programPods(session.kubectl)).toEqual(before)

  const [bodies = [], scrapes = [], moreScrapes = [], tokens = []] = await roundsOfAll()
  const outcomesOf = (rounds: typeof bodies) => rounds.flatMap(({ outcomes }) => outcomes)
  // Nobody was kept, and nobody was served.
  for (const outcome of [bodies, scrapes, moreScrapes, tokens].flatMap(outcomesOf)) {
    expect(outcome.closed).toBe(true)
    expect(Object.keys(outcome.statuses)).not.toContain('200')
  }
  expect(outcomesOf(bodies).length).toBeGreaterThanOrEqual(30)
  // Hung up on long before they had said all.
  expect(outcomesOf(tokens).reduce((most, { sent }) => Math.max(most, sent), 0)).toBeLessThan(100_000)
})

test('metrics are told to whom RBAC lets read them, by both programs, on a port of their own', async () => {
  const namespace = await namespaceFor(session, { word: 'scraper' })
  const bind = ['create', 'clusterrolebinding', namespace.name, '--clusterrole=startgate-metrics-reader']
  onTestFinished(async () => {
    await session.kubectl.run(['delete', 'clusterrolebinding', namespace.name, '--ignore-not-found'])
  })
  await session.kubectl.run(['create', 'serviceaccount', 'prometheus', '-n', namespace.name])
  await session.kubectl.run([...bind, `--serviceaccount=${namespace.name}:prometheus`])
  const tokenOf = async (account: string) =>
    (await session.kubectl.text(['create', 'token', account, '-n', namespace.name])).trim()
  const [allowed, other] = [await tokenOf('prometheus'), await tokenOf('default')]
  const wanted: [Part, string][] = [
    ['startgate-webhook', 'startgate_webhook_reviews_total'],
    ['startgate-lease-service', 'startgate_leader'],
  ]
  for (const [part, metric] of wanted) {
    const forward = await portForward(session.cluster, SYSTEM_NAMESPACE, `deployment/${part}`, METRICS_PORT)
    onTestFinished(forward.close)
    const mayRead = async () => (await scrape(forward.port, allowed)).status === 200
    await waitFor('the binding is in force', mayRead, limits.settingSeen)
    expect((await scrape(forward.port, allowed)).body).toContain(metric)
    expect((await scrape(forward.port)).status).toBe(401)
    expect((await scrape(forward.port, 'made-up')).status).toBe(401)
    expect((await scrape(forward.port, other)).status).toBe(403)
  }
})

function scrape(port: number, token?: string): Promise<{ status: number; body: string }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  // The certificate is not what is tested here: the name it is for is not the forwarded address.
  const options = { host: '127.0.0.1', port, path: '/metrics', headers, rejectUnauthorized: false, agent: false }
  return new Promise((resolve, reject) => {
    const sent = request(options, answer => {
      let body = ''
      answer.setEncoding('utf8').on('data', chunk => {
        body += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}
