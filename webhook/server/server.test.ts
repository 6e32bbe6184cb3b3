import fc from 'fast-check'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { podOf, reviewOf } from '../testing/facts.ts'
import { madeServer } from '../testing/made-server.ts'
import { drain } from './drain.ts'
import { createWebhookMetrics } from './metrics.ts'
import type { ServerDeps } from './server.ts'
import type { Ungated } from './ungated.ts'

const log = pino({ level: 'silent' })

function serverWith(changes: Partial<ServerDeps> = {}) {
  const metrics = createWebhookMetrics()
  let nowMs = 0
  const told: Ungated[] = []
  const server = madeServer({
    metrics,
    log,
    monotonicMs: () => nowMs++,
    reportUngated: ungated => told.push(ungated),
    ...changes,
  })
  const mutate = (body: unknown) => server.inject({ method: 'POST', url: '/mutate', payload: body as object })
  const countOf = async (labels: string) => {
    const line = (await metrics.registry.metrics()).split('\n').find(l => l.includes(`{${labels}}`))
    return Number(line?.split(' ').at(-1) ?? 0)
  }
  return { server, mutate, countOf, told }
}

describe('POST /mutate', () => {
  test('patches a pod, and counts it', async () => {
    const { mutate, countOf } = serverWith()
    const answer = await mutate(reviewOf(podOf()))
    expect(answer.statusCode).toBe(200)
    expect(answer.json().response).toMatchObject({ uid: 'u-1', allowed: true, patchType: 'JSONPatch' })
    expect(await countOf('result="patched",reason="Gated"')).toBe(1)
  })

  test('skips, with the first reason in the metric', async () => {
    const { mutate, countOf } = serverWith()
    const answer = await mutate(reviewOf(podOf({}, { labels: { 'startgate.dev/inject': 'false' } })))
    expect(answer.json().response).toEqual({ uid: 'u-1', allowed: true })
    expect(await countOf('result="skipped",reason="OptedOut"')).toBe(1)
  })

  test('denies a bad annotation with a sentence that names it', async () => {
    const { mutate, countOf } = serverWith()
    const answer = await mutate(reviewOf(podOf({}, { annotations: { 'startgate.dev/start-timeout': 'soon' } })))
    expect(answer.json().response.status.message).toContain('startgate.dev/start-timeout: "soon"')
    expect(await countOf('result="denied",reason="BadInput"')).toBe(1)
  })

  test('tells the owner of a pod that it cannot gate, and nobody in a dry run', async () => {
    const controller = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d8', uid: 'u-9', controller: true }
    const tooSmall = podOf({ resources: { limits: { memory: '10Mi' } } }, { ownerReferences: [controller] })
    const { mutate, told } = serverWith()
    await mutate(reviewOf(tooSmall, { dryRun: true }))
    await mutate(reviewOf(podOf(), { dryRun: false }))
    expect(told).toEqual([])
    await mutate(reviewOf(tooSmall, { dryRun: false }))
    expect(told).toMatchObject([{ namespace: 'shop', owner: { name: 'web-5d8' }, reason: 'GateDoesNotFit' }])
    const broken = serverWith({ factsFor: () => undefined })
    await broken.mutate(reviewOf(podOf()))
    expect(broken.told).toMatchObject([{ owner: { kind: 'Namespace', name: 'shop' }, reason: 'NotReady' }])
  })

  test('counts apart what makes the pod as a whole ask for more', async () => {
    const { mutate, countOf } = serverWith()
    const resources = { limits: { cpu: '1', memory: '32Mi' } }
    const answer = await mutate(reviewOf(podOf({ containers: [{ name: 'web', image: 'web:1', resources }] })))
    expect(answer.json().response.warnings).toEqual([expect.stringMatching(/raise the pod's memory request to 96Mi/)])
    expect(await countOf('result="patched",reason="GatedRaisingRequest"')).toBe(1)
  })

  test('allows with a warning what it cannot gate', async () => {
    const { mutate, countOf } = serverWith()
    const answer = await mutate(reviewOf(podOf({ resources: { limits: { memory: '10Mi' } } })))
    expect(answer.json().response.warnings).toEqual([expect.stringMatching(/^startgate: not gated: .*10Mi/)])
    expect(await countOf('result="unchanged",reason="GateDoesNotFit"')).toBe(1)
  })

  test('allows with a warning while not all is known, and when we are at fault', async () => {
    const early = serverWith({ factsFor: () => undefined })
    expect((await early.mutate(reviewOf(podOf()))).json().response).toMatchObject({
      allowed: true,
      warnings: [{}].map(() => expect.any(String)),
    })
    expect(await early.countOf('result="unchanged",reason="NotReady"')).toBe(1)
    const broken = serverWith({
      factsFor: () => {
        throw new Error('a bug')
      },
    })
    expect((await broken.mutate(reviewOf(podOf()))).json().response).toMatchObject({ uid: 'u-1', allowed: true })
    expect(await broken.countOf('result="unchanged",reason="InternalError"')).toBe(1)
  })

  test('names what is not known yet, and the first bad field of a pod that it cannot read', async () => {
    const early = serverWith({
      factsFor: () => undefined,
      unready: () => ['namespaces not listed yet', 'x'.repeat(999)],
    })
    const said = 'not gated, the webhook does not know yet: namespaces not listed yet, xxx'
    const [warning] = (await early.mutate(reviewOf(podOf()))).json().response.warnings
    expect(warning.startsWith(`startgate: ${said}`)).toBe(true)
    expect(early.told[0]?.sentence).toMatch(new RegExp(`^${said}x+…$`))
    expect(early.told[0]?.sentence).toHaveLength(500)
    const late = serverWith({ factsFor: () => undefined, unready: () => ['nodes not listed yet'] })
    expect((await late.mutate(reviewOf(podOf()))).json().response.warnings).toEqual([
      'startgate: not gated, the webhook does not know yet: nodes not listed yet; create the pod again in a moment',
    ])
    const unreadable = await late.mutate(reviewOf({ metadata: {}, spec: { containers: [{ name: 'web', image: 7 }] } }))
    expect(unreadable.json().response).toEqual({
      uid: 'u-1',
      allowed: true,
      warnings: ['startgate: not gated: spec.containers[0].image is 7; use a string'],
    })
  })

  test('answers 400 to what is no review, with a sentence', async () => {
    const { mutate, countOf } = serverWith()
    const answer = await mutate({ ...reviewOf(podOf()), apiVersion: 'admission.k8s.io/v2' })
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toEqual({ code: 'MALFORMED_REVIEW', message: expect.stringContaining('admission.k8s.io/v2') })
    expect(await countOf('result="malformed",reason="Malformed"')).toBe(1)
  })

  const refused: Record<string, { payload: string; type?: string; want: number; message: string }> = {
    'broken JSON': { payload: '{', want: 400, message: 'is not valid JSON' },
    'an empty body': { payload: '', want: 400, message: 'is not valid JSON' },
    'another content type': { payload: 'x', type: 'application/yaml', want: 415, message: 'as application/json' },
    'more than 10 MiB': { payload: `"${'x'.repeat(10 * 1024 * 1024)}"`, want: 413, message: 'larger than 10 MiB' },
  }
  test.each(Object.entries(refused))('refuses %s', async (_, { payload, type = 'application/json', want, message }) => {
    const { server, countOf } = serverWith()
    const answer = await server.inject({ method: 'POST', url: '/mutate', payload, headers: { 'content-type': type } })
    expect(answer.statusCode).toBe(want)
    expect(answer.json().message).toContain(message)
    expect(await countOf('result="malformed",reason="Refused"')).toBe(1)
  })

  test('takes a review of 9 MiB', async () => {
    const { mutate } = serverWith()
    const env = [{ name: 'BIG', value: 'x'.repeat(9 * 1024 * 1024) }]
    const answer = await mutate(reviewOf(podOf({ containers: [{ name: 'web', image: 'nginx', env }] })))
    expect(answer.json().response).toMatchObject({ allowed: true, patchType: 'JSONPatch' })
    expect(answer.body.length).toBeLessThan(20_000)
  })

  test('never answers 5xx, and always with the uid of the request', async () => {
    const { server } = serverWith()
    const object = fc.oneof(
      fc.json({ maxDepth: 4 }).map(text => JSON.parse(text)),
      fc.record({ metadata: fc.object(), spec: fc.object({ key: fc.constantFrom('containers', 'volumes', 'initContainers', '__proto__') }) }),
      fc.constant(JSON.parse('{"__proto__": {"x": 1}, "metadata": {"labels": {"__proto__": "y"}}, "spec": {"containers": [{"name": "constructor"}]}}')),
    ) // biome-ignore format: alternatives
    const body = fc.oneof(
      fc.json(),
      object.map(value => JSON.stringify(reviewOf(value))),
      fc
        .tuple(object, fc.object())
        .map(([value, changes]) => JSON.stringify(reviewOf(value, { ...changes, uid: 'u-1' }))),
    )
    await fc.assert(
      fc.asyncProperty(body, async payload => {
        const answer = await server.inject({
          method: 'POST',
          url: '/mutate',
          payload,
          headers: { 'content-type': 'application/json' },
        })
        expect([200, 400]).toContain(answer.statusCode)
        const sent = JSON.parse(payload)
        if (sent?.request?.uid === 'u-1') expect(answer.json().response).toMatchObject({ uid: 'u-1', allowed: true })
      }),
      { numRuns: 500 },
    )
  })
})

describe('the other routes', () => {
  test('/readyz says what is missing', async () => {
    const missing = ['namespaces not listed yet', 'Service x not found yet']
    const { server } = serverWith({ unready: () => missing })
    expect(await server.inject('/readyz')).toMatchObject({ statusCode: 503, body: `${missing.join('\n')}\n` })
    expect(await server.inject('/healthz')).toMatchObject({ statusCode: 200 })
    expect(await serverWith().server.inject('/readyz')).toMatchObject({ statusCode: 200 })
  })

  test('anything else is 404 with a sentence', async () => {
    expect((await serverWith().server.inject('/')).json()).toEqual({
      code: 'NOT_FOUND',
      message: 'there is no GET "/" here; use POST /mutate',
    })
  })
})

test('a draining server is not ready, serves on, asks to close each connection, and closes after the lame-duck time', async () => {
  const state = { draining: false, closed: false }
  const { server, mutate } = serverWith({ isDraining: () => state.draining })
  server.addHook('onClose', async () => {
    state.closed = true
  })
  expect((await mutate(reviewOf(podOf()))).headers.connection).not.toBe('close')
  state.draining = true
  const slept: number[] = []
  const sleep = async (ms: number) => {
    slept.push(ms)
    expect(state.closed).toBe(false)
    expect(await server.inject('/readyz')).toMatchObject({ statusCode: 503, body: 'shutting down\n' })
    const answer = await mutate(reviewOf(podOf()))
    expect(answer).toMatchObject({ statusCode: 200, headers: { connection: 'close' } })
  }
  await drain(server, { lameDuckMs: 10_000, sleep, log })
  expect(slept).toEqual([10_000])
  expect(state.closed).toBe(true)
})

test('idle connections outlive those of Go’s HTTP client', () => {
  expect(serverWith().server.server.keepAliveTimeout).toBeGreaterThanOrEqual(100_000)
})
