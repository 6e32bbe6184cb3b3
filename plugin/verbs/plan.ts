import type { Command } from 'commander'
import { notValid } from '../../core/errors.ts'
import type { Node } from '../../core/pod.ts'
import { connect } from '../cluster/connect.ts'
import type { Finish } from '../model/exit-codes.ts'
import { EXIT } from '../model/exit-codes.ts'
import { unusable } from '../model/failure.ts'
import type { Io } from '../model/io.ts'
import { paintFor } from '../output/paint.ts'
import { structured } from '../output/structured.ts'
import type { PlanFacts } from '../plan/gather.ts'
import { globalOptions } from './global-options.ts'
import { addManifestOptions, readManifests } from './manifest-options.ts'

const CORES = 4
const MOST_SECONDS = 86_400

interface PlanOptions {
  filename: string[]
  values?: string[]
  config?: string
  nodes?: number
  cores?: number
  startSeconds?: number
}

export function addPlan(program: Command, io: Io, finish: Finish): void {
  const command = program
    .command('plan')
    .description('say how long the pods of manifests would take to start, all at once, under the limits')
    .option('--nodes <COUNT>', "plan on so many nodes and ask no cluster; else on the cluster's", parseNodes)
    .option('--cores <COUNT>', `of each of these nodes (${CORES})`, parseCores)
    .option(
      '--start-seconds <SECONDS>',
      'how long a container with a probe starts that has none recorded',
      parseSeconds,
    )
  addManifestOptions(command).action(async (options: PlanOptions, self: Command) => {
    const plan = await planFor(options, self, io)
    const { format } = globalOptions(self)
    const [{ planText }, { NOT_KNOWN }] = await Promise.all([
      import('../plan/plan-text.ts'),
      import('../plan/notes.ts'),
    ])
    io.out(format ? structured({ ...plan, notKnown: NOT_KNOWN }, format) : planText(plan, paintFor(io)))
    const isFound = plan.neverReady > 0 || plan.workloads.some(({ outcome }) => outcome === 'denied')
    finish(isFound ? EXIT.found : EXIT.ok)
  })
}

async function planFor(options: PlanOptions, self: Command, io: Io) {
  const manifests = await readManifests(options, self, io)
  const [{ foundNamespace, limitFactsOf, madeNodes, takesPods }, { herdOf }, { planOf }] = await Promise.all([
    import('../plan/world.ts'),
    import('../plan/herd.ts'),
    import('../plan/plan.ts'),
  ])
  const [unreadable] = manifests.objects.unreadable
  if (unreadable) throw unusable(`${unreadable.file}:${unreadable.line}: ${unreadable.sentence}`)
  const facts = await factsFor(options, self, madeNodes)
  const isGiven = options.values !== undefined || options.config !== undefined
  const config = isGiven ? manifests.config : (facts.config ?? manifests.config)
  const nodes = facts.nodes.filter(takesPods)
  if (nodes.length === 0) throw unusable('no node of the cluster takes pods; use --nodes and --cores')
  const objects = { ...manifests.objects, found: [...facts.namespaces.map(foundNamespace), ...manifests.objects.found] }
  const limits = limitFactsOf(objects.found, nodes, config)
  const herd = herdOf(objects, {
    config,
    namespace: manifests.namespace,
    facts: limits,
    nodes: [...limits.nodes].map(([name, { cores }]) => ({ name, cores })),
    releases: facts.releases,
    givenMs: options.startSeconds === undefined ? undefined : options.startSeconds * 1_000,
  })
  return planOf(herd, { pods: herd.pods, facts: limits }, notesOf(facts, nodes.length))
}

async function factsFor(
  { nodes, cores }: PlanOptions,
  self: Command,
  made: (count: number, cores: number) => Node[],
): Promise<PlanFacts> {
  if (nodes !== undefined)
    return { nodes: made(nodes, cores ?? CORES), namespaces: [], config: undefined, releases: [], notes: [] }
  if (cores !== undefined) throw unusable('--cores is given without --nodes; use both, or neither for the cluster')
  const { startgateNamespace, ...global } = globalOptions(self)
  const { gatherPlan } = await import('../plan/gather.ts')
  return gatherPlan(await connect(global), startgateNamespace)
}

function notesOf({ notes, nodes }: PlanFacts, used: number): string[] {
  const left = nodes.length - used
  if (left === 0) return notes
  return [...notes, `Left out: ${left} of ${nodes.length} nodes, which are not ready, cordoned or tainted.`]
}

function parseNodes(text: string): number {
  return numberOf('--nodes', text, { isWhole: true, most: 5_000 })
}

function parseCores(text: string): number {
  return numberOf('--cores', text, { isWhole: false, most: 1_024 })
}

function parseSeconds(text: string): number {
  return numberOf('--start-seconds', text, { isWhole: false, most: MOST_SECONDS })
}

/** Throws Failure. */
function numberOf(option: string, text: string, { isWhole, most }: { isWhole: boolean; most: number }): number {
  const value = /^\d{1,9}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
  if (value > 0 && value <= most && (!isWhole || Number.isInteger(value))) return value
  const example = `a ${isWhole ? 'whole ' : ''}number above 0, ${most} at most`
  throw unusable(`${option}: ${JSON.stringify(text.slice(0, 40))} ${notValid('number', example)}`)
}
