import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Node, Pod } from '../../core/pod.ts'
import { Costs, Dice, fuzzRuns, MOST_MS } from '../../core/testing/fuzz.ts'
import { NodeImages } from '../cluster/node-images.ts'
import type { MutateFacts } from '../mutate/mutate.ts'
import type { Operation } from '../patch/operation.ts'
import { FACTS, NAMESPACE, reviewOf, SETTINGS } from '../testing/facts.ts'
import { LARGE } from '../testing/fuzz-large.ts'
import { reviewText } from '../testing/fuzz-reviews.ts'
import { type AnswerDeps, answer } from './answer.ts'
import { parseBody } from './body.ts'
import { createWebhookMetrics, type WebhookMetrics } from './metrics.ts'
import type { AdmissionReview } from './review.ts'
import { buildServer } from './server.ts'

/** Nodes that say much about themselves. */
function nodesOf(count: number): NodeImages {
  const nodes = new NodeImages()
  for (let index = 0; index < count; index++) {
    const names = Array.from({ length: 50 }, (_, image) => `r.example/a:${image}`)
    const node: Node = {
      metadata: { name: `n${index}`, labels: { pool: 'a', l0: 'v' } },
      status: { conditions: [{ type: 'Ready', status: 'True' }], images: [{ names }] },
    }
    nodes.set(node)
  }
  return nodes
}

/** As many as Kubernetes can have; few where many reviews are made, which all look at each node. */
const MOST_NODES = nodesOf(5_000)
const FEW_NODES = nodesOf(10)
let nodes = MOST_NODES
const limitRanges = [{ type: 'Container', max: { memory: '2Gi' }, default: { memory: '128Mi' }, min: { cpu: '1m' } }]
const known: MutateFacts = { ...FACTS, everywhereFor: pod => nodes.everywhereFor(pod) }
const KNOWN: readonly [MutateFacts, MutateFacts, ...MutateFacts[]] = [
  known,
  { ...known, namespace: { ...NAMESPACE, hasLimitRange: true, limitRanges, hasResourceQuota: true } },
  // Where no image has to be pulled.
  { ...known, settings: { ...SETTINGS, allowOptOut: false, runAsUser: null }, everywhereFor: () => () => true },
  { settings: SETTINGS, namespace: undefined, everywhereFor: () => () => true },
]

const outcomes = new Map<string, number>()
let facts = KNOWN[0]
let reason = ''
const real = createWebhookMetrics()
const metrics: WebhookMetrics = {
  ...real,
  review(result, why, seconds) {
    real.review(result, why, seconds)
    reason = why
    outcomes.set(`${result} ${why}`, (outcomes.get(`${result} ${why}`) ?? 0) + 1)
  },
}
const deps: AnswerDeps = {
  factsFor: () => facts,
  unready: () => [],
  metrics,
  log: pino({ level: 'silent' }),
  monotonicMs: () => 0,
}
const server = buildServer({ ...deps, isDraining: () => false, reportUngated: () => undefined })
const costs = new Costs()

/** RFC 6902 as far as a webhook of ours may use it, by nobody's library. Changes the object. */
function apply(object: unknown, operations: Operation[]): void {
  for (const operation of operations) {
    const keys = operation.path
      .split('/')
      .slice(1)
      .map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    const last = keys.pop() ?? ''
    const parent = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], object)
    if (Array.isArray(parent)) applyToList(parent, last, operation)
    else applyToMap(parent as Record<string, unknown>, last, operation)
  }
}

function applyToList(list: unknown[], key: string, operation: Operation): void {
  const isThere = /^\d+$/.test(key) && Number(key) < list.length + (operation.op === 'add' ? 1 : 0)
  if (!isThere) throw new Error(`${operation.op} ${operation.path}: no such place`)
  const values = operation.op === 'remove' ? [] : [operation.value]
  list.splice(Number(key), operation.op === 'add' ? 0 : 1, ...values)
}

function applyToMap(map: Record<string, unknown>, key: string, operation: Operation): void {
  if (operation.op !== 'add' && !Object.hasOwn(map, key)) throw new Error(`${operation.path}: nothing there`)
  if (operation.op === 'remove') delete map[key]
  else map[key] = operation.value
}

