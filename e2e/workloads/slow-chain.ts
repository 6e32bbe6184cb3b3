import { namespaceFor, type Session } from '../harness/session.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { expectOrder, isReady, isStarting, type SeenPod } from './sequenced-pods.ts'
import { type SequencedWork, sequencedPod, startsIn } from './sequenced-work.ts'

/** No limit holds anything back. */
export const SLACK = { 'max-starting': '50', 'max-starting-per-node': '50' }
/** Three containers in a chain, written in the order opposite to that of their start. */
export const CONTAINERS = ['web', 'api', 'db']
export const CHAIN: SequencedWork = { dependsOn: 'web: [api]\napi: [db]\n' }
/** The same with readiness probes: behind a startup probe no gate stays. */
export const PROBED_CHAIN: SequencedWork = { ...CHAIN, probe: 'file' }

export const slackNamespace = (session: Session, word: string): Promise<TestNamespace> =>
  namespaceFor(session, { word, gated: true, settings: SLACK })

/**
 * A pod named `chain` whose first container starts slowly enough for a fault in the middle; returns it in the middle.
 */
export async function slowChain(namespace: TestNamespace, chain = CHAIN): Promise<SeenPod> {
  await namespace.apply([sequencedPod('chain', CONTAINERS, { ...chain, containers: { db: startsIn(8) } })])
  return isStarting(namespace, 'chain', 'db')
}

/** Waits until `chain` is Ready, and compares what its containers wrote about their starts. */
export async function chainEndsInOrder(namespace: TestNamespace): Promise<void> {
  await isReady(namespace, 'chain')
  await expectOrder(namespace, 'chain', [
    ['web', 'api'],
    ['api', 'db'],
  ])
}
