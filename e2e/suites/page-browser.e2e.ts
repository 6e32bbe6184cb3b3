import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { madeLeader } from '../../plugin/testing/made-leader.ts'
import { madeUi } from '../../plugin/testing/made-ui.ts'
import { followed } from '../../plugin/ui/follow.ts'
import { axeFindings } from '../browser/axe.ts'
import { type Browser, openBrowser } from '../browser/browser.ts'
import { busyPage, keep, leaderAndPage, NODES, orderedPod, text } from '../browser/made-page.ts'

/*
 * The live page in a real Chromium, served by the real server, fed by a leader's real ledger and state API. Without a
 * cluster: page.e2e.ts has that.
 */

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())

const SCREENS = ['overview', 'line', 'line/start%3Anamespace%2Fshop', 'nodes', 'pods', 'pods/shop/shop-0', 'herd']

describe('each screen', () => {
  test.each(['light', 'dark'] as const)('is clean by axe and without a complaint of the browser, %s', async scheme => {
    const { tab, show } = await busyPage(browser)
    await tab.scheme(scheme)
    for (const screen of SCREENS) {
      await show(screen)
      await sleep(700)
      await keep(tab, `${screen}-${scheme}`)
      expect(await axeFindings(tab), screen).toEqual([])
    }
    expect(tab.complaints).toEqual([])
  })

  test('fits a screen of 360 pixels, and is clean by axe there too', async () => {
    const { tab, show } = await busyPage(browser)
    await tab.resize(360, 740)
    for (const screen of SCREENS) {
      await show(screen)
      await sleep(700)
      await keep(tab, `${screen}-narrow`)
      expect(await tab.evaluate('document.documentElement.scrollWidth - innerWidth'), screen).toBeLessThanOrEqual(0)
      expect(await axeFindings(tab), screen).toEqual([])
    }
  })

  test('says so where there is nothing to show, and is clean by axe', async () => {
    const { tab, show } = await leaderAndPage(browser)
    await tab.until(`${text}.includes('Nothing was granted since this leader took over.')`)
    const words = {
      line: 'Nobody waits: every pod that asked has its slots.',
      'nodes/busy': 'No node has a slot in use, and nobody waits for one.',
      pods: 'No pod waits, and none is starting in order.',
      'pods/shop/none': 'The leader has nothing to tell of this pod',
      herd: 'Nobody has waited for a start slot since this page was opened.',
    }
    for (const [screen, sentence] of Object.entries(words)) {
      await show(screen)
      await tab.until(`${text}.includes(${JSON.stringify(sentence)})`)
      await keep(tab, `${screen}-empty`)
      expect(await axeFindings(tab), screen).toEqual([])
    }
  })
})

test('shows who is next and why, a pod’s phases and who waits for whom, and a herd until it is done', async () => {
  const { leader, tab, show } = await leaderAndPage(browser, { startMs: 2_000, settings: { node: { maxStarting: 1 } } })
  leader.ledger.setNamespace('shop', { maxStarting: 2 })
  leader.world.sequenced.set('u1', { pod: orderedPod(), agent: true })
  await tab.until(`${text}.includes('Nothing was granted')`)
  leader.herd('shop', 8)
  await show('line/start%3Anamespace%2Fshop')
  await tab.until(`${text}.includes('namespace shop has 2 of 2 slots in use; next in line')`)
  const first = await tab.evaluate<string>(`document.querySelector('[aria-rowindex="2"] .cell-pod').innerText`)
  const { waiting } = await leader.read({ scope: 'namespace/shop' })
  expect(waiting.items.slice(0, 3).map(({ namespace, pod }) => `${namespace}/${pod}`)).toContain(first)
  await show('pods/shop/shop-0')
  await tab.until(`${text}.includes('0 of 4 containers are ready. The others wait for db (waits for a slot), cache')`)
  expect(await tab.evaluate(`document.querySelectorAll('.edge').length`)).toBe(4)
  expect(await tab.evaluate(`document.querySelectorAll('.lane-bar').length`)).toBe(4)
  await show('herd')
  await tab.until(`${text}.includes('8 let go in')`, 30_000)
  await keep(tab, 'herd-done')
})

