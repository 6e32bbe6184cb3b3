import { describe, expect, test } from 'vitest'
import { userCluster } from '../../core/kube/user-cluster.ts'
import type { State } from '../../core/state-api.ts'
import { madePod } from '../../gate/lease-service/testing/made-pods.ts'
import { quiet } from '../../gate/lease-service/testing/made-service.ts'
import type { FakeApi } from '../testing/fake-api.ts'
import { ledCluster as cluster, LEADER, LEASE, TOKEN, WEBHOOK } from '../testing/led-cluster.ts'
import { ran } from '../testing/made-io.ts'
import { followState } from './state-watch.ts'

/*
 * The verbs that ask the leader: the real state API over the real lease service, behind TLS and a port-forward of an
 * API server on loopback.
 */

const NOW_MS = 1_700_000_061_000

const unexpected = (sentence: string): never => {
  throw new Error(sentence)
}

const on = (api: FakeApi, ...args: string[]) => ran([...args, '--kubeconfig', api.kubeconfig], { nowMs: () => NOW_MS })

test('status shows limits and the line', async () => {
  const { api } = await cluster()
  const { out, err, code } = await on(api, 'status')
  expect(err).toBe('')
  expect(code).toBe(0)
  expect(out).toMatch(/^startgate 1\.2\.3, lease-service-0 leads for \d+ s \(term 7\)\nstart: 2 gates wait for 2 slots/)
  expect(out).toMatch(/start +node\/worker-1 +1 +1 +2 +limits\.node\.maxStarting: 1 in the chart's values\n/)
  expect(out).toMatch(/1\/2 +shop\/b +startgate-start +1 start .*node worker-1 has 1 of 1 slots in use; next in line\n/)
  expect(out).toMatch(/2\/2 +shop\/c /)
})

test('status as JSON is the state itself, of one namespace with -n, cut to --rows', async () => {
  const { api } = await cluster({ token: 'shop' })
  const { out } = await on(api, 'status', '-n', 'shop', '-o', 'json', '--rows', '1')
  const state = JSON.parse(out) as State
  expect(state).toMatchObject({ kind: 'State', namespace: 'shop', waiting: { total: 2, items: [{ pod: 'b' }] } })
})

test('explain says what a pod waits for, who is ahead and where the limit is written', async () => {
  const { api } = await cluster()
  const { out, err } = await on(api, 'explain', 'c')
  expect(err).toBe('')
  expect(out).toMatch(/^Pod shop\/c on node worker-1: it waits in startgate-start\n/)
  expect(out).toContain('why:      start: node worker-1 has 1 of 1 slots in use; 2nd in line')
  expect(out).toContain('place:    2 of 2 in the line of node/worker-1')
  expect(out).toContain("limit:    1, 1 held; written in: limits.node.maxStarting: 1 in the chart's values")
  expect(out).toContain('ahead:    shop/b')
  expect(out).toContain("→ raise the limit: limits.node.maxStarting: 1 in the chart's values")
})

test('the leader is shown no token that is good for more, where there is another', async () => {
  const { api } = await cluster({ token: 'stranger' })
  api.answers[TOKEN] = { status: { token: 'all' } }
  expect((await on(api, 'status')).out).toContain('2 gates wait')
})

test('explain with a right in one namespace only asks for no more', async () => {
  const { api } = await cluster({ token: 'shop' })
  expect((await on(api, 'explain', 'pod/c')).out).toContain('ahead:    shop/b')
})

test('explain works from the API alone where there is no leader, and says so', async () => {
  const { api } = await cluster()
  api.answers[LEASE] = { metadata: {}, spec: {} }
  const { out, code } = await on(api, 'explain', 'c')
  expect(code).toBe(0)
  expect(out).toContain('it waits in startgate-start')
  expect(out).toContain('startgate-start started')
  expect(out).toMatch(/Told from the API alone, as the leader cannot be asked: no replica of the lease service leads/)
})

test('who shows a client certificate gets a token of startgate-viewer', async () => {
  const { api } = await cluster({ username: 'u', password: 'p' })
  api.answers[TOKEN] = 404
  expect((await on(api, 'status')).err).toMatch(
    /^error: the kubeconfig has no token, and namespace startgate-system has no/,
  )
  api.answers[TOKEN] = 403
  expect((await on(api, 'status')).err).toMatch(/you may not create one of ServiceAccount startgate-viewer; ask for/)
  api.answers[TOKEN] = { status: { token: 'all' } }
  expect((await on(api, 'status')).out).toContain('2 gates wait')
})

test('without the account of viewers the own token is shown with a warning, once', async () => {
  const { api } = await cluster()
  api.answers[TOKEN] = 404
  const { out, err, code } = await on(api, 'status')
  expect(code).toBe(0)
  expect(out).toContain('2 gates wait')
  expect(err).toMatch(/^warning: namespace startgate-system has no ServiceAccount startgate-viewer .* own token\n$/)
})

test.each([401, 429, 500, 503])('on a %d in place of a token the own one is shown to nobody', async status => {
  const { api, made } = await cluster()
  api.answers[TOKEN] = status
  const { out, err, code } = await on(api, 'status')
  expect({ out, code }).toEqual({ out: '', code: 3 })
  expect(err).toMatch(/^error: a token of ServiceAccount startgate-viewer: /)
  expect(made.access.reviewed).toBe(0)
})

describe('where it cannot be told there is one sentence, and exit code 3', () => {
  const cases: Record<string, { given?: FakeApi['answers']; token?: string; args?: string[]; want: RegExp }> = {
    'startgate is not installed': { given: { [WEBHOOK]: 404 }, want: /startgate is not installed in this cluster/ },
    'the webhook configuration may not be read': { given: { [WEBHOOK]: 403 }, want: /which has the CAs, cannot be read: .*403/ },
    'it has never led': { given: { [LEASE]: 404 }, want: /no lease service has led in namespace startgate-system/ },
    'nobody leads': { given: { [LEASE]: { spec: { holderIdentity: '' } } }, want: /no replica of the lease service leads at the moment.*try again/ },
    'the leader is gone': { given: { [LEADER]: 404 }, want: /pod lease-service-0, which led, is gone/ },
    'the leader has no such port': { given: { [LEADER]: { metadata: { labels: { 'app.kubernetes.io/version': '0.0.9' } }, spec: { containers: [] } } }, want: /\(0\.0\.9\) has no state API; upgrade it/ },
    'the credentials have expired': { given: { [LEASE]: 401 }, want: /does not accept the credentials of the kubeconfig; log in again/ },
    'the CA is another one': { given: { [WEBHOOK]: () => ({ webhooks: [{ clientConfig: { caBundle: Buffer.from('no').toString('base64'), service: { namespace: 'startgate-system' } } }] }) }, want: /cannot be reached: .*certificate/ },
    'the token is unknown to the API server': { token: 'stranger', want: /the leader does not tell its state: .*token/ },
    'there is a right in another namespace only': { token: 'shop', want: /queues.*with a right in one namespace: -n NAME/ },
    'there is no right in the namespace': { token: 'shop', args: ['-n', 'bank'], want: /\(asked for namespace bank\)/ },
  } // biome-ignore format: a table
  test.each(Object.entries(cases))('%s', async (_, { given = {}, token = 'all', args = [], want }) => {
    const { api } = await cluster({ token })
    Object.assign(api.answers, given)
    const { out, err, code } = await on(api, 'status', ...args)
    expect({ out, code }).toEqual({ out: '', code: 3 })
    expect(err).toMatch(want)
    expect(err).toMatch(/^error: [^\n]+\n$/)
  })
})

test('what is no number of rows, and a pod that there is not', async () => {
  const { api } = await cluster()
  expect(await on(api, 'status', '--rows', '0')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/--rows: "0" is not a valid/),
  })
  expect(await on(api, 'explain', 'x')).toMatchObject({
    code: 2,
    err: 'error: there is no pod x in namespace shop; use -n for another one\n',
  })
})

