import { parseArgs } from 'node:util'
import { InvalidValueError, notValid } from '../core/errors.ts'
import { benchAdmission } from './admission.ts'
import { compared, type Figures, readBudgets } from './budgets.ts'
import { API_LATENCY_MS, benchHerd, benchLine, type Run, type Settling } from './gates.ts'
import { benchNodeHerd, type NodeHerdFigures, nodeHerdLines } from './node-herd.ts'
import { benchQueue, exponentOf } from './queue.ts'
import { benchScale, type ScaleFigures, sizeOf } from './scale.ts'
import { benchState, benchViewers } from './state.ts'
import { benchWatchers } from './watchers.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    gates: { type: 'string', default: '10000' },
    /** Of the largest cluster; a tenth is 10. */
    part: { type: 'string', default: '1' },
    /** Lists by pages, as of an API server that cannot stream them. */
    pages: { type: 'boolean', default: false },
  },
})
const part = Number(values.part)
if (!Number.isInteger(part) || part < 1 || part > 25)
  throw new InvalidValueError('--part', values.part, notValid('part', 'a whole number from 1 to 25'))
const gates = Number(values.gates)
if (!Number.isInteger(gates) || gates < 1)
  throw new InvalidValueError(
    '--gates',
    values.gates,
    notValid('number of gates', '10000', 'another whole number above 0'),
  )
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const ms = (value: number): string => `${value.toFixed(2)} ms`

async function admission(): Promise<Figures> {
  const { bytes, startgate, yesServer } = await benchAdmission()
  say(`admission over TLS, review of ${bytes} bytes, 4 connections, client in the same process`)
  say(`  startgate              p50 ${ms(startgate.p50)}   p99 ${ms(startgate.p99)}`)
  say(`  a server that says yes p50 ${ms(yesServer.p50)}   p99 ${ms(yesServer.p99)}`)
  return {
    'admission p50, to a server that says yes': startgate.p50 / yesServer.p50,
    'admission p99, to a server that says yes': startgate.p99 / yesServer.p99,
  }
}

async function queue(): Promise<Figures> {
  const rows = benchQueue()
  say('one decision on n waiting tickets')
  for (const { n, ms: time } of rows)
    say(`  n ${String(n).padStart(6)}   ${ms(time)}   ${((time / n) * 1e6).toFixed(0)} ns a ticket`)
  return {
    'exponent of a decision from 100 to 100,000 waiting': exponentOf(rows),
    'one decision on 10,000 waiting': rows.find(({ n }) => n === 10_000)?.ms ?? Number.NaN,
  }
}

async function herd(): Promise<Figures> {
  say(`${gates} gates over TLS on loopback, one lease service process, all gates in a second one`)
  say(
    `  Leases, token reviews and the election in memory, ${API_LATENCY_MS} ms each; pods of 200 nodes, 2 slots a node`,
  )
  const { cold, again, waiting, idleCores, stalledMs, grantsPerSecond } = await benchHerd(gates)
  const settling = ({ seconds, asksPerGate }: Settling) =>
    `settled after ${seconds.toFixed(1)} s, ${asksPerGate.toFixed(1)} connections a gate`
  say(`  400 start a second:     ${settling(cold)}`)
  say(`  service killed, and back: ${settling(again)}; busy without a break for ${stalledMs.toFixed(0)} ms`)
  say(
    `  waiting: ${waiting.connections} connections, RSS ${(waiting.rssBytes / 2 ** 20).toFixed(0)} MiB, ${idleCores.toFixed(2)} cores`,
  )
  say(`  all nodes thawed, a start takes 100 ms: ${grantsPerSecond.toFixed(0)} grants a second`)
  return {
    'gates started 400 a second: settled after': cold.seconds,
    'gates that lose the leader at once: settled after': again.seconds,
    'gates that failed open meanwhile': again.failedOpen,
    'connections a gate made after the loss': again.asksPerGate,
    'longest time without a break as the herd came back': stalledMs,
    'RSS of the service, all gates connected': waiting.rssBytes / 2 ** 20,
    'grants a second, all gates connected': grantsPerSecond,
  }
}

