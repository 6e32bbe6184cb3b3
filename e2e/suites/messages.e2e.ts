import { beforeAll, describe, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { deployment, pod } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { heldLeases } from '../harness/system.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

const ONE = { 'max-starting': '1', 'max-starting-per-node': '50' }
const STARTING = { phase: 'starting' } as const
const WAITING = { phase: 'pending', gate: 'startgate-start' } as const

let session: Session
beforeAll(async () => {
  session = await openSession()
})

test('a container that never gets ready gives its slot back at its start timeout, and an Event says so', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'stuck', gated: true, settings: ONE })
  const at = (name: string): [string, string] => [namespace.name, name]
  const annotations = { 'startgate.dev/start-timeout': '15s' }
  await namespace.apply([pod('stuck', { image: APP_IMAGE, stuck: true, annotations })])
  await podIs(observer, at('stuck'), STARTING, limits.podReady)
  await namespace.apply([pod('next', { image: APP_IMAGE })])
  await podIs(observer, at('next'), { phase: 'ready' }, limits.podReady)

  const { spans, peak } = observer.starting([namespace.name])
  expect(peak.count).toBe(1)
  expect(spans.map(s => [s.pod, s.endedBy])).toEqual([
    ['stuck', 'timeout'],
    ['next', 'ready'],
  ])
  expect(observer.pods(namespace.name).map(p => p.status?.containerStatuses?.[0]?.ready)).toEqual([true, false])
  await waitFor('an Event on the stuck pod', namespace.eventOf('stuck', /not ready within 15 s/), limits.eventSeen)
})

describe('a bad annotation', () => {
  const bad: Record<string, [Record<string, string>, RegExp]> = {
    'a timeout without a unit': [{ 'startgate.dev/start-timeout': '90' }, /startgate\.dev\/start-timeout: "90" .*90s/],
    'a word for a number': [{ 'startgate.dev/fail-open-after': 'soon' }, /startgate\.dev\/fail-open-after: "soon"/],
    'a name that does not exist': [{ 'startgate.dev/strat-timeout': '90s' }, /startgate\.dev\/strat-timeout/],
  }

  test('on a pod denies it with a sentence that names annotation, value and way out', async () => {
    const namespace = await namespaceFor(session, { word: 'bad-pod', gated: true })
    for (const [what, [annotations, words]] of Object.entries(bad)) {
      expect(await namespace.refusal([pod('bad', { image: APP_IMAGE, annotations })]), what).toMatch(words)
    }
    const annotations = { 'startgate.dev/start-timeout': '90s' }
    expect(await namespace.refusal([pod('good', { image: APP_IMAGE, annotations })])).toBeUndefined()
  })

  test('on a namespace keeps the last good value, and an Event on the namespace says so', async () => {
    const observer = await observerFor(session)
    const namespace = await namespaceFor(session, { word: 'bad-namespace', gated: true, settings: ONE })
    // The good value must have been seen before it is spoiled: a pod that it holds back shows that it was.
    await namespace.apply([pod('holder', { image: APP_IMAGE, stuck: true }), pod('waits', { image: APP_IMAGE })])
    const phases = () =>
      observer
        .pods(namespace.name)
        .flatMap(p => (p.status?.containerStatuses?.[0]?.state?.running ? p.metadata.name : []))
    const [first = ''] = await waitFor('one of both starts', () => phases().length > 0 && phases(), limits.podReady)
    const second = first === 'holder' ? 'waits' : 'holder'
    if (first === 'holder') await podIs(observer, [namespace.name, second], WAITING, limits.gateRunning)

    await namespace.set({ 'max-starting': 'lots' })
    const event = async () => {
      const selector = `involvedObject.kind=Namespace,involvedObject.name=${namespace.name}`
      const list = await session.kubectl.json<{ items: { message: string }[] }>([
        'get',
        'events',
        '-A',
        `--field-selector=${selector}`,
      ])
      return list.items.find(e => e.message.includes('startgate.dev/max-starting: "lots"'))
    }
    await waitFor('an Event on the namespace', event, limits.eventSeen)
    await namespace.kubectl.run(['delete', 'pod', 'holder', '-n', namespace.name])
    await namespace.apply([deployment('web', 4, { image: APP_IMAGE, startSeconds: 2 })])
    await allReady(observer, namespace.name, 5, limits.herdReady)
    expect(observer.starting([namespace.name]).peak.count).toBe(1)
  })
})

test('a waiting pod is Init:…, kubectl describe tells why, kubectl get leases tells who holds what', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'seen', gated: true, settings: ONE })
  await namespace.apply([pod('holder', { image: APP_IMAGE, stuck: true })])
  await podIs(observer, [namespace.name, 'holder'], STARTING, limits.podReady)
  await namespace.apply([pod('waits', { image: APP_IMAGE })])
  await podIs(observer, [namespace.name, 'waits'], WAITING, limits.gateRunning)

  const said = await waitFor(
    'a reason in kubectl describe',
    async () => {
      const text = await session.kubectl.text(['describe', 'pod', 'waits', '-n', namespace.name])
      return /place 1 of 1: .+/.exec(text)?.[0]
    },
    limits.eventSeen,
  )
  expect(said).toContain(`namespace ${namespace.name} has 1 of 1 slots in use`)
  const line = await session.kubectl.text(['get', 'pod', 'waits', '-n', namespace.name, '--no-headers'])
  expect(line.split(/\s+/)[2]).toMatch(/^Init:\d+\/\d+$/)
  const held = (await heldLeases(session.kubectl)).filter(l => l.holder.startsWith(`${namespace.name}/`))
  expect(held.map(l => [l.resource, l.holder])).toEqual([
    ['start', expect.stringContaining(`${namespace.name}/holder: 1 start slot`)],
  ])
  expect(await session.kubectl.text(['get', 'leases', '-n', 'startgate-system'])).toContain(`${namespace.name}/holder`)

  const seen = observer.events().flatMap(e => (e.kind === 'pod' && e.pod.metadata.name === 'waits' ? e.pod : []))
  const errors = seen
    .flatMap(p => p.status?.initContainerStatuses ?? [])
    .filter(s => s.restartCount > 0 || /Err|BackOff/.test(s.state?.waiting?.reason ?? ''))
  expect(errors).toEqual([])
})
