import type { KubeClient } from '../../core/kube/client.ts'
import { SIDECAR_GATES_ANNOTATION } from '../../core/kube/election.ts'
import { isNotFound, orUndefined } from '../../core/kube/kube-error.ts'
import type { Lease } from '../../core/kube/lease.ts'
import type { Logger } from '../../core/log.ts'
import { ELECTION_LEASE } from '../../core/names.ts'
import { lookAgain } from './look-again.ts'

/**
 * Whether the leader of the lease service reads gates that stay in their pods. A leader of a version that does not
 * know of it leaves the annotation as it finds it, so it counts only with the holder's own name.
 */
export function readsSidecarGates(lease: Lease | undefined): boolean {
  const holder = lease?.spec?.holderIdentity
  return Boolean(holder) && lease?.metadata.annotations?.[SIDECAR_GATES_ANNOTATION] === holder
}

export interface LeaderSkillOptions {
  client: Pick<KubeClient, 'getLease'>
  /** Of the lease service. */
  namespace: string
  log: Logger
}

/** Follows the leader's Lease, unless `isAsked` is false. What cannot be read changes nothing; at first it is false. */
export function followLeaderSkill(isAsked: boolean, { client, namespace, log }: LeaderSkillOptions) {
  let canRead = false
  if (!isAsked) return { readsSidecarGates: () => false, stop: () => undefined }
  const look = async (): Promise<void> => {
    const lease = await client.getLease(namespace, ELECTION_LEASE).catch(orUndefined(isNotFound))
    if (canRead === readsSidecarGates(lease)) return
    canRead = !canRead
    const kind = canRead
      ? 'may stay in their pods'
      : 'end, as the leader of the lease service is not known to read others'
    log.info(`gates of a declared order ${kind}`)
  }
  return { readsSidecarGates: () => canRead, stop: lookAgain(`Lease ${namespace}/${ELECTION_LEASE}`, look, log) }
}
