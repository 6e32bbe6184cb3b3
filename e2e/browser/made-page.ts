import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { Pod } from '../../core/pod.ts'
import { sequencedPod } from '../../gate/lease-service/testing/sequenced-pod.ts'
import { type MadeLeaderOptions, madeLeader } from '../../plugin/testing/made-leader.ts'
import { madeUi } from '../../plugin/testing/made-ui.ts'
import { followed } from '../../plugin/ui/follow.ts'
import type { Browser } from './browser.ts'
import type { Tab } from './tab.ts'

/** What the page shows, as text. */
export const text = 'document.body.innerText'

export const NODES = Array.from({ length: 12 }, (_, i) => `worker-${i + 1}`)

/** A made leader, and its page in a tab; all end with the test. */
export async function leaderAndPage(browser: Browser, options: Partial<MadeLeaderOptions> = {}) {
  const leader = await madeLeader({ nodes: NODES, settings: { node: { maxStarting: 3 } }, ...options })
  const ui = await madeUi({ follow: followed(leader.watch), read: leader.read })
  const tab = await browser.newTab()
  onTestFinished(async () => {
    await tab.close()
    ui.close()
    leader.close()
    expect(ui.complaints).toEqual([])
  })
  await tab.resize(1280, 800)
  await tab.goto(ui.url)
  return { leader, ui, tab, show: (screen: string) => tab.evaluate(`location.hash = '#/${screen}'; undefined`) }
}

/** A pod with an order among its containers, of which none has started. */
export function orderedPod(): Pod {
  const createdAt = new Date().toISOString()
  const pod = sequencedPod({ metadata: { uid: 'u1', name: 'shop-0', namespace: 'shop', creationTimestamp: createdAt } })
  const passed = {
    ...{ name: 'startgate-pull', ready: true, restartCount: 0, containerID: 'pull-1' },
    state: { terminated: { exitCode: 0, containerID: 'pull-1', startedAt: createdAt, finishedAt: createdAt } },
  }
  return { ...pod, status: { phase: 'Pending', initContainerStatuses: [passed] } }
}

/** With lines, a frozen one among them, a node that is held back and a pod with an order. */
export async function busyPage(browser: Browser) {
  const all = await leaderAndPage(browser, { startMs: 60_000 })
  all.leader.ledger.setNamespace('shop', { maxStarting: 4 })
  all.leader.ledger.setNamespace('ops', { maxStarting: 0 })
  all.leader.world.sequenced.set('u1', { pod: orderedPod(), agent: true })
  all.leader.world.heldBack.add('worker-2')
  all.leader.world.pressures.set('worker-2', { cpu: 93, io: 12, memory: 3 })
  all.leader.herd('shop', 60)
  all.leader.herd('web', 60, { containers: ['nginx', 'metrics'] })
  all.leader.herd('ops', 4)
  await all.tab.until(`${text}.includes('gates for')`)
  return all
}

/** Kept where STARTGATE_SCREENSHOTS says, to be looked at. */
export async function keep(tab: Tab, name: string): Promise<void> {
  const folder = process.env.STARTGATE_SCREENSHOTS
  if (folder === undefined) return
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${name.replaceAll(/[^a-z0-9-]+/gi, '-')}.png`), await tab.screenshot())
}