/** Parsed and answered as the server does it. */
function answered(text: string): Answered {
  const review = parsedOf(text)
  if (!review) return { body: undefined, uid: undefined }
  const result = answer(review, deps)
  if (reason === 'InternalError') throw new Error('a fault of ours')
  return result.kind === 'review' ? { body: result.body, uid: review.request.uid } : { body: undefined, uid: undefined }
}

interface Answered {
  /** undefined where the server answers 400. */
  body: AdmissionReview | undefined
  uid: unknown
}

function parsedOf(text: string): { request: { uid: unknown } } | undefined {
  try {
    return parseBody(text) as { request: { uid: unknown } }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** What holds of every answer; the pod as it is created, if it was patched. */
function checkAnswer(text: string, { body, uid }: Answered): Pod | undefined {
  if (!body) return undefined
  const { response } = body
  if (response.uid !== uid) throw new Error('another uid')
  if ((response.status?.message.length ?? 0) > 10_000) throw new Error('a denial that nobody reads')
  if (response.patch === undefined) return undefined
  if (!response.allowed || response.patchType !== 'JSONPatch') throw new Error('a patch and no leave')
  const pod = JSON.parse(text).request.object
  apply(pod, JSON.parse(Buffer.from(response.patch, 'base64').toString()))
  return pod
}

function checkAgain(pod: Pod | undefined): void {
  if (!pod) return
  const { body } = answered(JSON.stringify(reviewOf(pod)))
  if (reason !== 'AlreadyGated' || !body?.response.allowed || body.response.patch !== undefined)
    throw new Error(`a second time is not as good as once: ${reason}`)
}

/** One of so many goes through the whole server, and with most nodes, which takes longer than the answer. */
const BY_SERVER = 20

async function checkServed(text: string): Promise<void> {
  const { statusCode, body } = await server.inject({
    method: 'POST',
    url: '/mutate',
    payload: text,
    headers: { 'content-type': 'application/json' },
  })
  if (statusCode !== 200 && statusCode !== 400) throw new Error(`status ${statusCode}: ${body.slice(0, 200)}`)
}

beforeAll(() => server.ready())
afterAll(async () => {
  await server.close()
  const slowest = costs.slowest().map(({ name, ms }) => `${ms} ms ${name}`)
  const counts = [...outcomes].sort((a, b) => b[1] - a[1]).map(([what, count]) => `${count} ${what}`)
  console.log(`slowest reviews:\n  ${slowest.join('\n  ')}\nanswers:\n  ${counts.join('\n  ')}`)
})

test.each(Object.entries(LARGE))('answered, and nobody else has to wait: %s', async (name, make) => {
  const text = make()
  expect(text.length).toBeLessThanOrEqual(3 * 1024 * 1024)
  // With what makes most work, and by the whole server with what is usual.
  nodes = MOST_NODES
  facts = KNOWN[1]
  const found = await costs.of(name, () => {
    const result = answered(text)
    JSON.stringify(result.body)
    return result
  })
  checkAgain(checkAnswer(text, found))
  facts = KNOWN[0]
  await costs.of(`${name}, by the server`, () => checkServed(text))
  expect(costs.slowest().filter(({ ms }) => ms > MOST_MS)).toEqual([])
})

test('whatever is made of a pod, the answer fits it, the patch applies, and twice is once', async () => {
  const runs = Math.floor(fuzzRuns(process.env) * 0.8)
  for (let seed = 0; seed < runs; seed++) {
    const dice = new Dice(seed)
    facts = dice.of(KNOWN)
    nodes = seed % BY_SERVER === 0 ? MOST_NODES : FEW_NODES
    const text = reviewText(dice)
    try {
      const found = costs.quick(
        () => `seed ${seed}`,
        () => answered(text),
      )
      checkAgain(checkAnswer(text, found))
      if (seed % BY_SERVER === 0) await checkServed(text)
    } catch (error) {
      throw new Error(`seed ${seed}: ${text}`, { cause: error })
    }
  }
  // One that is always turned away at the door shows nothing.
  const least = runs / 1_000
  for (const what of [
    'patched Gated',
    'denied BadInput',
    'skipped Windows',
    'skipped OptedOut',
    'skipped UnreadablePod',
    'malformed Malformed',
  ])
    expect(outcomes.get(what) ?? 0, what).toBeGreaterThan(least)
  expect(costs.slowest().filter(({ ms }) => ms > MOST_MS)).toEqual([])
}, 3_600_000)