test('is used by keys alone: skip link, rows by arrows, Enter opens the pod', async () => {
  const { tab } = await busyPage(browser)
  const focused = (property: string) => tab.evaluate<string>(`document.activeElement.${property}`)
  await tab.press('Tab')
  expect(await focused('innerText')).toBe('Skip to content')
  await tab.press('Enter')
  expect(await focused('id')).toBe('main')
  // As soon as the rows exist: the new screen, which takes the focus when it comes, does not take it later.
  await tab.evaluate(`new Promise(focused => {
    new MutationObserver((_, observer) => {
      const row = document.querySelector('.rows-all [tabindex="0"]')
      if (!row) return
      observer.disconnect()
      row.focus()
      setTimeout(focused, 200)
    }).observe(document.body, { childList: true, subtree: true })
    location.hash = '#/line'
  })`)
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp']) await tab.press(key)
  expect(await focused('dataset.index')).toBe('1')
  await tab.press('End')
  await tab.until(
    `document.activeElement.getAttribute('aria-rowindex') === document.querySelector('[role=grid]').ariaRowCount`,
  )
  await tab.press('Home')
  await tab.until(`document.activeElement.dataset.index === '0'`)
  const pod = await tab.evaluate<string>(`document.activeElement.querySelector('.pod').innerText`)
  await tab.press('Enter')
  await tab.until(`document.querySelector('h1').innerText.endsWith(${JSON.stringify(pod)})`)
})

test('who uses keys keeps his place when the row that he is on goes', async () => {
  const settings = { cluster: { maxStarting: 1 } }
  const { leader, tab, show } = await leaderAndPage(browser, { startMs: 1_000, settings })
  leader.herd('shop', 60)
  await show('line')
  await tab.until(`document.querySelector('[data-index="0"]')`)
  await tab.evaluate(`document.querySelector('[data-index="0"]').focus()`)
  const pod = await tab.evaluate<string>(`document.activeElement.querySelector('.pod').innerText`)
  const pods = `[...document.querySelectorAll('.rows-all .pod')].map(each => each.innerText)`
  await tab.until(`!${pods}.includes(${JSON.stringify(pod)})`, 30_000)
  expect(await tab.evaluate('document.activeElement.dataset.index')).toBe('0')
})

test('goes on with the next leader, and says meanwhile what is wrong', async () => {
  const { leader, ui, tab } = await leaderAndPage(browser)
  leader.herd('shop', 100, { startMs: 60_000 })
  await tab.until(`${text}.includes('gates for')`)
  await leader.takeOver('startgate-lease-service-1', 3_000)
  await tab.until(`${text}.includes('startgate-lease-service-1 took over from startgate-lease-service-0 (term 5).')`)
  expect(await tab.evaluate(`document.querySelector('.connection').innerText`)).toContain('live')
  leader.world.isLeader = false
  await tab.until(`/No replica leads at the moment.*What you see is \\d+ s old/.test(${text})`)
  await keep(tab, 'no-leader')
  expect(await axeFindings(tab)).toEqual([])
  leader.world.isLeader = true
  await tab.until(`document.querySelector('.connection').innerText.includes('live')`, 30_000)
  ui.close()
  await tab.until(`${text}.includes('The program kubectl startgate ui does not answer')`)
  await keep(tab, 'no-program')
})

test.each([
  ['forbidden', /you may not|may not|forbidden/i],
  ['unauthenticated', /token/i],
] as const)('who may not read (%s) is told so in a sentence', async (verdict, sentence) => {
  const leader = await madeLeader({ nodes: NODES })
  leader.world.verdict = verdict
  const ui = await madeUi({ follow: followed(leader.watch), read: leader.read })
  const tab = await browser.newTab()
  onTestFinished(async () => {
    await tab.close()
    ui.close()
    leader.close()
  })
  await tab.goto(ui.url)
  const said = await tab.until<string>(`document.querySelector('.notice')?.innerText`)
  expect(said).toMatch(sentence)
  await keep(tab, verdict)
  expect(await axeFindings(tab)).toEqual([])
})
