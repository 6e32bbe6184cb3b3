import { messageOf } from '../../core/errors.ts'
import { isNotFound, KubeError } from '../../core/kube/kube-error.ts'

/** One thing asked of the API server: what it is, that it does not exist, or why it is not known. */
export type Fact<T> =
  | { kind: 'known'; value: T }
  | { kind: 'absent' }
  /** `problem`: a sentence without its end, as the API server or the network gave it. */
  | { kind: 'unknown'; problem: string; forbidden: boolean }

export const known = <T>(value: T): Fact<T> => ({ kind: 'known', value })
export const absent: Fact<never> = { kind: 'absent' }
export const notKnown = (problem: string, forbidden = false): Fact<never> => ({ kind: 'unknown', problem, forbidden })

/** Asks, and takes every failure as an answer too. */
export async function fact<T>(ask: () => Promise<T>): Promise<Fact<T>> {
  try {
    return known(await ask())
  } catch (error) {
    if (isNotFound(error)) return absent
    const forbidden = error instanceof KubeError && (error.status === 401 || error.status === 403)
    return notKnown(messageOf(error), forbidden)
  }
}
