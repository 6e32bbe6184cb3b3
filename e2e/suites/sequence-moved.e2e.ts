import { beforeAll, expect, test } from 'vitest'
import type { Manifest } from '../harness/kubectl.ts'
import { namespaceFor, openSession, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { conditionIn, containerIn, expectOrder, isReady, readPod, shellIn } from '../workloads/sequenced-pods.ts'
import { sequencedPod } from '../workloads/sequenced-work.ts'

const SLACK = { 'max-starting': '50', 'max-starting-per-node': '50' }

let session: Session
beforeAll(async () => {
  session = await openSession()
})

const namespaceOf = (word: string) => namespaceFor(session, { word, gated: true, settings: SLACK })

test('a moved container serves behind a named port, its readiness counts, and kubectl goes to the first container', async () => {
  const namespace = await namespaceOf('moved')
  const serve = {
    command: [
      'sh',
      '-c',
      'mkdir /state/www; echo hello >/state/www/index.html; touch /state/ready; exec httpd -f -p 8080 -h /state/www',
    ],
    ports: [{ name: 'http', containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/index.html', port: 'http' }, periodSeconds: 1 },
  }
  const ports = [{ port: 80, targetPort: 'http' }]
  await namespace.apply([
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports } },
    sequencedPod('web', ['app', 'server'], { dependsOn: 'app: [server]\n', containers: { server: serve } }),
  ])
  await isReady(namespace, 'web')
  const { kubectl, name } = namespace
  const get = () => kubectl.text(['get', '--raw', `/api/v1/namespaces/${name}/services/web:80/proxy/index.html`])
  expect(await waitFor('the Service answers', get, limits.podReady)).toBe('hello\n')

  expect(await kubectl.text(['logs', 'web', '-n', name])).toMatch(/^ready \d+$/m)
  // The server's own directory has the page beside it.
  expect(await kubectl.text(['exec', 'web', '-n', name, '--', 'ls', '/state'])).toBe('ready\n')
  await shellIn(namespace, ['web', 'server'], 'rm /state/www/index.html')
  const unready = async () => conditionIn(await readPod(namespace, 'web'), 'Ready')?.status === 'False'
  await waitFor("the pod is unready when the moved container's probe fails", unready, limits.podReady)
})

test('a StatefulSet, a pod on the host network and one that shares its process namespace start in order', async () => {
  const namespace = await namespaceOf('kinds')
  const dependsOn = 'app: [db]\n'
  const made = (name: string, spec: Record<string, unknown> = {}) =>
    sequencedPod(name, ['app', 'db'], { dependsOn, spec })
  const { metadata, spec } = made('set')
  const set: Manifest = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'set' },
    spec: { serviceName: 'set', replicas: 2, selector: { matchLabels: { app: 'set' } }, template: { metadata, spec } },
  }
  await namespace.apply([set, made('host', { hostNetwork: true }), made('shared', { shareProcessNamespace: true })])
  const pods = ['set-0', 'host', 'shared', 'set-1']
  await waitFor('the second replica is made', async () => (await readPod(namespace, 'set-1')) && true, limits.herdReady)
  for (const name of pods) {
    const seen = await isReady(namespace, name)
    expect(containerIn(seen, 'startgate')?.state?.running, `${name} has an agent`).toBeDefined()
    await expectOrder(namespace, name, [['app', 'db']])
  }
})
