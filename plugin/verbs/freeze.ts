import type { Command } from 'commander'
import type { UserCluster } from '../../core/kube/user-cluster.ts'
import { connect } from '../cluster/connect.ts'
import type { FreezeStep, FreezeTarget } from '../freeze/freeze.ts'
import { unavailable, unusable } from '../model/failure.ts'
import type { Io } from '../model/io.ts'
import { printable } from '../output/paint.ts'
import { structured } from '../output/structured.ts'
import { type GlobalOptions, globalOptions } from './global-options.ts'
import { warner } from './warner.ts'

export function addFreeze(program: Command, io: Io): void {
  program
    .command('freeze')
    .description('let nothing start any more, in a namespace (-n) or the cluster; what runs goes on')
    .option('--cluster', 'the whole cluster')
    .option('--reason <TEXT>', 'shown to everybody who waits', '')
    .action(async (options: { cluster?: boolean; reason: string }, self: Command) => {
      const global = globalOptions(self)
      checkTarget(options.cluster, global)
      const [{ freezeStep, parseReason }, { whoAmI, stepOn }] = await modules()
      const reason = parseReason(options.reason)
      const cluster = await connect(global)
      const target = await targetOf(cluster, options.cluster, global)
      const who = (await whoAmI(cluster.transport)) ?? io.env.USER ?? 'somebody'
      const by = { who, atMs: io.nowMs(), reason }
      const step = await stepOn(cluster.transport, target.namespace, each => freezeStep(each, target, by))
      const warnings = [...(target.isCluster ? [] : await absenceWarnings(cluster, global)), ...step.warnings]
      tell({ ...step, warnings }, { io, global, target })
    })
}

export function addResume(program: Command, io: Io): void {
  program
    .command('resume')
    .description('take a freeze away again')
    .option('--cluster', 'of the whole cluster')
    .action(async (options: { cluster?: boolean }, self: Command) => {
      const global = globalOptions(self)
      checkTarget(options.cluster, global)
      const [{ resumeStep }, { stepOn }] = await modules()
      const cluster = await connect(global)
      const target = await targetOf(cluster, options.cluster, global)
      tell(await stepOn(cluster.transport, target.namespace, each => resumeStep(each, target)), { io, global, target })
    })
}

const modules = () => Promise.all([import('../freeze/freeze.ts'), import('../freeze/write.ts')])

/** Never the context's own namespace: who freezes says what. */
function checkTarget(isCluster: boolean | undefined, { namespace }: GlobalOptions): void {
  if ((isCluster === true) === (namespace !== undefined))
    throw unusable(
      isCluster ? '-n and --cluster are both given; use one of them' : 'nothing is named; use -n NAME or --cluster',
    )
}

async function targetOf(
  cluster: UserCluster,
  isCluster: boolean | undefined,
  global: GlobalOptions,
): Promise<FreezeTarget> {
  if (isCluster !== true) return { namespace: global.namespace ?? '', isCluster: false }
  const { findInstallation } = await import('../cluster/installation.ts')
  const { namespace, webhook, isFound } = await findInstallation(cluster.transport, global.startgateNamespace)
  if (webhook.kind === 'absent')
    throw unavailable('startgate is not installed in this cluster, so there is nothing to freeze')
  if (!isFound && global.startgateNamespace === undefined)
    throw unavailable('where startgate is installed cannot be read; use --startgate-namespace NAME')
  return { namespace, isCluster: true }
}

/** A namespace can be frozen by who may read nothing else, and then it is not known whether anything obeys. */
async function absenceWarnings(cluster: UserCluster, global: GlobalOptions): Promise<string[]> {
  const { CONFIGURATION, findInstallation } = await import('../cluster/installation.ts')
  const { webhook } = await findInstallation(cluster.transport, global.startgateNamespace)
  if (webhook.kind === 'absent') return ['startgate is not installed in this cluster, so nothing is held back']
  if (webhook.kind === 'known') return []
  const what = `the MutatingWebhookConfiguration ${CONFIGURATION} cannot be read`
  return [`whether startgate is installed is not known: ${what}: ${webhook.problem}`]
}

function tell(
  { said, warnings, annotation }: FreezeStep,
  { io, global, target }: { io: Io; global: GlobalOptions; target: FreezeTarget },
): void {
  if (global.format) {
    io.out(structured({ ...target, changed: annotation !== undefined, message: said, warnings }, global.format))
    return
  }
  io.out(`${printable(said)}\n`)
  const warn = warner(io)
  for (const warning of warnings) warn(warning)
}
