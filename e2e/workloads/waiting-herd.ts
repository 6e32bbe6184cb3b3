import { expect } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { startVerdict } from '../harness/gate-verdict.ts'
import { deployment } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { namespaceFor, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import type { Observer } from '../observer/observer.ts'

export interface WaitingHerd {
  /** Lets them start, waits until they are ready and returns what their gates left as their verdicts. */
  thaw(): Promise<(string | undefined)[]>
}

/** So many pods of a frozen namespace, with gates that are connected and wait. */
export async function waitingHerd(session: Session, observer: Observer, count: number): Promise<WaitingHerd> {
  const settings = { 'max-starting': '0', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'waiting', gated: true, settings })
  await namespace.apply([deployment('web', count, { image: APP_IMAGE })])
  const names = () => observer.pods(namespace.name).map(p => p.metadata.name)
  await expect.poll(() => names().length, { timeout: limits.podReady.ms }).toBe(count)
  for (const name of names())
    await podIs(observer, [namespace.name, name], { phase: 'pending', gate: 'startgate-start' }, limits.gateRunning)
  return {
    thaw: async () => {
      await namespace.set({ 'max-starting': String(count) })
      const pods = await allReady(observer, namespace.name, count, limits.herdReady)
      return pods.map(pod => startVerdict(pod).verdict)
    },
  }
}
