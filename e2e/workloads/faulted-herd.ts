import { expect } from 'vitest'
import { APP_IMAGE } from '../cluster/app-image.ts'
import { startGateEnd, startVerdict } from '../harness/gate-verdict.ts'
import { deployment } from '../harness/pod-templates.ts'
import { allReady } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, type Session } from '../harness/session.ts'
import { heldLeases } from '../harness/system.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { type Limit, limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import type { ObservedPod } from '../observer/cluster-events.ts'
import { type GateStory, stoodInLine, storyOf } from '../observer/line-standing.ts'
import type { Observer } from '../observer/observer.ts'
import { type Overtaking, overtakings } from '../observer/queue-order.ts'
import { foldStamps } from '../observer/stamp-fold.ts'

export const HERD = 60
/** So that sixty starts of 1 s last about half a minute on two cores. */
export const LIMIT = 6

/** A gate is a Node process: sixty of them at once take seconds until they have connected. */
const IN_LINE_MS = 15_000

export interface FaultedHerd {
  observer: Observer
  namespace: TestNamespace
  /** Resolves when so many of its containers have begun to start. */
  begun(count: number): Promise<void>
  /** When the fault was, for what is printed and for the order of the queue. */
  fault(what: string): void
  faults: { what: string; atMs: number }[]
}

export interface HerdOptions {
  replicas?: number
  annotations?: Record<string, string>
}

/** Sixty pods that start under a limit of six, in a namespace of their own. */
export async function startHerd(session: Session, word: string, options: HerdOptions = {}): Promise<FaultedHerd> {
  const { replicas = HERD, annotations = {} } = options
  const observer = await observerFor(session, { bridgeGaps: true })
  const settings = { 'max-starting': String(LIMIT), 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word, gated: true, settings })
  await namespace.apply([deployment('web', replicas, { image: APP_IMAGE, startSeconds: 1, annotations })])
  const faults: FaultedHerd['faults'] = []
  const begun = async (count: number) => {
    const spans = () => observer.starting([namespace.name]).spans.length
    await waitFor(`${count} starts in ${namespace.name}`, () => spans() >= count, limits.faultedHerd)
  }
  return { observer, namespace, begun, faults, fault: what => void faults.push({ what, atMs: Date.now() }) }
}

export interface Expected {
  replicas?: number
  /** Containers that a fault of their node ends, so that they start once more; without one, none. */
  restarts?: number
}

/**
 * Waits until all are Ready and checks G2 with its exceptions at zero: never more than the limit by the observer's
 * watch and by the containers' own stamps (which also cover what a watch missed while no API server ran), no restart,
 * no fail-open, no timeout, no slot left, and nobody overtaken who stood in line.
 */
export async function expectKept(session: Session, herd: FaultedHerd, expected: Expected = {}): Promise<void> {
  const { replicas = HERD, restarts = 0 } = expected
  const { observer, namespace } = herd
  const pods = await allReady(observer, namespace.name, replicas, limits.faultedHerd)
  await expectNoSlots(session, namespace.name)
  const report = observer.starting([namespace.name])
  printSilences(herd, pods)
  expect(pods.map(pod => startVerdict(pod).verdict).filter(v => v !== 'granted')).toEqual([])
  expect(report.peak.count).toBeLessThanOrEqual(LIMIT)
  expect(report.spans.filter(s => s.endedBy === 'timeout')).toEqual([])
  expect(report.spans.filter(s => s.restart).length).toBeLessThanOrEqual(restarts)
  const gaps = observer.gaps()
  const stamps = foldStamps(await namespace.stamps(pods), Number.MAX_SAFE_INTEGER)
  expect(stamps.silent).toEqual([])
  expect(stamps.peak.count).toBeLessThanOrEqual(LIMIT)
  const overtaken = overtakings(pods, { slackMs: IN_LINE_MS })
  const overtakers = new Set(overtaken.map(o => o.later))
  console.info(
    `  peak ${report.peak.count} (watch), ${stamps.peak.count} (containers' word), limit ${LIMIT}; gaps ${gaps.length}; ${overtakers.size} overtook`,
  )
  const unexcused = await overtakenInLine(herd, overtaken)
  expect(unexcused.length, unexcused[0]).toBe(0)
}

/**
 * Those overtakings that nothing excuses, in words: the older pod's gate stood in line. A gate that a fault has cut off
 * may come back after the leader has kept its turn for a while, and finds that younger pods went before.
 */
async function overtakenInLine(herd: FaultedHerd, overtaken: Overtaking[]): Promise<string[]> {
  if (overtaken.length === 0) return []
  const logs = await herd.namespace.logs('startgate-start')
  const storyOfPod = (pod: string): GateStory => {
    const log = logs.get(pod)
    if (log === undefined) throw new Error(`the start gate of ${pod} has no log`)
    return storyOf(log)
  }
  const faultsAtMs = herd.faults.map(f => f.atMs)
  const unexcused = overtaken.filter(o => stoodInLine(storyOfPod(o.earlier), storyOfPod(o.later), faultsAtMs))
  return unexcused.map(
    ({ earlier, later, byMs }) =>
      `${later} before ${earlier} by ${byMs} ms: ${JSON.stringify([storyOfPod(later), storyOfPod(earlier), faultsAtMs])}`,
  )
}

/** No slot of this namespace is held any more: after its last start within 30 s. */
export async function expectNoSlots(
  session: Session,
  namespace: string,
  limit: Limit = limits.slotBack,
): Promise<void> {
  await waitFor('no slot is held', async () => (await heldIn(session, namespace)) === 0, limit)
}

/** How many slots this namespace holds. */
export async function heldIn({ kubectl }: Session, namespace: string): Promise<number> {
  return (await heldLeases(kubectl)).filter(l => l.holder.startsWith(`${namespace}/`)).length
}

/** Tells when the gates around each fault ended, by their containers' own stamps, which have whole seconds. */
function printSilences({ faults }: FaultedHerd, pods: ObservedPod[]): void {
  const ends = pods.map(pod => Date.parse(startGateEnd(pod)?.finishedAt ?? '')).sort((a, b) => a - b)
  for (const { what, atMs } of faults) {
    const after = ends.filter(e => e > atMs)
    const around = [...ends.filter(e => e <= atMs).slice(-1), ...after].slice(0, 8)
    const said = around.map(e => ((e - atMs) / 1000).toFixed(0)).join(' ')
    console.info(`  ${what}: gates ended at ${said} s around it; ${after.length} after it`)
  }
}
