import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { axeFindings } from '../browser/axe.ts'
import { type Browser, openBrowser } from '../browser/browser.ts'
import type { Tab } from '../browser/tab.ts'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { leaseServices, signal } from '../faults/node-processes.ts'
import { Plugin } from '../harness/plugin.ts'
import { deployment } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { startUi } from '../harness/ui.ts'
import { sequencedPod, startsIn } from '../workloads/sequenced-work.ts'

/* `kubectl startgate ui` in a real Chromium on a real cluster. What each screen shows: page-browser.e2e.ts. */

const text = 'document.body.innerText'
const WAITING = { phase: 'pending', gate: 'startgate-start' } as const

let session: Session
let plugin: Plugin
let browser: Browser
beforeAll(async () => {
  session = await openSession()
  plugin = await Plugin.build(session)
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
})

async function openPage(args: readonly string[] = []) {
  const ui = await startUi(plugin, args)
  const tab = await browser.newTab()
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') await keep(tab, `failed-${task.name}`)
    await tab.close()
    await ui.end()
  })
  await tab.resize(1280, 800)
  await tab.goto(ui.url)
  await tab.until(`document.querySelector('.connection').innerText.includes('live')`, limits.takeover.ms)
  return { ui, tab, show: (screen: string) => tab.evaluate(`location.hash = '#/${screen}'; undefined`) }
}

const ARTIFACTS = join(import.meta.dirname, '..', '..', 'artifacts', 'page')

async function keep(tab: Tab, name: string): Promise<void> {
  await mkdir(ARTIFACTS, { recursive: true })
  await writeFile(join(ARTIFACTS, `${name.replaceAll(/[^a-z0-9-]+/gi, '-').slice(0, 80)}.png`), await tab.screenshot())
}

test('a herd waits: the page shows who is next and why, as the cluster has it, and the herd until it is done', async () => {
  const observer = await observerFor(session)
  const settings = { 'max-starting': '0', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'page', gated: true, settings })
  const { tab, show } = await openPage()
  await namespace.apply([deployment('web', 6, { image: APP_IMAGE, startSeconds: 5 })])
  await expect.poll(() => observer.pods(namespace.name).length, { timeout: limits.podReady.ms }).toBe(6)
  for (const { metadata } of observer.pods(namespace.name))
    await podIs(observer, [namespace.name, metadata.name], WAITING, limits.gateRunning)
  const line = `line/${encodeURIComponent(`start:namespace/${namespace.name}`)}`
  await show(line)
  await tab.until(`${text}.includes('Frozen: nobody starts here.')`, limits.settingSeen.ms)
  await keep(tab, 'frozen')
  await namespace.set({ 'max-starting': '1' })
  await tab.until(`${text}.includes('1 of 1 slots in use; next in line')`, limits.settingSeen.ms)
  const next = await tab.evaluate<string>(`document.querySelector('[aria-rowindex="2"] .cell-pod').innerText`)
  const waits = observer.pods(namespace.name).map(({ metadata }) => `${namespace.name}/${metadata.name}`)
  expect(waits).toContain(next)
  await keep(tab, 'line')
  expect(await axeFindings(tab)).toEqual([])
  // The one that the page says is next is the next that starts.
  const [, name = ''] = next.split('/')
  await podIs(observer, [namespace.name, name], { phase: 'starting' }, limits.podReady)
  await show('herd')
  await tab.until(`/\\d+ of 6 let go/.test(${text})`, limits.settingSeen.ms)
  await allReady(observer, namespace.name, 6, limits.herdReady)
  await tab.until(`${text}.includes('6 let go in')`, limits.takeover.ms)
  await keep(tab, 'herd')
  expect(tab.complaints).toEqual([])
})

test('a pod with an order: its timeline, and who waits for whom, while it starts', async () => {
  const settings = { 'max-starting': '50', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'page-pod', gated: true, settings })
  const { tab, show } = await openPage()
  await show(`pods/${namespace.name}/shop`)
  const work = { dependsOn: 'web: [db]\n', containers: { db: startsIn(25) } }
  await namespace.apply([sequencedPod('shop', ['web', 'db'], work)])
  await tab.until(`${text}.includes('The others wait for db (starting).')`, limits.podReady.ms)
  expect(await tab.evaluate(`[...document.querySelectorAll('.edge')].map(edge => edge.textContent.trim())`)).toEqual([
    'web waits for db to be ready',
  ])
  expect(await tab.evaluate(`[...document.querySelectorAll('.lane-name')].map(name => name.title)`)).toEqual(
    expect.arrayContaining(['db', 'web']),
  )
  await keep(tab, 'pod')
  expect(await axeFindings(tab)).toEqual([])
  await tab.until(`${text}.includes('All of its containers are past starting')`, limits.herdReady.ms)
  // The picture stays when the leader tells no more of the pod.
  expect(await tab.evaluate(`document.querySelectorAll('.lane-bar').length`)).toBeGreaterThan(2)
})

test('the leader is killed while somebody watches: the page says so and goes on with the next', async () => {
  const settings = { 'max-starting': '0', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'page-leader', gated: true, settings })
  await namespace.apply([deployment('web', 2, { image: APP_IMAGE })])
  const { tab, ui } = await openPage()
  await tab.until(`${text}.includes('2 gates for 2 slots')`, limits.podReady.ms)
  const [former] = await leaseServices(session.cluster, session.kubectl)
  if (!former) throw new Error('nobody leads')
  await signal(session.cluster, former, 'KILL')
  await tab.until(`/ took over from | began a new term /.test(${text})`, limits.takeover.ms)
  await tab.until(`document.querySelector('.connection').innerText.includes('live')`, limits.takeover.ms)
  await keep(tab, 'takeover')
  await tab.until(`${text}.includes('2 gates for 2 slots')`, limits.takeover.ms)
  await namespace.set({ 'max-starting': '2' })
  await tab.until(`!${text}.includes('gates for')`, limits.herdReady.ms)
  // Nothing of this is a fault of the program.
  expect(ui.said().split('\n').filter(Boolean)).toHaveLength(1)
})

test('the address is worth nothing without its token, and nothing to another site', async () => {
  const { ui } = await openPage()
  const { origin } = new URL(ui.url)
  const status = async (url: string, headers: Record<string, string> = {}) => (await fetch(url, { headers })).status
  expect(await status(ui.url)).toBe(200)
  expect(await status(`${origin}/`)).toBe(404)
  expect(await status(`${ui.url}events`, { origin: 'http://evil.example' })).toBe(403)
})

test('who may read one namespace sees that one', async () => {
  const namespace = await namespaceFor(session, { word: 'page-own', gated: true })
  const { tab } = await openPage(['-n', namespace.name])
  await tab.until(`${text}.includes('Rows of namespace ${namespace.name} only.')`)
})
