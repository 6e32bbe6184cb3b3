import { expect, test } from 'vitest'
import type { FindWorkload } from '../after/after-waits.ts'
import type { Workload } from '../after/workload-readiness.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import type { Ticket } from '../model/grant.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'
import { madeNode, madePod } from '../testing/made-pods.ts'
import { Ledger } from './ledger.ts'
import { StageProgress } from './stage-progress.ts'

/** Notes for which pods it is asked; each ticket that is looked at asks once. */
class Noted extends StageProgress {
  asked: string[] = []

  override isPassed(...[ticket, pod]: Parameters<StageProgress['isPassed']>): boolean {
    this.asked.push(ticket.podUid)
    return super.isPassed(ticket, pod)
  }
}

const CNI = { kind: 'node-daemonset', namespace: 'net', name: 'cni' } as const
const pods = ['a', 'b', 'c'].map(uid => madePod(uid))

function made(find?: FindWorkload) {
  const progress = new Noted()
  const settings = { ...DEFAULT_SETTINGS, node: { maxStarting: 1 }, ...(find && { after: [CNI] }) }
  const ledger = new Ledger(settings, { progress, ...(find && { findWorkload: find }) })
  ledger.upsertNode(madeNode())
  ledger.setNamespace('shop', { mode: 'enforce' })
  for (const pod of pods) {
    ledger.upsertPod(pod)
    ledger.ask(ticketOf(pod, { gate: 'startgate-start', attempt: 1 }) as Ticket, 0)
  }
  const looked = (nowMs: number): string[] => {
    progress.asked = []
    ledger.step(nowMs, 1)
    return progress.asked
  }
  looked(0)
  return { ledger, looked, waiting: () => ledger.step(10, 1).waiting.map(({ cause }) => cause) }
}

test('only tickets of whose pods something was told are looked at again', () => {
  const { ledger, looked } = made()
  expect(looked(1)).toEqual([])
  ledger.upsertPod(madePod('b'))
  expect(looked(2)).toEqual(['b'])
  ledger.setNamespace('shop', { mode: 'enforce', weight: 2 })
  expect(looked(3)).toEqual(['b', 'c'])
})

test('one whose namespace is no longer limited goes at once, and one whose node is lost stands in no line', () => {
  const { ledger } = made()
  ledger.upsertNode({ ...madeNode(), status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } })
  expect(ledger.step(1, 1).waiting.map(({ cause }) => cause)).toEqual(['node-lost', 'node-lost', 'node-lost'])
  ledger.setNamespace('shop', { mode: 'off' })
  expect(ledger.step(2, 1).grants.map(({ podUid }) => podUid)).toEqual(['a', 'b', 'c'])
})

test('what all pods come after is looked up once a step, and counts as soon as it is not ready', () => {
  let [finds, isReady] = [0, true]
  const { looked, waiting } = made(() => {
    finds += 1
    const nodes = new Map([[madeNode().metadata.name ?? '', isReady]])
    return { metadata: { namespace: 'net', name: 'cni', uid: 'cni' }, readyOnNodes: nodes } as Workload
  })
  finds = 0
  expect([looked(1), finds]).toEqual([[], 1])
  isReady = false
  expect([waiting(), finds]).toEqual([['order', 'order'], 2])
})

test('what all pods come after cannot be looked up: their tickets are set aside, and the decision does not fail', () => {
  let fails = false
  const { ledger } = made(() => {
    if (fails) throw new RangeError('poison')
    const nodes = new Map([[madeNode().metadata.name ?? '', true]])
    return { metadata: { namespace: 'net', name: 'cni', uid: 'cni' }, readyOnNodes: nodes } as Workload
  })
  fails = true
  const { failure, waiting } = ledger.step(1, 1)
  expect([failure, ...waiting.map(({ cause }) => cause)]).toEqual([undefined, 'set-aside', 'set-aside'])
})
