import { type Cluster, clusterUp } from '../cluster/cluster.ts'
import { lineLog } from '../cluster/line-log.ts'
import { allowParallelPulls } from '../faults/parallel-pulls.ts'
import { installStartgate, uninstallStartgate } from '../harness/install.ts'
import { Kubectl } from '../harness/kubectl.ts'
import { DEMO_VALUES } from './demo-values.ts'
import { orderLine, pullFigures, startFigures } from './figures.ts'
import { type Herd, type Measured, runHerd, type Stage } from './herd.ts'
import { LIMIT, orderedHerd, pullingHerd, STARTS_NAMESPACE, startingHerd, startsAre } from './herds.ts'
import { Screen } from './screen.ts'
import { broken, renderSummary } from './summary.ts'
import { seconds } from './table.ts'

const log = lineLog(process.stdout, '  ')

/** Starts, pulls and order, each measured; returns whether all that was promised held. */
export async function tellStory(name: string, signal: AbortSignal): Promise<boolean> {
  const screen = new Screen()
  screen.say('A Kubernetes of our own: a control plane and two workers')
  const cluster = await clusterUp({ name, nodes: 2, log })
  signal.throwIfAborted()
  const beganMs = performance.now()
  const stage: Stage = { cluster, kubectl: new Kubectl(cluster.env), screen, signal }
  await clean(stage)

  const starts = await showStarts(stage)
  const pulls = await showPulls(stage)
  const order = orderLine(await showAndRemove(stage, orderedHerd()))

  const figures = [...startFigures(starts, LIMIT), ...pullFigures(pulls, LIMIT)]
  screen.say(`\nMeasured in this run, which took ${seconds(performance.now() - beganMs)} on the cluster:\n`)
  for (const line of renderSummary(figures)) screen.say(`  ${line}`)
  screen.say(`\n  ${order.text}`)
  const promises = broken([...figures, order])
  for (const promise of promises) screen.say(`\nBROKEN PROMISE: ${promise}`)
  return promises.length === 0
}

/** What an earlier demo or a test has left. */
async function clean({ cluster, kubectl, screen }: Stage): Promise<void> {
  await allowParallelPulls(cluster, kubectl)
  await uninstallStartgate(cluster)
  const names = (await kubectl.text(['get', 'namespaces', '-o', 'name'])).trim().split('\n')
  const ours = names.filter(name => name.startsWith('namespace/demo-'))
  if (ours.length === 0) return
  screen.say('  taking away what an earlier demo left')
  await kubectl.run(['delete', ...ours, '--timeout=60s'])
}

async function showStarts(stage: Stage): Promise<{ ungated: Measured; gated: Measured }> {
  const cores = await coresOf(stage)
  stage.screen.say(`\n${startsAre(cores)}`)
  const ungated = await runHerd(stage, startingHerd(cores, false))
  stage.screen.say('\nhelm install startgate')
  await Promise.all([
    remove(stage, `${STARTS_NAMESPACE}-ungated`),
    installStartgate(stage.cluster, { values: DEMO_VALUES, log }),
  ])
  stage.signal.throwIfAborted()
  // Stays, for whoever goes on by hand.
  return { ungated, gated: await runHerd(stage, startingHerd(cores, true)) }
}

async function showPulls(stage: Stage): Promise<{ ungated: Measured; gated: Measured }> {
  const ungated = await showAndRemove(stage, await pullingHerd(stage.cluster, false))
  return { ungated, gated: await showAndRemove(stage, await pullingHerd(stage.cluster, true)) }
}

async function showAndRemove(stage: Stage, herd: Herd): Promise<Measured> {
  const measured = await runHerd(stage, herd)
  await remove(stage, herd.namespace)
  return measured
}

/** Its pods at once; the rest of the namespace follows. */
async function remove({ kubectl }: Stage, namespace: string): Promise<void> {
  await kubectl.run(['delete', 'namespace', namespace, '--wait=false'])
  await kubectl.run(['delete', 'pods', '--all', '-n', namespace, '--wait=false'])
  await kubectl.run(['wait', '--for=delete', 'pods', '--all', '-n', namespace, '--timeout=60s'])
}

/** Each node of a kind cluster has all cores of the machine. */
async function coresOf({ kubectl }: { kubectl: Kubectl; cluster: Cluster }): Promise<number> {
  const capacity = await kubectl.text(['get', 'nodes', '-o', 'jsonpath={.items[0].status.capacity.cpu}'])
  return Number(capacity)
}
