import { beforeAll, expect, test } from 'vitest'
import { cut, egress } from '../faults/network-cut.ts'
import { processesOf } from '../faults/node-processes.ts'
import { gateVerdict } from '../harness/gate-verdict.ts'
import { pod } from '../harness/pod-templates.ts'
import { podIs } from '../harness/pod-waits.ts'
import { DIRECT_VALUES, namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { coldImages, dropPulledImages } from '../workloads/cold-images.ts'

const FAIL_OPEN_AFTER_MS = 25_000

let session: Session
beforeAll(async () => {
  session = await openSession(DIRECT_VALUES)
  await dropPulledImages(session.cluster)
})

test('a pod whose egress is denied pays for it once: its first gate waits, its second only tries', async () => {
  const observer = await observerFor(session)
  const settings = { 'max-pulling': '0', 'fail-open-after': `${FAIL_OPEN_AFTER_MS / 1_000}s` }
  const namespace = await namespaceFor(session, { word: 'egress', gated: true, settings })
  const [image = ''] = await coldImages(session.cluster, 'egress', 1, 1)
  await namespace.apply([pod('app', { probe: 'file', image })])
  await podIs(observer, [namespace.name, 'app'], { phase: 'pending', gate: 'startgate-pull' }, limits.gateRunning)
  await cut(session.cluster, await processesOf(session.cluster, await namespace.get(['pod', 'app'])), egress)

  const ready = await podIs(observer, [namespace.name, 'app'], { phase: 'ready' }, limits.failOpen)
  const [first, second] = ['startgate-pull', 'startgate-start'].map(gate => gateVerdict(ready, gate))
  expect([first?.verdict, second?.verdict]).toEqual(['failed-open', 'failed-open'])
  expect(first?.waitedMs).toBeGreaterThanOrEqual(FAIL_OPEN_AFTER_MS)
  // A gate that waits once more takes at least this long.
  expect(second?.waitedMs).toBeLessThan(FAIL_OPEN_AFTER_MS)
})
