import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import type { Pod } from '../../core/pod.ts'
import { DEFAULT_LIMIT, MAX_LIMIT, STATE_API_VERSION, type State, type StateChanges } from '../../core/state-api.ts'
import { madeNamespace, madePod } from '../../gate/lease-service/testing/made-pods.ts'
import { quiet } from '../../gate/lease-service/testing/made-service.ts'
import { eventsIn, madeStateServer } from '../../gate/lease-service/testing/made-state-server.ts'
import { sequencedPod } from '../../gate/lease-service/testing/sequenced-pod.ts'

interface Schema {
  properties?: Record<string, Schema>
  items?: Schema
  [keyword: string]: unknown
}
interface OpenApi {
  info: { version: string }
  paths: { '/v1/state': { get: { parameters: { name: string; schema: Schema }[] } } }
  components: { schemas: Record<string, Schema> }
}

const page = join(import.meta.dirname, '..', 'reference', 'state-api.openapi.yaml')
const document = parse(readFileSync(page, 'utf8')) as OpenApi

/** As the document has it, but that nothing may be there which it does not name. */
function strict(schema: Schema): Schema {
  const { properties, items, ...rest } = schema
  const named = properties && Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, strict(of)]))
  return {
    ...rest,
    ...(items && { items: strict(items) }),
    ...(named && { properties: named, additionalProperties: false }),
  }
}

const schemas = Object.fromEntries(
  Object.entries(document.components.schemas).map(([name, schema]) => [name, strict(schema)]),
)
const ajv = new Ajv2020({ strict: false, allErrors: true }).addSchema({ $id: 'api', components: { schemas } })

/** What is wrong with a value by the document; empty when nothing is. */
function problemsOf(name: string, value: unknown): string[] {
  const check = ajv.getSchema(`api#/components/schemas/${name}`)
  if (!check) throw new Error(`the document has no schema ${name}`)
  check(value)
  return (check.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}

const gateEnd = { exitCode: 0, containerID: 'g1', finishedAt: '2026-01-01T00:00:01Z' }
const gate = {
  name: 'startgate-start',
  ready: true,
  restartCount: 0,
  containerID: 'g1',
  state: { terminated: gateEnd },
}
const started = madePod('a', {
  phase: 'Running',
  initContainerStatuses: [gate],
  containerStatuses: [{ name: 'app', ready: true, restartCount: 0, containerID: 'c1', state: { running: {} } }],
})
const verdict = { verdict: 'failed-open', gate: 'startgate-start', waitedMs: 60_000, reason: 'no contact' }
const failedOpen: Pod = {
  ...madePod('f'),
  status: {
    initContainerStatuses: [
      {
        ...{ name: 'startgate-start', ready: true, restartCount: 0, containerID: 'g2' },
        state: {
          terminated: {
            exitCode: 0,
            message: JSON.stringify(verdict),
            finishedAt: new Date(1_700_000_000_000).toISOString(),
          },
        },
      },
    ],
  },
}

/** What the real service tells of a world in which something of each kind has happened. */
async function told(): Promise<{ state: State; changes: StateChanges; refusals: unknown[] }> {
  const made = await madeStateServer([madePod('a'), madePod('b'), madePod('c'), sequencedPod(), failedOpen])
  const { service, world, read, open, passes } = made
  service.namespaceChanged(madeNamespace({}))
  await service.startLeading(7)
  for (const name of ['a', 'b', 'c']) await made.ask(name)
  service.podChanged(failedOpen)
  await quiet()
  service.namespaceChanged(madeNamespace({ 'startgate.dev/max-starting': '5', 'startgate.dev/max-start-rate': '1/s' }))
  await quiet()
  const watch = await open('/v1/state?watch')
  const state: State = (await read()).body
  service.podChanged(started)
  service.namespaceChanged(madeNamespace({ 'startgate.dev/max-starting': '0' }))
  await quiet()
  await passes()
  await expect.poll(() => eventsIn(watch.text()).length).toBeGreaterThan(1)
  const changes = eventsIn(watch.text())[1]?.data as StateChanges
  const refusals: unknown[] = []
  for (const [query, token] of [['?limit=0'], ['', ''], ['', 'made-up'], ['', 'shop']] as const)
    refusals.push((await read(query, token)).body)
  world.isLeader = false
  world.leader = { address: '192.0.2.9:8443', term: 8 }
  service.stopLeading()
  refusals.push((await read()).body)
  return { state, changes, refusals }
}

test('a real state is as the document has it, with something in each list but that of time-outs', async () => {
  const { state } = await told()
  expect(problemsOf('State', state)).toEqual([])
  const { scopes, waiting, nodes, pods, recent } = state
  for (const { items } of [scopes, waiting, nodes, pods, recent.grants, recent.failOpens]) expect(items).not.toEqual([])
})

test('so are changes and refusals', async () => {
  const { changes, refusals } = await told()
  expect(problemsOf('StateChanges', changes)).toEqual([])
  expect(changes).toMatchObject({ scopes: {}, waiting: {}, recent: { releases: { set: [{ reason: 'Ready' }] } } })
  expect(refusals.flatMap(body => problemsOf('Refusal', body))).toEqual([])
  expect(refusals).toHaveLength(5)
})

test('what the document does not name, or names and is not there, is found', async () => {
  const { state } = await told()
  expect(problemsOf('State', { ...state, colour: 'red' })).toEqual([expect.stringContaining('colour')])
  const { pods: _, ...rest } = state
  expect(problemsOf('State', rest)).toEqual([expect.stringContaining('pods')])
})

test('version, parameters and bounds are those of the code', () => {
  const { parameters } = document.paths['/v1/state'].get
  expect(document.info.version).toBe(STATE_API_VERSION)
  expect(parameters.map(({ name }) => name)).toEqual(['namespace', 'pod', 'scope', 'limit', 'continue', 'watch'])
  const limit = parameters.find(({ name }) => name === 'limit')?.schema
  expect(limit).toMatchObject({ maximum: MAX_LIMIT, default: DEFAULT_LIMIT })
})