describe('top', () => {
  test('follows the changes', async () => {
    const { api, made } = await cluster()
    const stop = new AbortController()
    const states: State[] = []
    const { promise: first, resolve: hasFirst } = Promise.withResolvers<void>()
    const { promise: second, resolve: hasSecond } = Promise.withResolvers<void>()
    const followed = followState({
      cluster: userCluster({ kubeconfig: api.kubeconfig, requestTimeoutMs: 5_000 }),
      startgateNamespace: undefined,
      query: {},
      signal: stop.signal,
      onState: state => {
        states.push(state)
        if (states.length === 1) hasFirst()
        if (state.waiting.total === 3) hasSecond()
      },
      warn: unexpected,
      onTrouble: unexpected,
    })
    await first
    made.service.podChanged(madePod('d'))
    await made.ask('d')
    await quiet()
    await made.passes(2_000)
    await second
    stop.abort()
    await followed
    expect(states[0]?.waiting.items.map(({ pod }) => pod)).toEqual(['b', 'c'])
    expect(states.at(-1)?.waiting.items.map(({ pod }) => pod)).toEqual(['b', 'c', 'd'])
  })

  test('goes on with a new token, without a word, when that of its watch has expired', async () => {
    const { api, made } = await cluster()
    const stop = new AbortController()
    const tokens = ['shop', 'all']
    api.answers[TOKEN] = () => ({ status: { token: tokens.shift() ?? 'none' } })
    const states: State[] = []
    await followState({
      cluster: userCluster({ kubeconfig: api.kubeconfig, requestTimeoutMs: 5_000 }),
      startgateNamespace: undefined,
      query: { namespace: 'shop' },
      signal: stop.signal,
      warn: unexpected,
      onState: state => {
        states.push(state)
        if (states.length === 2) return stop.abort()
        made.access.expired.add('shop')
        void made.passes(61_000)
      },
      onTrouble: unexpected,
    })
    expect(tokens).toEqual([])
    expect(states[1]?.waiting.items.map(({ pod }) => pod)).toEqual(['b', 'c'])
  })

  const losses: Record<string, (made: Awaited<ReturnType<typeof cluster>>) => void> = {
    'the leader hangs up': ({ made }) => made.server.closeAllConnections(),
    'the API server ends the port-forward': ({ api }) => api.dropForwards(),
  }
  test.each(Object.entries(losses))('looks for the leader again when %s', async (_, lose) => {
    const all = await cluster()
    const stop = new AbortController()
    const troubles: string[] = []
    let states = 0
    await followState({
      cluster: userCluster({ kubeconfig: all.api.kubeconfig, requestTimeoutMs: 5_000 }),
      startgateNamespace: undefined,
      query: {},
      signal: stop.signal,
      onState: () => {
        states += 1
        if (states === 1) lose(all)
        else stop.abort()
      },
      warn: unexpected,
      onTrouble: sentence => troubles.push(sentence),
    })
    expect(states).toBe(2)
    expect(troubles).toHaveLength(1)
  })

  test('wants a terminal', async () => {
    const { api } = await cluster()
    expect(await on(api, 'top')).toMatchObject({ code: 2, err: expect.stringContaining('top needs a terminal') })
  })
})
