import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { madeGate, madeState } from '../../plugin/testing/made-state.ts'
import { madeUi } from '../../plugin/testing/made-ui.ts'
import type { Follow } from '../../plugin/ui/feed.ts'
import { axeFindings } from '../browser/axe.ts'
import { type Browser, openBrowser } from '../browser/browser.ts'
import { keep, leaderAndPage, text } from '../browser/made-page.ts'

/* The live page in a real Chromium under load: 10,000 rows, and left open. Without a cluster. */

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())

interface Frames {
  p50: number
  p95: number
  worst: number
  rows: number
}

test('scrolls through 10,000 rows as smoothly as through 300', async () => {
  const { leader, tab, show } = await leaderAndPage(browser, {
    startMs: 600_000,
    settings: { cluster: { maxStarting: 1 } },
  })
  leader.herd('shop', 301)
  await show('line')
  await tab.until(`document.querySelector('[role=grid]')?.ariaRowCount === '301'`)
  const few = await tab.evaluate<Frames>(scroll(45))
  leader.herd('web', 9_700)
  const button = `[...document.querySelectorAll('button')].find(each => each.innerText === 'Show all of them')`
  await tab.until(button, 60_000)
  await tab.evaluate(`${button}.click()`)
  await tab.until(`document.querySelector('[role=grid]').ariaRowCount === '10001'`, 60_000)
  await keep(tab, '10000-rows')
  const many = await tab.evaluate<Frames>(scroll(45))
  const dragged = await tab.evaluate<Frames>(scroll(1_700))
  const told = Object.entries({ '300 rows': few, '10,000 rows': many, 'all 10,000 in 200 frames': dragged })
  process.stderr.write(told.map(([what, frames]) => `  frames in ms, ${what}: ${JSON.stringify(frames)}\n`).join(''))
  expect(many.rows).toBeLessThan(60)
  // Two frames of 60 a second: a busy machine drops some in either list.
  expect(many.p50).toBeLessThan(few.p50 + 34)
  expect(await axeFindings(tab)).toEqual([])
})

/** Scrolls down from the top for 200 frames, by so many pixels in each. */
const scroll = (pixels: number): string => `new Promise(done => {
  const body = document.querySelector('.rows-body'), times = []
  let step = 0, last = performance.now(), rows = 0
  const frame = now => {
    times.push(now - last); last = now
    rows = Math.max(rows, document.querySelectorAll('.rows-all .row').length)
    if (step++ === 200) {
      times.sort((a, b) => a - b)
      const at = part => Math.round(times[Math.floor(part * (times.length - 1))] * 10) / 10
      return done({ p50: at(0.5), p95: at(0.95), worst: at(1), rows })
    }
    body.scrollTop = step * ${pixels}
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
})`

/** Changes of the long feed; each moves 20 of 500 rows. */
const CHANGES = Number(process.env.STARTGATE_PAGE_CHANGES ?? 20_000)

test('does not grow when it is left open', async () => {
  const told = Promise.withResolvers<void>()
  const halfWay = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const follow: Follow = async function* (_, signal) {
    yield { kind: 'state', data: JSON.stringify(madeState({ waiting: rowsAt(0, 500) })) }
    for (let i = 1; i <= CHANGES && !signal.aborted; i++) {
      if (i === Math.floor(CHANGES / 10)) {
        halfWay.resolve()
        await goOn.promise
      }
      const gone = rowsAt((i - 1) * 20, 20).map(({ id }) => id)
      const changes = { atMs: madeState().atMs + i * 1_000, waiting: { set: rowsAt((i - 1) * 20 + 500, 20), gone } }
      yield { kind: 'changes', data: JSON.stringify(changes) }
      if (i % 20 === 0) await sleep(1)
    }
    told.resolve()
    await new Promise(resolve => signal.addEventListener('abort', resolve))
  }
  const ui = await madeUi({ follow, read: async () => madeState() })
  const tab = await browser.newTab()
  onTestFinished(async () => {
    await tab.close()
    ui.close()
  })
  await tab.goto(ui.url)
  await halfWay.promise
  await sleep(2_000)
  const early = await tab.heapBytes()
  goOn.resolve()
  await told.promise
  await tab.until(`${text}.includes('500 gates for 500 slots')`)
  await sleep(2_000)
  const late = await tab.heapBytes()
  const mib = (bytes: number) => Math.round((bytes / 2 ** 20) * 10) / 10
  process.stderr.write(`  page after ${CHANGES / 10} changes ${mib(early)} MiB, after ${CHANGES} ${mib(late)} MiB\n`)
  expect(late - early).toBeLessThan(4 * 2 ** 20)
})

function rowsAt(from: number, count: number) {
  return Array.from({ length: count }, (_, i) => madeGate(`web-${from + i}`, { place: from + i }))
}
