import { beforeAll, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import type { Manifest } from '../harness/kubectl.ts'
import { pod } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

/**
 * The core example of the study: limit 2, and B and C cannot become ready before A. They are applied first; that A
 * cannot be scheduled before both hold a slot makes it the bad case each time.
 */
const LIMIT = { 'max-starting': '2', 'max-starting-per-node': '50' }
const PORT = 8080
const SERVICE: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'a' },
  spec: { selector: { app: 'a' }, ports: [{ port: PORT }] },
}

let session: Session
beforeAll(async () => {
  session = await openSession()
})

/** A pod of the usual kind with another program; ready when this file is there. */
function running(name: string, script: string, annotations: Record<string, string>): Manifest {
  const made = pod(name, { image: APP_IMAGE, annotations, probe: 'file' })
  const { containers } = made.spec as { containers: { command: string[] }[] }
  for (const container of containers) container.command = ['sh', '-c', `trap 'exit 0' TERM\n${script}`]
  return made
}

/** Serves; its own readiness is that of its server. */
const A = `
httpd -f -p ${PORT} -h /state &
until nc -w 1 127.0.0.1 ${PORT} </dev/null; do sleep 1 & wait $!; done
touch /state/ready
wait`

/** Ready once it has reached A, by the Service's address: the static busybox has no resolver. */
const NEEDS_A = `
until nc -w 1 $A_SERVICE_HOST ${PORT} </dev/null; do sleep 1 & wait $!; done
touch /state/ready
while :; do sleep 3600 & wait $!; done`

/** B and C, both applied before A is. */
async function applyBandC(namespace: TestNamespace, annotations: Record<string, string>): Promise<void> {
  await namespace.apply([SERVICE])
  await namespace.apply(['b', 'c'].map(name => running(name, NEEDS_A, annotations)))
}

test("the study's case as pods, with `after`: B and C hold nothing while they wait, and all three end", async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'study', gated: true, settings: LIMIT })
  await applyBandC(namespace, { 'startgate.dev/after': 'pod/a' })
  const waiting = { phase: 'pending', gate: 'startgate-start' } as const
  for (const name of ['b', 'c']) await podIs(observer, [namespace.name, name], waiting, limits.gateRunning)
  await namespace.apply([running('a', A, {})])
  await allReady(observer, namespace.name, 3, limits.podReady)
  const { spans, peak } = observer.starting([namespace.name])
  expect(spans.map(s => [s.pod, s.endedBy]).sort()).toEqual(['a', 'b', 'c'].map(name => [name, 'ready']))
  expect(spans[0]?.pod).toBe('a')
  expect(peak.count).toBeLessThanOrEqual(2)
})

test('the same pods without order deadlock under the limit, and the start timeout gets out of it', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'deadlock', gated: true, settings: LIMIT })
  await applyBandC(namespace, { 'startgate.dev/start-timeout': '30s' })
  for (const name of ['b', 'c']) await podIs(observer, [namespace.name, name], { phase: 'starting' }, limits.podReady)
  await namespace.apply([running('a', A, {})])
  const said = async () => {
    const log = await namespace.log('a', 'startgate-start')
    return log.includes(`namespace ${namespace.name} has 2 of 2 slots in use`)
  }
  await waitFor('A waits for a slot that B and C hold', said, limits.gateRunning)
  await allReady(observer, namespace.name, 3, limits.podReady)
  const { spans, peak } = observer.starting([namespace.name])
  const endsOf = (pod: string) => spans.filter(s => s.pod === pod).map(s => s.endedBy)
  expect(endsOf('a')).toEqual(['ready'])
  // The first timeout lets A in. On a busy machine the other one runs some seconds later, and A may be ready before.
  expect([...endsOf('b'), ...endsOf('c')]).toContain('timeout')
  expect(peak.count).toBe(2)
})