async function line(): Promise<Figures> {
  say(`the same herd in one line of 100 slots, a start takes 500 ms, 20 s each`)
  const { ours, toldMs, herdCores, serviceCores, naive } = await benchLine(gates)
  const heard = (run: Run) =>
    `${run.grantsPerSecond.toFixed(0)} grants a second of 200, slot free to gate heard p50 ${ms(run.handOverMs.p50)} p99 ${ms(run.handOverMs.p99)}, ` +
    `${run.writesPerGrant.toFixed(1)} writes and ${run.readsPerGrant.toFixed(1)} reads a grant, ${run.passedOver.toFixed(1)} older pods passed over`
  say(`  our gates: ${heard(ours)}`)
  // All machines of the gates are one process here: where it has no core left, gates hear late what they were told in
  // time.
  say(
    `  told p50 ${ms(toldMs.p50)} p99 ${ms(toldMs.p99)}; ${serviceCores.toFixed(2)} cores of the service, ${herdCores.toFixed(2)} of the gates' process`,
  )
  say(`  gates that poll a Lease each second: ${heard(naive)}`)
  return {
    'API writes a grant': ours.writesPerGrant,
    'slot free to gate told, p50': toldMs.p50,
    'slot free to gate told, p99': toldMs.p99,
    'grants a second in one line, to naive gates': ours.grantsPerSecond / naive.grantsPerSecond,
    'API calls a grant, to naive gates':
      (ours.writesPerGrant + ours.readsPerGrant) / (naive.writesPerGrant + naive.readsPerGrant),
    'older pods passed over a grant, to naive gates': ours.passedOver / naive.passedOver,
  }
}

async function scale(): Promise<Figures> {
  const run = async (of: number): Promise<ScaleFigures> => {
    const size = sizeOf(of)
    const figures = await benchScale(size, { isStreaming: !values.pages })
    say(
      `${size.nodes} nodes, ${size.pods} gated pods of 17 KiB, ${size.namespaces} namespaces, ${size.waiting} gates wait`,
    )
    say(
      `  a replica has seen all after ${figures.syncSeconds.toFixed(0)} s, by ${values.pages ? 'pages' : 'a streaming list'}`,
    )
    say(`  leader: RSS ${figures.rssMiB.toFixed(0)} MiB, ${figures.changeMs.toFixed(2)} ms of CPU time a change`)
    say(
      `  longest without a break: ${ms(figures.steadyStallMs)}, ${ms(figures.steadyBusyMs)} of it CPU time of its own`,
    )
    say(
      `  at takeover:             ${ms(figures.takeoverStallMs)}, ${ms(figures.takeoverBusyMs)} of it CPU time of its own`,
    )
    say(
      `  elected to first word ${ms(figures.takeoverMs)}; all thawed: ${figures.grantsPerSecond.toFixed(0)} grants a second`,
    )
    say(
      `  ${figures.grantsPerCpuSecond.toFixed(0)} grants for a second of the leader's CPU time; meanwhile it used ${figures.leaderCores.toFixed(2)} cores, all gates ${figures.gatesCores.toFixed(2)}, the API server ${figures.apiCores.toFixed(2)}`,
    )
    return figures
  }
  const tenth = await run(part * 10)
  const whole = await run(part)
  return {
    'RSS of a leader of 150,000 pods': whole.rssMiB,
    'longest CPU time of that leader without a break': whole.steadyBusyMs,
    'the same at its takeover': whole.takeoverBusyMs,
    'elected until a gate hears that leader': whole.takeoverMs / 1_000,
    'grants a second of that leader': whole.grantsPerSecond,
    'CPU time of a change at 150,000 pods, to that at 15,000': whole.changeMs / tenth.changeMs,
    ...(await waiters()),
  }
}

