import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { buildPlugin } from '../../build-plugin.ts'
import { LEADER, LEASE, ledCluster } from '../testing/led-cluster.ts'

/*
 * The built program, `kubectl startgate ui`, as a user runs it, against the real state API behind TLS and a
 * port-forward of an API server on loopback.
 */

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubectl-startgate-ui-'))
  await buildPlugin(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function started(args: string[]) {
  const child = spawn(process.execPath, [join(folder, 'kubectl-startgate.mjs'), 'ui', ...args])
  const said = { out: '', err: '' }
  child.stdout.on('data', chunk => {
    said.out += String(chunk)
  })
  child.stderr.on('data', chunk => {
    said.err += String(chunk)
  })
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, said, ended }
}

/** The events of a stream so far. */
async function follow(url: string) {
  const stop = new AbortController()
  const answer = await fetch(url, { signal: stop.signal })
  const events: { event: string; data: string }[] = []
  const read = async (): Promise<void> => {
    let text = ''
    for await (const chunk of answer.body ?? []) {
      text += Buffer.from(chunk).toString()
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const [, event = '', data = ''] = /^event: (\w+)\ndata: (.*)/.exec(text.slice(0, end)) ?? []
        if (event) events.push({ event, data })
        text = text.slice(end + 2)
      }
    }
  }
  const done = read().catch(() => undefined)
  return { events, stop: () => stop.abort(), done }
}

test('prints its address, tells what the leader tells, goes on after a loss, and ends with Ctrl-C', async () => {
  const { api } = await ledCluster()
  const { child, said, ended } = started(['--kubeconfig', api.kubeconfig])
  await expect.poll(() => said.out, { timeout: 20_000 }).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/\n$/)
  const url = said.out.trim()
  expect(await (await fetch(url)).text()).toContain('<div id="page">')
  expect(await (await fetch(`${url}page.js`)).text()).toContain('EventSource')
  expect((await fetch(new URL('/', url))).status).toBe(404)
  const { events, stop, done } = await follow(`${url}events`)
  await expect.poll(() => events.length, { timeout: 10_000 }).toBe(1)
  const pods = (data = '{}') => JSON.parse(data).waiting.items.map(({ pod }: { pod: string }) => pod)
  expect(pods(events[0]?.data)).toEqual(['b', 'c'])
  expect(await (await fetch(`${url}line?scope=node%2Fworker-1`)).json()).toMatchObject({ total: 2 })
  api.dropForwards()
  await expect.poll(() => events.map(({ event }) => event), { timeout: 10_000 }).toEqual(['state', 'trouble', 'state'])
  expect(pods(events[2]?.data)).toEqual(['b', 'c'])
  stop()
  await done
  child.kill('SIGINT')
  expect(await ended).toBe(0)
})

test('follows the next leader when there is another', async () => {
  const [{ api, made }, next] = [await ledCluster(), await ledCluster()]
  const { said } = started(['--kubeconfig', api.kubeconfig])
  await expect.poll(() => said.out, { timeout: 20_000 }).toContain('http://')
  const { events, stop } = await follow(`${said.out.trim()}events`)
  await expect.poll(() => events.length, { timeout: 10_000 }).toBe(1)
  next.made.service.stopLeading()
  await next.made.service.startLeading(8)
  const leader = LEADER.replace('lease-service-0', 'lease-service-1')
  const ports = [{ name: 'metrics', containerPort: 8444 }]
  api.answers[leader] = { metadata: { name: 'lease-service-1' }, spec: { containers: [{ name: 'c', ports }] } }
  api.answers[LEASE] = { metadata: {}, spec: { holderIdentity: 'lease-service-1_2' } }
  api.forwards['startgate-system/lease-service-1/8444'] = Number(
    next.api.forwards['startgate-system/lease-service-0/8444'],
  )
  made.service.stopLeading()
  await made.passes(2_000)
  await expect.poll(() => events.map(({ event }) => event), { timeout: 15_000 }).toEqual(['state', 'trouble', 'state'])
  expect(JSON.parse(events[1]?.data ?? '').sentence).toMatch(/leads|leader/)
  expect([0, 2].map(i => JSON.parse(events[i]?.data ?? '').service.term)).toEqual([7, 8])
  stop()
})

test.each([
  ['a token that is not known', { token: 'stranger' }, [], /token/],
  ['a right in one namespace only', { token: 'shop' }, [], /-n NAME/],
  ['a right in another namespace', { token: 'shop' }, ['-n', 'bank'], /asked for namespace bank/],
])('the page is told of %s in a sentence', async (_, user, args, sentence) => {
  const { api } = await ledCluster(user)
  const { said } = started(['--kubeconfig', api.kubeconfig, ...args])
  await expect.poll(() => said.out, { timeout: 20_000 }).toContain('http://')
  const { events, stop } = await follow(`${said.out.trim()}events`)
  await expect.poll(() => events[0]?.data, { timeout: 10_000 }).toMatch(sentence)
  stop()
})

test('a port that is taken is a sentence', async () => {
  const { api } = await ledCluster()
  const first = started(['--kubeconfig', api.kubeconfig])
  await expect.poll(() => first.said.out, { timeout: 20_000 }).toContain('http://')
  const second = started(['--kubeconfig', api.kubeconfig, '--port', new URL(first.said.out.trim()).port])
  expect(await second.ended).toBe(2)
  expect(second.said.err).toMatch(/^error: --port: \d+ cannot be used \(listen EADDRINUSE[^\n]+\n$/)
})
