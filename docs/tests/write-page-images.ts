import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBrowser } from '../../e2e/browser/browser.ts'
import type { Tab } from '../../e2e/browser/tab.ts'
import { sequencedPod } from '../../gate/lease-service/testing/sequenced-pod.ts'
import { madeLeader } from '../../plugin/testing/made-leader.ts'
import { madeUi } from '../../plugin/testing/made-ui.ts'
import { followed } from '../../plugin/ui/follow.ts'

/* `node docs/tests/write-page-images.ts`: the pictures of docs/guides/live-page.md, of a made cluster. */

const FOLDER = join(import.meta.dirname, '..', 'images')
/** So many times faster than a clock, for charts with some minutes in them. */
const SPEED = 12

async function cluster() {
  const nodes = Array.from({ length: 14 }, (_, i) => `worker-${i + 1}`)
  const settings = { cluster: { maxStarting: 40 }, node: { maxStarting: 4 } }
  const leader = await madeLeader({ nodes, settings, startMs: 9_000, speed: SPEED })
  leader.ledger.setNamespace('shop', { maxStarting: 12 })
  leader.ledger.setNamespace('search', { maxStarting: 6 })
  for (const [i, node] of nodes.entries())
    leader.world.pressures.set(node, { cpu: (i * 17) % 80, io: (i * 7) % 40, memory: i })
  leader.world.pressures.set('worker-3', { cpu: 94, io: 31, memory: 4 })
  leader.world.heldBack.add('worker-3')
  return leader
}

type Leader = Awaited<ReturnType<typeof cluster>>

/** Pod shop/shop-0, of which these containers have been let go; `running` run, and are ready but for db. */
function showPod({ world, clock }: Leader, passed: string[], running: string[]): void {
  const stamp = new Date(clock.wallMs()).toISOString()
  const metadata = { uid: 'u1', name: 'shop-0', namespace: 'shop', creationTimestamp: stamp }
  const pod = sequencedPod({ metadata })
  const ended = passed.map(name => ({
    ...{ name, ready: true, restartCount: 0, containerID: `${name}-1` },
    state: { terminated: { exitCode: 0, containerID: `${name}-1`, startedAt: stamp, finishedAt: stamp } },
  }))
  const runs = running.map(name => ({
    ...{ name, ready: false, started: true, restartCount: 0, containerID: `${name}-1` },
    state: { running: { startedAt: stamp } },
  }))
  const statuses = [...ended, ...runs]
  const spec = { ...pod.spec, nodeName: 'worker-2' }
  world.sequenced.set('u1', { pod: { ...pod, spec, status: { initContainerStatuses: statuses } }, agent: true })
}

async function main(): Promise<void> {
  const leader = await cluster()
  const ui = await madeUi({ follow: followed(leader.watch), read: leader.read })
  const browser = await openBrowser()
  const tab = await browser.newTab()
  await tab.resize(1240, 700)
  await tab.scheme('light')
  await tab.goto(ui.url)
  await sleep(4_000)
  leader.herd('shop', 220)
  leader.herd('search', 90)
  leader.herd('web', 160, { containers: ['nginx', 'metrics'] })
  showPod(leader, ['startgate-pull'], [])
  await sleep(3_000)
  showPod(leader, ['startgate-pull', 'startgate-start-db', 'startgate-start-cache'], ['db', 'cache'])
  await sleep(2_500)
  await picture(tab, 'overview', 'page-overview')
  await picture(tab, 'line/start%3Anamespace%2Fshop', 'page-line')
  await picture(tab, 'nodes', 'page-nodes')
  await picture(tab, 'pods/shop/shop-0', 'page-pod')
  await picture(tab, 'herd', 'page-herd')
  await tab.scheme('dark')
  await picture(tab, 'overview', 'page-overview-dark')
  await browser.close()
  ui.close()
  leader.close()
}

async function picture(tab: Tab, screen: string, name: string): Promise<void> {
  await tab.evaluate(`location.hash = '#/${screen}'; undefined`)
  await sleep(800)
  await writeFile(join(FOLDER, `${name}.webp`), await tab.screenshot('webp'))
}

if (import.meta.main) await main()