/** Gates that wait through their nodes' waiters. */
async function waiters(): Promise<Figures> {
  const run = async (nodes: number, gatesPerNode: number, startMs: number): Promise<NodeHerdFigures> => {
    say(`${nodes} nodes × ${gatesPerNode} gates that wait through their nodes' waiters, a start takes ${startMs} ms`)
    const figures = await benchNodeHerd({ nodes, gatesPerNode, startMs })
    for (const line of nodeHerdLines(figures)) say(`  ${line}`)
    return figures
  }
  const many = Math.ceil(5_000 / part)
  // By the time that a start takes, no more than 800 starts a second can be asked for; then 4,000; then 1,000.
  const steady = await run(200, 50, 500)
  const fast = await run(200, 50, 100)
  const large = await run(many, 20, 10_000)
  return {
    'RSS of a leader, 10,000 gates on 200 waiters': steady.waitingMiB,
    'told of a free slot, 10,000 gates on 200 waiters, p99': steady.toldMs.p99,
    'grants a second, 10,000 gates on 200 waiters': fast.grantsPerSecond,
    "the leader's CPU time of one of those grants": fast.cpuMsPerGrant,
    'RSS of a leader, 100,000 gates on 5,000 waiters': large.waitingMiB,
    'told of a free slot, 100,000 gates on 5,000 waiters, p99': large.toldMs.p99,
  }
}

const VIEWERS = 50

async function state(): Promise<Figures> {
  const { snapshotMs, pageMs, changesMs, pageBytes, changesBytes } = benchState(gates)
  const times = ({ p50, worst }: { p50: number; worst: number }) => `p50 ${ms(p50)}   worst ${ms(worst)}`
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`
  say(`the state API, ${gates} pods wait; CPU time of the leader's thread`)
  say(`  a snapshot, once a second at most     ${times(snapshotMs)}`)
  say(`  an answer of 1,000 gates, ${kib(pageBytes)}     ${times(pageMs)}`)
  say(`  what changed, for all who watch the same, ${kib(changesBytes)}   ${times(changesMs)}`)
  const viewers = await benchViewers(gates, VIEWERS)
  const { without, withThem, stalledMs, bytesPerSecond, eventsPerSecond } = viewers
  say(
    `  ${VIEWERS} who watch over TLS, the line moves each second: told something ${eventsPerSecond.toFixed(2)} times a second,`,
  )
  say(
    `  ${kib(bytesPerSecond)} a second in all; ${withThem.toFixed(3)} cores of the leader's thread, ${without.toFixed(3)} without them; longest without a break ${ms(stalledMs.withThem)}, ${ms(stalledMs.without)} without them`,
  )
  return {
    'a snapshot for the state API, without a break': snapshotMs.worst,
    "cores of the leader's thread for 50 who watch": withThem - without,
  }
}

async function watchers(): Promise<Figures> {
  const { without, withThem, bytesPerSecond } = await benchWatchers(gates, VIEWERS)
  const shown = (window: typeof without): string =>
    `${window.grantsPerSecond.toFixed(0)} grants a second, ${window.cores.toFixed(2)} cores`
  say(
    `the same line, and ${VIEWERS} who watch the state over TLS, ${(bytesPerSecond / 1024).toFixed(0)} KiB a second in all`,
  )
  say(`  without them: ${shown(without)} of the service; with them: ${shown(withThem)}`)
  return { 'grants a second with 50 who watch, to without': withThem.grantsPerSecond / without.grantsPerSecond }
}

const BENCHES = { admission, queue, state, herd, line, watchers, scale }

const figures: Figures = {}
// Those named on the command line; all without one.
for (const [name, bench] of Object.entries(BENCHES))
  if (positionals.length === 0 || positionals.includes(name)) Object.assign(figures, await bench())
const isWhole = gates === 10_000 && part === 1
say(`measured against bench/budgets.json${isWhole ? '' : ', where gates are 10,000 and the cluster is whole'}`)
for (const row of compared(figures, readBudgets())) say(`  ${row}`)
