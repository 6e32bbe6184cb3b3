import type { ApiTransport } from '../../core/kube/transport.ts'
import { fact } from '../cluster/facts.ts'
import { findInstallation } from '../cluster/installation.ts'
import type { ApiFacts, CheckFacts } from './facts.ts'
import { judgeApi } from './judge-api.ts'
import { bad, type Line, ok, unknown, warning } from './line.ts'
import { missingRights, rightsToInstall } from './rights.ts'

/** What is asked before startgate is installed. */
export interface PreFacts extends Pick<CheckFacts, 'api' | 'webhook' | 'startgateNamespace'> {
  /** Of what the chart writes, what whoever asks may not create. */
  missingRights: string[]
}

export async function gatherPre(transport: ApiTransport, given: string | undefined): Promise<PreFacts> {
  const api = await fact(() => transport.request<ApiFacts>({ method: 'GET', path: '/version' }))
  const { namespace, webhook } = await findInstallation(transport, given)
  const missing = api.kind === 'known' ? await missingRights(transport, rightsToInstall(namespace)) : []
  return { api, webhook, startgateNamespace: namespace, missingRights: missing }
}

/** Whether startgate can be installed. */
export function judgePre(facts: PreFacts): Line[] {
  const lines = judgeApi(facts)
  if (facts.api.kind !== 'known') return lines
  return [...lines, judgeOther(facts), judgeInstallRights(facts), judgeName(facts.startgateNamespace)]
}

function judgeOther({ webhook, startgateNamespace }: PreFacts): Line {
  if (webhook.kind === 'unknown') return unknown('not-installed', 'whether startgate is installed', webhook)
  if (webhook.kind === 'absent') return ok('not-installed', 'startgate is not installed yet')
  return warning(
    'not-installed',
    `startgate is installed already, in namespace ${startgateNamespace}; there can be one in a cluster`,
    'upgrade it instead, and run this check without --pre',
  )
}

function judgeInstallRights({ missingRights, startgateNamespace }: PreFacts): Line {
  if (missingRights.length === 0)
    return ok('install-rights', `you may create what the chart has, in namespace ${startgateNamespace}`)
  return bad('install-rights', `you may not ${missingRights.join(', ')}`, 'install with the rights of cluster-admin')
}

function judgeName(namespace: string): Line {
  if (namespace !== 'default' && !namespace.startsWith('kube-'))
    return ok('install-namespace', `namespace ${namespace} can be startgate's own`)
  const remedy = 'use --startgate-namespace startgate-system, and the same namespace for helm'
  return bad('install-namespace', `namespace ${namespace} is the cluster's own or everybody's`, remedy)
}
